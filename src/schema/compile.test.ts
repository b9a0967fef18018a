import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { DefinitionError } from '../errors/definition-error.js'
import { type CheckResult, compileSchema, warmUp } from './compile.js'
import type { SchemaLike } from './infer.js'
import type { JsonSchema } from './json-schema.js'

const input = { role: 'input', owner: 'tool "find-order"' } as const
const output = { role: 'output', owner: 'tool "find-order"' } as const

beforeAll(warmUp)

function check(schema: SchemaLike, value: unknown): CheckResult {
  const result = compileSchema(schema, input).check(value)
  if (result instanceof Promise) throw new Error('the check was not synchronous')
  return result
}

function refusal(schema: unknown, options: { role: 'input' | 'output'; owner: string } = input): string {
  try {
    compileSchema(schema as SchemaLike, options)
  } catch (error) {
    if (error instanceof DefinitionError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('what is accepted', () => {
  const sources: Record<string, SchemaLike> = {
    zod: z.object({ id: z.string(), limit: z.int().min(1).max(100).optional() }),
    arktype: type({ id: 'string', 'limit?': '1 <= number.integer <= 100' }),
    valibot: toStandardJsonSchema(
      v.object({
        id: v.string(),
        limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100))),
      }),
    ),
    'plain JSON Schema': {
      type: 'object',
      properties: { id: { type: 'string' }, limit: { type: 'integer', minimum: 1, maximum: 100 } },
      required: ['id'],
    },
  }
  for (const [name, schema] of Object.entries(sources)) {
    it(`${name}: lists the same, checks the same, says the same`, () => {
      const { json } = compileSchema(schema, input)
      expect(json).toMatchObject({ type: 'object', properties: { id: { type: 'string' } }, required: ['id'] })
      expect(json).not.toHaveProperty('$schema')
      expect(json).not.toHaveProperty('~standard')
      expect(JSON.parse(JSON.stringify(json))).toEqual(json)
      expect(check(schema, { id: 'a', limit: 5 })).toEqual({ ok: true, value: { id: 'a', limit: 5 } })
      const failed = check(schema, { limit: 'ten' })
      expect(failed.ok ? [] : failed.problems.map(({ message }) => message)).toEqual([
        '"id" is required (a string).',
        '"limit" must be an integer from 1 to 100, received the string "ten".',
      ])
    })
  }

  it('hands on what the library made of the value', () => {
    const schema = z.object({
      n: z.string().transform(Number),
      limit: z.number().default(10),
      x: z.any().optional(),
    })
    expect(check(schema, { n: '5', stray: 1 })).toEqual({ ok: true, value: { n: 5, limit: 10 } })
    expect(compileSchema(schema, input).json.required).toEqual(['n'])
  })

  it('lists an output as what the schema gives, and uses the parsed value', () => {
    const schema = z.object({ at: z.string().default('now') })
    const compiled = compileSchema(schema, output)
    expect(compiled.json).toMatchObject({ required: ['at'], additionalProperties: false })
    expect(compiled.check({ extra: 1 })).toEqual({ ok: true, value: { at: 'now' } })
  })

  it('sees an object root one step away', () => {
    const both: JsonSchema = { allOf: [{ type: 'object', required: ['a'] }, { type: 'object' }] }
    expect(compileSchema(both, input).json).toEqual({ type: 'object', ...both })
    expect(check(both, { a: 'x' })).toMatchObject({ ok: true })
    const referred: JsonSchema = { $ref: '#/$defs/a', $defs: { a: { type: 'object' } } }
    expect(compileSchema(referred, input).json).toEqual({ type: 'object', ...referred })
  })

  it('takes any root for an output', () => {
    expect(compileSchema({ type: 'array', items: { type: 'string' } }, output).check(['a'])).toEqual({
      ok: true,
      value: ['a'],
    })
  })

  it('waits for an asynchronous refinement', async () => {
    const schema = z.object({ id: z.string().refine(async (id) => id !== 'no', 'must exist') })
    const compiled = compileSchema(schema, input)
    await expect(compiled.check({ id: 'yes' })).resolves.toEqual({ ok: true, value: { id: 'yes' } })
    const failed = await compiled.check({ id: 'no' })
    expect(failed.ok ? '' : failed.problems[0]?.message).toBe(
      '"id" is not valid: must exist, received the string "no".',
    )
  })

  it('passes on what the library itself throws', async () => {
    const schema = z.object({
      id: z.string().refine(() => {
        throw new Error('boom')
      }),
    })
    await expect(async () => compileSchema(schema, input).check({ id: 'a' })).rejects.toThrow('boom')
  })

  it('keeps a private copy, and lets two tools carry the same $id', () => {
    const doc = { $id: 'https://x.example/a', type: 'object' as const, properties: { a: { type: 'string' } } }
    const first = compileSchema(doc as JsonSchema, input)
    Object.assign(doc.properties.a, { type: 'number' })
    const second = compileSchema(doc as JsonSchema, input)
    expect(first.check({ a: 'x' })).toMatchObject({ ok: true })
    expect(second.check({ a: 'x' })).toMatchObject({ ok: false })
    expect(first.json.$id).toBe('https://x.example/a')
  })

  it('takes a frozen document and a draft-07 one', async () => {
    expect(check(Object.freeze({ type: 'object' }), {})).toMatchObject({ ok: true })
    const old = compileSchema(
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        properties: {
          pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false },
        },
      },
      input,
    )
    expect(old.json.$schema).toBe('http://json-schema.org/draft-07/schema#')
    expect(await old.check({ pair: ['a', 1] })).toMatchObject({ ok: true })
    expect(await old.check({ pair: [1, 1] })).toMatchObject({ ok: false })
    expect(old.check({ pair: ['a', 1] })).not.toBeInstanceOf(Promise)
  })
})

describe('what is refused, and how to mend it', () => {
  it('names the mend for each library without JSON Schema', () => {
    const old = (vendor: string): unknown => ({
      '~standard': { version: 1, vendor, validate: () => ({ value: 1 }) },
    })
    expect(refusal(v.object({}))).toBe(
      'The input schema of tool "find-order" comes from valibot and yields no JSON Schema; wrap it with `toStandardJsonSchema(...)` from `@valibot/to-json-schema`.',
    )
    expect(refusal(old('zod'))).toContain('upgrade zod to 4.2 or newer')
    expect(refusal(old('yup'))).toContain(
      'give plain JSON Schema, or use a library that implements Standard JSON Schema',
    )
    expect(refusal(old('constructor'))).toContain('give plain JSON Schema')
  })

  const cases: [string, unknown, string][] = [
    ['a type JSON lacks', z.object({ at: z.date() }), 'an ISO date string in place of a Date'],
    ['true', true, 'must be an object, not true'],
    ['an array', [], 'must be an object, not []'],
    ['null', null, 'must be an object, not null'],
    [
      'a root that is no object',
      z.string(),
      'must have `type: "object"` at its root but has the type "string"',
    ],
    ['a root union', { anyOf: [{ type: 'object' }] }, 'put the union into a property'],
    [
      'an unknown dialect',
      { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' },
      'unknown dialect',
    ],
    ['a dialect from the prototype', { $schema: 'constructor', type: 'object' }, 'unknown dialect'],
    [
      'a network $ref',
      { type: 'object', properties: { a: { $ref: 'https://x.example/a' } } },
      'nothing is ever fetched',
    ],
    ['a relative $ref', { type: 'object', $ref: 'other.json#/a' }, 'nothing is ever fetched'],
    ['a $ref to nothing', { type: 'object', properties: { a: { $ref: '#/$defs/a' } } }, 'which is not in it'],
    [
      'a $ref into a default',
      { type: 'object', default: { a: {} }, $ref: '#/default/a' },
      'not where a schema stands',
    ],
    ['a $ref to itself', { type: 'object', $ref: '#' }, 'refers to itself without ever reaching a property'],
    ['an unknown type', { type: 'object', properties: { a: { type: 'strin' } } }, '#/properties/a/type'],
    [
      'required on a property',
      { type: 'object', properties: { a: { required: true } } },
      'array of different strings',
    ],
    ['a broken pattern', { type: 'object', properties: { a: { pattern: '(' } } }, 'valid with the `u` flag'],
    ['a negative length', { type: 'object', properties: { a: { minLength: -1 } } }, 'whole number from 0'],
    ['an old tuple', { type: 'object', properties: { a: { items: [{}] } } }, '`prefixItems`'],
    ['nullable', { type: 'object', properties: { a: { type: 'string', nullable: true } } }, '`nullable`'],
    ['a schema that is text', { type: 'object', properties: { a: 'string' } }, 'must be a schema'],
    ['a function', { type: 'object', default: () => 1 }, 'which JSON cannot say'],
    ['NaN', { type: 'object', properties: { a: { minimum: Number.NaN } } }, 'which JSON cannot say'],
    ['a Date', { type: 'object', default: { at: new Date(0) } }, 'class instance'],
    [
      '__proto__',
      JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}'),
      '"__proto__"',
    ],
    ['an $id inside', { type: 'object', properties: { a: { $id: 'x' } } }, 'has an `$id` inside'],
  ]
  for (const [name, schema, says] of cases) {
    it(`refuses ${name}`, () => {
      const message = refusal(schema)
      expect(message).toContain(says)
      expect(message).toMatch(/^The input schema of tool "find-order" .*\.$/s)
    })
  }

  it('refuses a transform at the end of an output', () => {
    expect(refusal(z.object({ n: z.string().transform(Number) }), output)).toContain(
      'end a transform with `.pipe(...)`',
    )
  })

  it('bounds depth, number and expansion', () => {
    let deep: Record<string, unknown> = { type: 'string' }
    for (let i = 0; i < 40; i += 1) deep = { type: 'object', properties: { a: deep } }
    expect(refusal(deep)).toContain('deeper than 32 levels')
    const wide = Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`p${i}`, {}]))
    expect(refusal({ type: 'object', properties: wide })).toContain('more than 2000 subschemas')
    const $defs: Record<string, unknown> = { d0: { type: 'string' } }
    for (let i = 1; i < 30; i += 1)
      $defs[`d${i}`] = { anyOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] }
    expect(refusal({ type: 'object', $defs, properties: { a: { $ref: '#/$defs/d29' } } })).toContain(
      'alternatives',
    )
    const circle: Record<string, unknown> = { type: 'object' }
    circle['default'] = circle
    expect(refusal(circle)).toContain('contains itself')
  })
})

describe('hostile values', () => {
  const tree: JsonSchema = {
    type: 'object',
    properties: { kids: { type: 'array', items: { $ref: '#' } }, toString: { type: 'string' as const } },
    required: ['constructor'],
  }

  it('asks for own properties', () => {
    expect(check(tree, {})).toMatchObject({ ok: false })
    expect(check(tree, { constructor: 1 })).toMatchObject({ ok: true })
  })

  it('survives nesting beyond the stack', () => {
    let value: unknown = { constructor: 1 }
    for (let i = 0; i < 100_000; i += 1) value = { constructor: 1, kids: [value] }
    const result = check(tree, value)
    expect(result.ok ? '' : result.problems[0]?.message).toBe(
      'The arguments cannot be checked: they nest too deeply.',
    )
  })

  it('survives what breaks a deep comparison', () => {
    const schema: JsonSchema = { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } }
    const result = check(schema, JSON.parse('{"a":[{"valueOf":1},{"valueOf":1}]}'))
    expect(result.ok ? '' : result.problems[0]?.message).toContain('a property is named "valueOf"')
  })

  it('explains a million wrong items by the first one, at once', async () => {
    const schema: JsonSchema = {
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'string' } } },
    }
    const compiled = compileSchema(schema, input)
    await compiled.check({ a: [1] })
    const began = performance.now()
    const result = compiled.check({ a: new Array(1_000_000).fill(1) })
    expect(performance.now() - began).toBeLessThan(3000)
    expect(result).toMatchObject({ ok: false, problems: [{ field: 'a[0]' }] })
  })

  it('takes neither NaN nor Infinity for a number', () => {
    const schema: JsonSchema = { type: 'object', properties: { n: { type: 'number' } } }
    for (const n of [Number.NaN, Number.POSITIVE_INFINITY, JSON.parse('1e400')]) {
      const result = check(schema, { n })
      expect(result.ok ? '' : result.problems[0]?.message).toBe(
        `"n" must be a number, received the number ${n}.`,
      )
    }
  })
})
