import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compileSchema, warmUp } from './compile.js'
import type { SchemaLike } from './infer.js'
import type { JsonSchema } from './json-schema.js'
import { describeProblems, type Problem } from './problem.js'

beforeAll(warmUp)

function problems(
  schema: SchemaLike,
  value: unknown,
  role: 'input' | 'output' = 'input',
): readonly Problem[] {
  const result = compileSchema(schema, { role, owner: 'tool "t"' }).check(value)
  if (result instanceof Promise) throw new Error('not synchronous')
  return result.ok ? [] : result.problems
}

const says = (schema: SchemaLike, value: unknown): string[] =>
  problems(schema, value).map(({ message }) => message)
const object = (properties: JsonSchema['properties'], more: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  ...(properties === undefined ? {} : { properties }),
  ...more,
})

describe('sentences for JSON Schema', () => {
  const order = {
    type: 'string',
    pattern: '^ORD-\\d{6}$',
    description: 'Order number, e.g. ORD-000123. Ask sales.',
  } as const
  const cases: [string, JsonSchema, unknown, string[]][] = [
    [
      'a wrong type',
      object({ limit: { type: 'integer', minimum: 1, maximum: 100 } }),
      { limit: 'ten' },
      ['"limit" must be an integer from 1 to 100, received the string "ten".'],
    ],
    [
      'a pattern',
      object({ orderId: order }),
      { orderId: '12' },
      [
        '"orderId" must be a string matching ^ORD-\\d{6}$ (Order number, e.g. ORD-000123), received the string "12".',
      ],
    ],
    [
      'a missing one',
      object({ orderId: { type: 'string', description: 'Order number' } }, { required: ['orderId'] }),
      {},
      ['"orderId" is required (a string: Order number).'],
    ],
    [
      'a missing one with an example',
      object({ n: { type: 'integer', examples: [7] } }, { required: ['n'] }),
      {},
      ['"n" is required (an integer: such as 7).'],
    ],
    [
      'a misspelt name',
      object({ color: {} }, { additionalProperties: false }),
      { colour: 1 },
      ['"colour" is not a parameter of this tool; did you mean "color"?'],
    ],
    [
      'another case',
      object({ orderId: {} }, { additionalProperties: false }),
      { order_id: 1 },
      ['"order_id" is not a parameter of this tool; did you mean "orderId"?'],
    ],
    [
      'a name like no other',
      object({ a: {}, b: {} }, { additionalProperties: false }),
      { 'x y': 1 },
      ['"[\'x y\']" is not a parameter of this tool; it takes "a" and "b".'],
    ],
    [
      'a nested name',
      object({ f: object({ a: {} }, { unevaluatedProperties: false }) }),
      { f: { zzz: 1 } },
      ['"f.zzz" is not a property of "f"; it takes "a".'],
    ],
    [
      'an enum',
      object({ s: { enum: ['asc', 'desc'] } }),
      { s: 'up' },
      ['"s" must be one of "asc" or "desc", received the string "up".'],
    ],
    [
      'a long enum',
      object({ s: { enum: Array.from({ length: 14 }, (_, i) => i) } }),
      { s: 99 },
      ['"s" must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 or 4 more, received the number 99.'],
    ],
    ['a const', object({ s: { const: 'x' } }), { s: null }, ['"s" must be "x", received null.']],
    [
      'a length',
      object({ s: { type: 'string', maxLength: 3 } }),
      { s: 'abcd' },
      ['"s" must be a string of at most 3 characters, received the string "abcd" (4 characters).'],
    ],
    [
      'an empty string',
      object({ s: { type: 'string', minLength: 1 } }),
      { s: '' },
      ['"s" must be a string that is not empty, received an empty string.'],
    ],
    [
      'items',
      object({ a: { type: 'array', items: object({ id: { type: 'integer' } }) } }),
      { a: [{ id: 1 }, { id: 'x' }] },
      ['"a[1].id" must be an integer, received the string "x".'],
    ],
    [
      'too many items',
      object({ a: { type: 'array', items: { type: 'string' }, maxItems: 1 } }),
      { a: ['a', 'b'] },
      ['"a" must be an array of at most 1 item, each a string, received an array of 2 items.'],
    ],
    [
      'an item twice',
      object({ a: { type: 'array', uniqueItems: true } }),
      { a: [1, 2, 1] },
      ['"a" must not repeat an item, but items 0 and 2 are the same.'],
    ],
    [
      'a union',
      object({ n: { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 1 }] } }),
      { n: true },
      ['"n" must be a string or an integer of at least 1, received true.'],
    ],
    [
      'a union of unions',
      object({ n: { anyOf: [{ oneOf: [{ type: 'string' }, { type: 'null' }] }, { type: 'integer' }] } }),
      { n: [] },
      ['"n" must be a string or null or an integer, received an array of 0 items.'],
    ],
    [
      'the one branch that was meant',
      object({ n: { anyOf: [object({ a: { type: 'integer' } }), { type: 'null' }] } }),
      { n: { a: 'x' } },
      ['"n.a" must be an integer, received the string "x".'],
    ],
    [
      'one of two names',
      object({ a: {}, b: {} }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
      {},
      ['"a" or "b" is required.'],
    ],
    [
      'only one of two names',
      object({ a: {}, b: {} }, { oneOf: [{ required: ['a'] }, { required: ['b'] }] }),
      { a: 1, b: 1 },
      ['Only one of "a" and "b" may be given.'],
    ],
    [
      'two that exclude each other',
      object({ a: {}, b: {} }, { not: { required: ['a', 'b'] } }),
      { a: 1, b: 1 },
      ['"a" and "b" cannot be given together.'],
    ],
    [
      'one that needs another',
      object({ a: {}, b: {} }, { dependentRequired: { a: ['b'] } }),
      { a: 1 },
      ['"b" is required when "a" is given.'],
    ],
    [
      'if and then',
      object(
        { k: {}, u: { type: 'string' } },
        { if: { properties: { k: { const: 1 } } }, then: { required: ['u'] } },
      ),
      { k: 1 },
      ['"u" is required (a string).'],
    ],
    ['the whole', object({}), [], ['The arguments must be an object, received an array of 0 items.']],
  ]
  for (const [name, schema, value, expected] of cases)
    it(name, () => expect(says(schema, value)).toEqual(expected))

  const shapes = object({
    shape: {
      oneOf: [
        object({ kind: { const: 'circle' }, r: { type: 'number' } }, { required: ['kind', 'r'] }),
        object({ kind: { const: 'square' }, w: { type: 'number' } }, { required: ['kind', 'w'] }),
      ],
    },
  })
  it('finds the branch by its discriminator', () => {
    expect(says(shapes, { shape: { kind: 'circle', r: 'x' } })).toEqual([
      '"shape.r" must be a number, received the string "x".',
    ])
    expect(says(shapes, { shape: { kind: 'oval' } })).toEqual([
      '"shape.kind" must be one of "circle" or "square", received the string "oval".',
    ])
    expect(says(shapes, { shape: {} })).toEqual(['"shape.kind" is required (one of "circle" or "square").'])
  })

  it('carries the parts for programs, and names a result as one', () => {
    expect(problems(object({ f: object({ n: { type: 'integer' } }) }), { f: { n: 'x' } })).toEqual([
      {
        path: ['f', 'n'],
        field: 'f.n',
        message: '"f.n" must be an integer, received the string "x".',
        expected: 'an integer',
        received: 'the string "x"',
      },
    ])
    expect(problems(object({ a: {} }, { additionalProperties: false }), { q: 1 }, 'output')[0]?.message).toBe(
      '"q" is not a property of the result; it takes "a".',
    )
  })

  it('does not keep a refused value', () => {
    const schema = compileSchema(object({ a: { type: 'string' } }), { role: 'input', owner: 't' })
    const first = schema.check({ a: 1 })
    expect(schema.check({ a: 1 })).toEqual(first)
    expect(schema.check({ a: 'x' })).toMatchObject({ ok: true })
  })
})

describe('sentences for libraries', () => {
  const range = z
    .object({ start: z.number(), end: z.number(), note: z.string().optional() })
    .refine(({ start, end }) => end > start, 'it must end after it starts')

  it('adds a refinement, and names all fields of a cross-field rule', () => {
    expect(says(range, { start: 2, end: 1 })).toEqual([
      'it must end after it starts (given: "start" and "end").',
    ])
    const named = z.object({ a: z.number(), b: z.number() }).refine(() => false, '"a" must be below "b"')
    expect(says(named, { a: 1, b: 1 })).toEqual(['"a" must be below "b".'])
  })

  it('says structure in our words and the rest in the library’s', () => {
    const schema = z.object({
      n: z.int().max(5),
      even: z.number().refine((n) => n % 2 === 0, 'must be even'),
    })
    expect(says(schema, { n: 9, even: 3 })).toEqual([
      '"n" must be an integer of at most 5, received the number 9.',
      '"even" is not valid: must be even, received the number 3.',
    ])
    expect(says(z.strictObject({ color: z.string().optional() }), { colour: 'red' })).toEqual([
      '"colour" is not a parameter of this tool; did you mean "color"?',
    ])
  })

  it('reads valibot and arktype rules', () => {
    const even = toStandardJsonSchema(
      v.object({
        n: v.pipe(
          v.number(),
          v.check((n) => n % 2 === 0, 'must be even'),
        ),
      }),
    )
    expect(says(even, { n: 3 })).toEqual(['"n" is not valid: must be even, received the number 3.'])
    expect(says(type({ n: 'number % 2' }), { n: 3 })).toEqual([
      '"n" must be an integer that is a multiple of 2, received the number 3.',
    ])
  })
})

describe('describeProblems', () => {
  it('spells out ten and counts the rest', () => {
    const names = Array.from({ length: 13 }, (_, i) => `p${i}`)
    const found = problems(object({}, { required: names }), {})
    expect(describeProblems(found).split('\n')).toHaveLength(12)
    expect(describeProblems(found)).toMatch(/^13 problems:\n- "p0" is required\.\n[\s\S]*- and 3 more\.$/)
    expect(describeProblems(found.slice(0, 1))).toBe('"p0" is required.')
    expect(describeProblems([])).toBe('')
  })
})
