import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import { type JsonSchema, jsonSchema, type SchemaLike } from 'holdfast'
import { type Cell, cells, type Message } from 'holdfast/testing'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, testServer, textOf } from '../protocol/support.js'
import { ableClient, accept, asking, codeOf, inMemory, type TestServer } from './support.js'

const overMemory = cells({ transports: inMemory, revisions: asking })
const [plain, full, newest] = overMemory

/** The form as a client of the revision gets it. */
async function formOf(cell: Cell | undefined, schema: SchemaLike, content: object = {}): Promise<Message> {
  if (cell === undefined) throw new Error('There is no such revision.')
  const { server } = testServer()
  let form: Message = {}
  server.tool('ask', { description: 'Asks.' }, async (_args, ctx) =>
    JSON.stringify(await ctx.elicit({ message: 'Please fill in.', schema })),
  )
  const client = await open(cell, server, {
    capabilities: ableClient,
    answers: {
      'elicitation/create': (params) => {
        form = params
        return accept(content)
      },
    },
  })
  await client.callTool('ask')
  return form
}

function propertiesOf(form: Message): unknown {
  return (form['requestedSchema'] as Message | undefined)?.['properties']
}

const size = ['s', 'm', 'l'] as const
const libraries = {
  zod: z.object({
    name: z.string().min(2).max(40).describe('Your name.'),
    mail: z.email().optional(),
    age: z.int().min(0).max(150),
    size: z.enum(size),
    news: z.boolean().default(false),
  }),
  arktype: type({
    name: '2 <= string <= 40',
    'mail?': 'string.email',
    age: '0 <= number.integer <= 150',
    size: "'s' | 'm' | 'l'",
    news: 'boolean',
  }),
  valibot: toStandardJsonSchema(
    v.object({
      name: v.pipe(v.string(), v.minLength(2), v.maxLength(40)),
      mail: v.optional(v.pipe(v.string(), v.email())),
      age: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(150)),
      size: v.picklist(size),
      news: v.boolean(),
    }),
  ),
  'plain JSON Schema': jsonSchema<object>({
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 2, maxLength: 40 },
      mail: { type: 'string', format: 'email' },
      age: { type: 'integer', minimum: 0, maximum: 150 },
      size: { type: 'string', enum: size },
      news: { type: 'boolean' },
    },
    required: ['name', 'age', 'size', 'news'],
  }),
}

describe.each(overMemory)('$name', (cell) => {
  it.each(Object.entries(libraries))(
    'ELI-02 a form written in %s is a flat form',
    async (_library, schema) => {
      const form = await formOf(cell, schema as SchemaLike, { name: 'Ada', age: 36, size: 's', news: true })
      expect(propertiesOf(form)).toMatchObject({
        name: { type: 'string', minLength: 2, maxLength: 40 },
        mail: { type: 'string', format: 'email' },
        age: { type: 'integer', minimum: 0, maximum: 150 },
        size: { type: 'string', enum: expect.arrayContaining([...size]) as unknown },
        news: { type: 'boolean' },
      })
      const known = ['type', 'title', 'description', 'minLength', 'maxLength', 'minimum', 'maximum']
      const allowed = new Set([...known, 'format', 'enum', 'default'])
      for (const field of Object.values(propertiesOf(form) as Record<string, object>)) {
        expect(Object.keys(field).filter((keyword) => !allowed.has(keyword))).toEqual([])
      }
    },
  )

  it('ELI-02 what a client need not know stays here and is checked all the same', async () => {
    const schema = z.object({ code: z.string().regex(/^[A-Z]{3}$/) })
    const contents = [accept({ code: 'abc' }), accept({ code: 'ABC' })]
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) =>
      JSON.stringify(await ctx.elicit({ message: 'Which code?', schema })),
    )
    const forms: Message[] = []
    const client = await open(cell, server, {
      capabilities: ableClient,
      answers: { 'elicitation/create': (params) => contents[forms.push(params) - 1] },
    })
    expect(textOf(await client.callTool('ask'))).toContain('"ABC"')
    expect(forms.map(propertiesOf)).toEqual([{ code: { type: 'string' } }, { code: { type: 'string' } }])
  })

  it.each<readonly [what: string, schema: SchemaLike]>([
    ['an object within', z.object({ address: z.object({ street: z.string() }) })],
    ['a list of objects', z.object({ rows: z.array(z.object({ id: z.string() })) })],
    ['a list of anything', z.object({ rows: z.array(z.string()) })],
    ['anything', z.object({ any: z.unknown() })],
    ['text or a number', z.object({ either: z.union([z.string(), z.number()]) })],
    ['no fields', jsonSchema<object>({ type: 'object' })],
  ])('ELI-02 a form with %s is refused, and the log says which field and why', async (_what, schema) => {
    const { client, log } = await askedFor(cell, schema)
    const result = await client.callTool('ask')
    expect(codeOf(result)).toBe('internal')
    expect(textOf(result)).not.toMatch(/address|rows|any|either|form/)
    expect(log()).toMatch(/^FormFault: The (question's field "\w+"|schema of a question) .*\.$/)
    expect(client.serverRequests).toEqual([])
  })

  it.each([
    ...['password', 'userPassword', 'api_key', 'apiKey', 'accessToken', 'client-secret', 'pin', 'cvv'],
    ...['cardNumber', 'credit_card'],
  ])('ELI-03 a form that asks for %s is refused, and the log says what to use instead', async (name) => {
    const { client, log } = await askedFor(cell, {
      type: 'object',
      properties: { [name]: { type: 'string', description: 'What is asked.' } },
    })
    expect(codeOf(await client.callTool('ask'))).toBe('internal')
    expect(log()).toMatch(/looks like a secret .* use ctx\.elicitUrl/)
  })

  it.each(['Your password', 'API key', 'Credit card number'])(
    'ELI-03 a field that calls itself "%s" is refused like one that is named so',
    async (title) => {
      const { client, log } = await askedFor(cell, {
        type: 'object',
        properties: { value: { type: 'string', title, description: 'What is asked.' } },
      })
      expect(codeOf(await client.callTool('ask'))).toBe('internal')
      expect(log()).toContain('looks like a secret')
    },
  )

  it.each<readonly [name: string, field: JsonSchema]>([
    ['maxTokens', { type: 'integer' }],
    ['acceptCookies', { type: 'boolean' }],
    ['tokens', { type: 'number' }],
  ])('a number or a yes or no named %s is no secret', async (name, field) => {
    const form = await formOf(cell, { type: 'object', properties: { [name]: field } })
    expect(propertiesOf(form)).toEqual({ [name]: field })
  })

  it('the mode is named where there are two, and nowhere else', async () => {
    const form = await formOf(cell, z.object({ name: z.string() }), { name: 'Ada' })
    expect(form['mode']).toBe(cell.revision === '2025-06-18' ? undefined : 'form')
  })
})

const titled = [
  { const: 's', title: 'Small' },
  { const: 'm', title: 'Medium' },
]
const rich = jsonSchema<object>({
  type: 'object',
  properties: {
    name: { type: 'string', title: 'Name', default: 'Ada' },
    age: { type: 'integer', default: 36 },
    news: { type: 'boolean', default: true },
    size: { type: 'string', oneOf: titled, default: 's' },
    plainSize: { type: 'string', enum: ['s', 'm'], enumNames: ['Small', 'Medium'], default: 'm' },
  },
})

describe('2025-06-18', () => {
  it('forms have no defaults but of booleans, and titles of choices beside them', async () => {
    expect(propertiesOf(await formOf(plain, rich))).toEqual({
      name: { type: 'string', title: 'Name' },
      age: { type: 'integer' },
      news: { type: 'boolean', default: true },
      size: { type: 'string', enum: ['s', 'm'], enumNames: ['Small', 'Medium'] },
      plainSize: { type: 'string', enum: ['s', 'm'], enumNames: ['Small', 'Medium'] },
    })
  })
})

describe.each([full, newest].filter((cell) => cell !== undefined))('$name', (cell) => {
  it('ELI-09 forms have defaults, titled choices and several choices', async () => {
    expect(propertiesOf(await formOf(cell, rich))).toEqual({
      name: { type: 'string', title: 'Name', default: 'Ada' },
      age: { type: 'integer', default: 36 },
      news: { type: 'boolean', default: true },
      size: { type: 'string', oneOf: titled, default: 's' },
      plainSize: { type: 'string', enum: ['s', 'm'], enumNames: ['Small', 'Medium'], default: 'm' },
    })
    const several = jsonSchema<object>({
      type: 'object',
      properties: {
        days: {
          type: 'array',
          minItems: 1,
          maxItems: 2,
          uniqueItems: true,
          items: { type: 'string', enum: ['mon', 'tue'] },
          default: ['mon'],
        },
        sizes: { type: 'array', items: { anyOf: titled } },
      },
    })
    expect(propertiesOf(await formOf(cell, several))).toEqual({
      days: {
        type: 'array',
        minItems: 1,
        maxItems: 2,
        items: { type: 'string', enum: ['mon', 'tue'] },
        default: ['mon'],
      },
      sizes: { type: 'array', items: { anyOf: titled } },
    })
  })
})

/** A client of a server that asks for a form, and what the log said last. */
async function askedFor(
  cell: Cell,
  schema: SchemaLike,
): Promise<{
  readonly client: Awaited<ReturnType<typeof open>>
  readonly server: TestServer
  log(): string
}> {
  const { server, logged } = testServer()
  server.tool('ask', { description: 'Asks.' }, async (_args, ctx) =>
    JSON.stringify(await ctx.elicit({ message: 'Please fill in.', schema })),
  )
  const client = await open(cell, server, { capabilities: ableClient })
  return { client, server, log: () => String(logged.at(-1)?.fields['error']) }
}
