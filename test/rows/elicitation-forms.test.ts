import { Ajv2020 } from 'ajv/dist/2020.js'
import { jsonSchema, type SchemaLike } from 'holdfast'
import { type Cell, cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, testServer, textOf } from '../protocol/support.js'

const both = { transports: ['stdio', 'http'] } as const
const asking = ['2025-06-18', '2025-11-25', '2026-07-28'] as const

/** Asks with each schema, by a tool of its own; which of them the client was asked, and by which forms. */
async function formsOf(
  cell: Cell,
  schemas: Readonly<Record<string, SchemaLike>>,
): Promise<Readonly<Record<string, Message>>> {
  const { server } = testServer()
  for (const [name, schema] of Object.entries(schemas)) {
    server.tool(name, { description: 'Asks.' }, async (_args, ctx) => {
      return (await ctx.elicit({ message: name, schema })).action
    })
  }
  const forms: Record<string, Message> = {}
  const client = await open(cell, server, {
    capabilities: { elicitation: {} },
    answers: {
      'elicitation/create': ({ message, requestedSchema }) => {
        forms[String(message)] = requestedSchema as Message
        return { action: 'decline' }
      },
    },
  })
  for (const name of Object.keys(schemas)) {
    const result = await client.callTool(name)
    // What is asked is answered; what cannot be asked is the author's mistake, and hangs nobody.
    expect([name, textOf(result) === 'decline']).toEqual([name, Object.hasOwn(forms, name)])
    if (!Object.hasOwn(forms, name)) expect(result.isError).toBe(true)
  }
  return forms
}

const text = { type: 'string' }
const texts = { type: 'array', items: text }
const count = { type: 'integer', minimum: 0 }

/** An object with these members and no others, each as its schema says. */
function exactly(required: readonly string[], properties: object): object {
  return { type: 'object', properties, required, additionalProperties: false }
}

/** What the revision lets a form be (client/elicitation, "Requested Schema"), strictly: no keyword more. */
function formRules(revision: string): object {
  const full = revision >= '2025-11-25'
  const named = { title: text, description: text }
  const withDefault = (type: object): object => (full ? { default: type } : {})
  const type = (...names: string[]): object => ({ enum: names })
  const titled = exactly(['const', 'title'], { const: text, title: text })
  const many = { ...named, type: type('array'), minItems: count, maxItems: count, ...withDefault(texts) }
  const fields = [
    exactly(['type'], {
      ...named,
      type: type('string'),
      minLength: count,
      maxLength: count,
      format: { enum: ['email', 'uri', 'date', 'date-time'] },
      ...withDefault(text),
    }),
    exactly(['type'], {
      ...named,
      type: type('number', 'integer'),
      minimum: { type: 'number' },
      maximum: { type: 'number' },
      ...withDefault({ type: 'number' }),
    }),
    exactly(['type'], { ...named, type: type('boolean'), default: { type: 'boolean' } }),
    exactly(['type', 'enum'], {
      ...named,
      type: type('string'),
      enum: texts,
      enumNames: texts,
      ...withDefault(text),
    }),
    ...(full
      ? [
          exactly(['type', 'oneOf'], {
            ...named,
            type: type('string'),
            oneOf: { type: 'array', items: titled },
            ...withDefault(text),
          }),
          exactly(['type', 'items'], {
            ...many,
            items: exactly(['type', 'enum'], { type: type('string'), enum: texts }),
          }),
          exactly(['type', 'items'], {
            ...many,
            items: exactly(['anyOf'], { anyOf: { type: 'array', items: titled } }),
          }),
        ]
      : []),
  ]
  return exactly(['type', 'properties'], {
    type: type('object'),
    properties: { type: 'object', additionalProperties: { anyOf: fields } },
    required: texts,
  })
}

const titledOptions = (title: string): readonly object[] => [
  { const: 'value1', title: `First ${title}` },
  { const: 'value2', title: `Second ${title}` },
]

describe.each(cells({ ...both, revisions: asking }))('$name', (cell) => {
  it('asks by forms of plain fields and choices, in the words of the revision, or not at all (ELI-02)', async () => {
    const flat = {
      zod: z.object({
        name: z.string().min(1).max(20).regex(/^\w/).describe('Your name.'),
        mail: z.email().optional(),
        page: z.url().optional(),
        day: z.iso.date().optional(),
        at: z.iso.datetime().optional(),
        age: z.int().min(0).max(130).multipleOf(1).default(30),
        share: z.number().optional(),
        agree: z.boolean().default(true),
        color: z.enum(['red', 'green']).default('red'),
        only: z.literal('this').optional(),
      }),
      plain: jsonSchema({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        title: 'A form',
        properties: {
          one: { type: 'string', title: 'One', oneOf: titledOptions('Option'), default: 'value1' },
          id: { type: 'string', format: 'uuid', pattern: '^[0-9a-f-]+$', examples: ['x'], readOnly: true },
          old: { type: 'string', enum: ['a', 'b'], enumNames: ['A', 'B'] },
        },
        additionalProperties: false,
      } as never),
      empty: z.object({}),
    }
    const some = {
      some: z.object({
        colors: z
          .array(z.enum(['red', 'green']))
          .min(1)
          .max(2),
      }),
      titled: jsonSchema({
        type: 'object',
        properties: { some: { type: 'array', items: { anyOf: titledOptions('Choice') }, uniqueItems: true } },
      } as never),
    }
    const unfit = {
      nested: z.object({ address: z.object({ street: z.string() }) }),
      list: z.object({ names: z.array(z.string()) }),
      objects: z.object({ rows: z.array(z.object({ a: z.string() })) }),
      union: z.object({ either: z.union([z.string(), z.number()]) }),
      nullable: z.object({ name: z.string().nullable() }),
      record: z.object({ more: z.record(z.string(), z.string()) }),
      anything: z.object({ it: z.any() }),
      open: jsonSchema({ type: 'object' } as never),
    }
    const forms = await formsOf(cell, { ...flat, ...some, ...unfit })
    const full = cell.revision >= '2025-11-25'
    expect(Object.keys(forms)).toEqual([...Object.keys(flat), ...(full ? Object.keys(some) : [])])
    const ajv = new Ajv2020({ allErrors: true, strict: false })
    const rules = ajv.compile(formRules(cell.revision))
    for (const [name, form] of Object.entries(forms)) {
      rules(form)
      expect([name, form, rules.errors ?? []]).toEqual([name, form, []])
      // And it is a schema in its own right.
      expect(ajv.compile(form)).toBeTypeOf('function')
    }
    expect(Object.keys(forms['zod']?.['properties'] as object)).toEqual(Object.keys(flat.zod.shape))
  })

  it('asks for no secret in a field, which would pass through the client (ELI-03)', async () => {
    const names = ['password', 'apiKey', 'access_token', 'client-secret', 'pin', 'cvv', 'ssn', 'privateKey']
    const named = names.map((name) => [name, z.object({ [name]: z.string() })] as const)
    const harmless = { fine: z.object({ keyword: z.string(), tokenizer: z.string(), card: z.enum(['ace']) }) }
    expect(Object.keys(await formsOf(cell, { ...harmless, ...Object.fromEntries(named) }))).toEqual(['fine'])
  })

  it('asks for no card number in a field (ELI-03)', async () => {
    const names = ['cardNumber', 'credit_card', 'creditCardNumber', 'debit-card-no']
    const named = names.map((name) => [name, z.object({ [name]: z.string() })] as const)
    expect(Object.keys(await formsOf(cell, Object.fromEntries(named)))).toEqual([])
  })

  it('asks for no secret under a harmless name, by what the user reads above it (ELI-03)', async () => {
    const titles = ['Password', 'Your API key', 'Access token', 'Credit card number']
    const titled = titles.map(
      (title) => [title.replaceAll(' ', '-'), z.object({ value: z.string().meta({ title }) })] as const,
    )
    expect(Object.keys(await formsOf(cell, Object.fromEntries(titled)))).toEqual([])
  })
})

describe.each(cells({ ...both, revisions: ['2025-11-25'] }))('$name', (cell) => {
  it('asks with defaults and with every kind of choice as they were written (ELI-09)', async () => {
    const options = ['option1', 'option2', 'option3']
    const defaults = {
      name: { type: 'string', description: 'Full name.', default: 'John Doe' },
      age: { type: 'integer', description: 'Age in years.', default: 30 },
      score: { type: 'number', description: 'Score.', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive'], default: 'active' },
      verified: { type: 'boolean', default: true },
      falsy: { type: 'boolean', default: false },
      zero: { type: 'integer', default: 0 },
      empty: { type: 'string', default: '' },
      none: { type: 'array', items: { type: 'string', enum: options }, default: [] },
    }
    const choices = {
      untitledSingle: { type: 'string', title: 'One', enum: options },
      titledSingle: { type: 'string', oneOf: titledOptions('Option'), default: 'value2' },
      legacy: { type: 'string', enum: ['opt1', 'opt2'], enumNames: ['One', 'Two'] },
      untitledMulti: {
        type: 'array',
        minItems: 1,
        maxItems: 2,
        items: { type: 'string', enum: options },
        default: ['option1'],
      },
      titledMulti: { type: 'array', items: { anyOf: titledOptions('Choice') }, default: ['value1'] },
    }
    const schemas = {
      defaults: { type: 'object', properties: defaults },
      choices: { type: 'object', properties: choices, required: ['untitledSingle', 'titledMulti'] },
    }
    const asked = Object.entries(schemas).map(
      ([name, schema]) => [name, jsonSchema(schema as never)] as const,
    )
    expect(await formsOf(cell, Object.fromEntries(asked))).toEqual(schemas)
  })
})
