import fc from 'fast-check'
import * as v from 'valibot'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compileSchema, warmUp } from './compile.js'
import type { SchemaLike } from './infer.js'
import type { JsonSchema } from './json-schema.js'
import { describeProblems, type Problem } from './problems.js'

beforeAll(warmUp)

function problems(schema: SchemaLike, value: unknown, role: 'input' | 'output' = 'input'): readonly Problem[] {
  const result = compileSchema(schema, { role, owner: 'tool "t"' }).check(value)
  if (result instanceof Promise) throw new Error('not synchronous')
  return result.ok ? [] : result.problems
}

const says = (schema: SchemaLike, value: unknown): string[] => problems(schema, value).map(({ message }) => message)
const object = (properties: JsonSchema['properties'], more: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  ...(properties === undefined ? {} : { properties }),
  ...more,
})

describe('sentences for JSON Schema', () => {
  const order = { type: 'string', pattern: '^ORD-\\d{6}$', description: 'Order number, e.g. ORD-000123. Ask sales.' } as const
  const cases: [string, JsonSchema, unknown, string[]][] = [
    ['a wrong type', object({ limit: { type: 'integer', minimum: 1, maximum: 100 } }), { limit: 'ten' }, [
      '"limit" must be an integer from 1 to 100, received the string "ten".',
    ]],
    ['a pattern', object({ orderId: order }), { orderId: '12' }, [
      '"orderId" must be a string matching ^ORD-\\d{6}$ (Order number, e.g. ORD-000123), received the string "12".',
    ]],
    ['a missing one', object({ orderId: { type: 'string', description: 'Order number' } }, { required: ['orderId'] }), {}, [
      '"orderId" is required (a string: Order number).',
    ]],
    ['a missing one with an example', object({ n: { type: 'integer', examples: [7] } }, { required: ['n'] }), {}, [
      '"n" is required (an integer: such as 7).',
    ]],
    ['a misspelt name', object({ color: {} }, { additionalProperties: false }), { colour: 1 }, [
      '"colour" is not a parameter of this tool; did you mean "color"?',
    ]],
    ['another case', object({ orderId: {} }, { additionalProperties: false }), { order_id: 1 }, [
      '"order_id" is not a parameter of this tool; did you mean "orderId"?',
    ]],
    ['a name like no other', object({ a: {}, b: {} }, { additionalProperties: false }), { 'x y': 1 }, [
      '"[\'x y\']" is not a parameter of this tool; it takes "a" and "b".',
    ]],
    ['a nested name', object({ f: object({ a: {} }, { unevaluatedProperties: false }) }), { f: { zzz: 1 } }, [
      '"f.zzz" is not a property of "f"; it takes "a".',
    ]],
    ['an enum', object({ s: { enum: ['asc', 'desc'] } }), { s: 'up' }, [
      '"s" must be one of "asc" or "desc", received the string "up".',
    ]],
    ['a long enum', object({ s: { enum: Array.from({ length: 14 }, (_, i) => i) } }), { s: 99 }, [
      '"s" must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 or 4 more, received the number 99.',
    ]],
    ['a const', object({ s: { const: 'x' } }), { s: null }, ['"s" must be "x", received null.']],
    ['a length', object({ s: { type: 'string', maxLength: 3 } }), { s: 'abcd' }, [
      '"s" must be a string of at most 3 characters, received the string "abcd" (4 characters).',
    ]],
    ['an empty string', object({ s: { type: 'string', minLength: 1 } }), { s: '' }, [
      '"s" must be a string that is not empty, received an empty string.',
    ]],
    ['items', object({ a: { type: 'array', items: object({ id: { type: 'integer' } }) } }), { a: [{ id: 1 }, { id: 'x' }] }, [
      '"a[1].id" must be an integer, received the string "x".',
    ]],
    ['too many items', object({ a: { type: 'array', items: { type: 'string' }, maxItems: 1 } }), { a: ['a', 'b'] }, [
      '"a" must be an array of at most 1 item, each a string, received an array of 2 items.',
    ]],
    ['an item twice', object({ a: { type: 'array', uniqueItems: true } }), { a: [1, 2, 1] }, [
      '"a" must not repeat an item, but items 0 and 2 are the same.',
    ]],
    ['a union', object({ n: { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 1 }] } }), { n: true }, [
      '"n" must be a string or an integer of at least 1, received true.',
    ]],
    ['a union of unions', object({ n: { anyOf: [{ oneOf: [{ type: 'string' }, { type: 'null' }] }, { type: 'integer' }] } }), { n: [] }, [
      '"n" must be a string or null or an integer, received an array of 0 items.',
    ]],
    ['the one branch that was meant', object({ n: { anyOf: [object({ a: { type: 'integer' } }), { type: 'null' }] } }), { n: { a: 'x' } }, [
      '"n.a" must be an integer, received the string "x".',
    ]],
    ['one of two names', object({ a: {}, b: {} }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] }), {}, [
      '"a" or "b" is required.',
    ]],
    ['only one of two names', object({ a: {}, b: {} }, { oneOf: [{ required: ['a'] }, { required: ['b'] }] }), { a: 1, b: 1 }, [
      'Only one of "a" and "b" may be given.',
    ]],
    ['two that exclude each other', object({ a: {}, b: {} }, { not: { required: ['a', 'b'] } }), { a: 1, b: 1 }, [
      '"a" and "b" cannot be given together.',
    ]],
    ['one that needs another', object({ a: {}, b: {} }, { dependentRequired: { a: ['b'] } }), { a: 1 }, [
      '"b" is required when "a" is given.',
    ]],
    ['if and then', object({ k: {}, u: { type: 'string' } }, { if: { properties: { k: { const: 1 } } }, then: { required: ['u'] } }), { k: 1 }, [
      '"u" is required (a string).',
    ]],
    ['the whole', object({}), [], ['The arguments must be an object, received an array of 0 items.']],
  ]
  for (const [name, schema, value, expected] of cases) it(name, () => expect(says(schema, value)).toEqual(expected))

  const shapes = object({
    shape: {
      oneOf: [
        object({ kind: { const: 'circle' }, r: { type: 'number' } }, { required: ['kind', 'r'] }),
        object({ kind: { const: 'square' }, w: { type: 'number' } }, { required: ['kind', 'w'] }),
      ],
    },
  })
  it('finds the branch by its discriminator', () => {
    expect(says(shapes, { shape: { kind: 'circle', r: 'x' } })).toEqual(['"shape.r" must be a number, received the string "x".'])
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
    expect(says(range, { start: 2, end: 1 })).toEqual(['it must end after it starts (given: "start" and "end").'])
    const named = z.object({ a: z.number(), b: z.number() }).refine(() => false, '"a" must be below "b"')
    expect(says(named, { a: 1, b: 1 })).toEqual(['"a" must be below "b".'])
  })

  it('says structure in our words and the rest in the library’s', () => {
    const schema = z.object({ n: z.int().max(5), even: z.number().refine((n) => n % 2 === 0, 'must be even') })
    expect(says(schema, { n: 9, even: 3 })).toEqual([
      '"n" must be an integer of at most 5, received the number 9.',
      '"even" is not valid: must be even, received the number 3.',
    ])
    expect(says(z.strictObject({ color: z.string().optional() }), { colour: 'red' })).toEqual([
      '"colour" is not a parameter of this tool; did you mean "color"?',
    ])
  })

  it('reads valibot and arktype rules', () => {
    const even = toStandardJsonSchema(v.object({ n: v.pipe(v.number(), v.check((n) => n % 2 === 0, 'must be even')) }))
    expect(says(even, { n: 3 })).toEqual(['"n" is not valid: must be even, received the number 3.'])
    expect(says(type({ n: 'number % 2' }), { n: 3 })).toEqual([
      '"n" must be an integer that is a multiple of 2, received the number 3.',
    ])
  })
})

describe('what is never shown', () => {
  const KEY = 'hunter2-Kq9!'
  const schema = object(
    {
      password: { type: 'integer' },
      apiKey: { type: 'integer' },
      hidden: { type: 'integer', writeOnly: true },
      box: { type: 'object', writeOnly: true, properties: { inner: { type: 'integer' } } },
      form: { type: 'integer', format: 'password' },
      refd: { $ref: '#/$defs/secret' },
      list: { type: 'array', items: { anyOf: [{ type: 'integer', writeOnly: true }, { type: 'null' }] } },
      authorization: object({ scheme: { type: 'integer' } }),
      pick: { enum: [1, 2], writeOnly: true },
    },
    { $defs: { secret: { type: 'integer', writeOnly: true } } },
  )

  it('hides by writeOnly, format and name, also nested', () => {
    const value = {
      password: KEY,
      apiKey: KEY,
      hidden: KEY,
      box: { inner: KEY },
      form: KEY,
      refd: KEY,
      list: [KEY],
      authorization: { scheme: KEY },
      pick: KEY,
    }
    const text = describeProblems(problems(schema, value))
    expect(text).not.toContain(KEY)
    expect(text.split('a string (not shown)').length - 1).toBe(9)
  })

  it('hides in the words of libraries', () => {
    const ark = type({ token: 'string', note: 'string' }).narrow((value, ctx) => ctx.mustBe(`other than ${value.token}`))
    // A narrow has no JSON Schema in arktype, so the same rule is written with zod here.
    expect(typeof ark).toBe('function')
    const rule = z
      .object({ token: z.string(), note: z.string() })
      .superRefine(({ token }, ctx) => ctx.addIssue({ code: 'custom', message: `${token} is taken`, path: ['note'] }))
    expect(says(rule, { token: KEY, note: 'a' })).toEqual(['"note" is not acceptable, received the string "a".'])
  })

  const shaped = {
    jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N',
    openai: 'sk-proj-abcdefghijklmnop1234',
    github: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
    aws: 'AKIAIOSFODNN7EXAMPLE',
    url: 'postgres://user:pa55@db.example/orders',
    pem: '-----BEGIN PRIVATE KEY-----\nMIIE',
    random: 'q8Zr4TnW0vLxY7bKcD2mFhJ5sPgUaE9i',
    inText: 'please use password=abc for it',
    bearer: 'Bearer abcdefgh12345678',
  }
  for (const [name, secret] of Object.entries(shaped)) {
    it(`hides what is shaped like ${name}`, () => {
      expect(says(object({ a: { type: 'integer' } }), { a: secret })).toEqual([
        '"a" must be an integer, received a string (not shown).',
      ])
    })
  }

  it('shows what is not', () => {
    for (const plain of [
      'ORD-000123',
      'The quick brown fox jumps over the lazy dog and everything else too',
      '2026-01-31T12:00:00.000Z',
      '123e4567-e89b-12d3-a456-426614174000',
      'src/schema/problems/standard-problems.ts',
      'https://example.com/some/path?page=2',
      'internationalization',
    ]) {
      expect(says(object({ a: { type: 'integer' } }), { a: plain })[0]).toContain(plain)
    }
    expect(says(object({ maxTokens: { type: 'integer' } }), { maxTokens: 1.5 })[0]).toContain('the number 1.5')
  })

  it('cleans and cuts what it shows', () => {
    const dirty = `\u001b[31mred\u001b[0m\u202e\u200b\u0007\ud800 a\nb`
    expect(says(object({ a: { type: 'integer' } }), { a: dirty })).toEqual([
      '"a" must be an integer, received the string "red\ufffd a b".',
    ])
    const [long] = says(object({ a: { type: 'integer' } }), { a: 'ab '.repeat(1_000_000) })
    expect(long).toHaveLength('"a" must be an integer, received the string "".'.length + 80)
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

describe('hostile values', () => {
  const schema = object(
    {
      s: { type: 'string', pattern: '^a', maxLength: 3 },
      secret: { type: 'integer' },
      u: { anyOf: [{ type: 'integer' }, object({ a: { $ref: '#' } }, { required: ['a'], additionalProperties: false })] },
      l: { type: 'array', items: { $ref: '#/properties/u' }, uniqueItems: true },
      n: { type: 'number', multipleOf: 0.1 },
    },
    { additionalProperties: false, propertyNames: { maxLength: 8 } },
  )
  const library = z.strictObject({
    s: z.string().max(3).optional(),
    secret: z.number().optional(),
    u: z.union([z.number(), z.strictObject({ a: z.string() })]).optional(),
    l: z.array(z.string().refine((s) => s !== 'x')).optional(),
  })

  it('never breaks, never grows, never shows what is hidden', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 })
    const key = fc.oneof(fc.constantFrom('s', 'secret', 'u', 'l', 'n', 'a', '__proto__', 'constructor'), text)
    const leaf = fc.oneof(text, fc.double(), fc.constantFrom<unknown>(Number.NaN, null, true, '\udfff', undefined))
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 5 }),
        fc.dictionary(key, tie('value'), { maxKeys: 6 }),
      ),
    }))
    const args = fc.dictionary(key, value, { maxKeys: 8 })
    const checks = [schema, library].map((one) => compileSchema(one, { role: 'input', owner: 't' }).check)
    let failed = 0
    fc.assert(
      fc.property(args, (given) => {
        const all = checks.flatMap((check) => {
          const result = check(given)
          if (result instanceof Promise) throw new Error('not synchronous')
          return result.ok ? [] : result.problems
        })
        if (all.length > 0) failed += 1
        for (const { message, field } of all) {
          expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
          expect(message.length).toBeLessThan(1200)
          expect(field.length).toBeLessThanOrEqual(400)
        }
        const own = Object.hasOwn(given, 'secret') ? given['secret'] : undefined
        if (typeof own === 'string' && /^[a-z0-9]{12,}$/i.test(own)) expect(describeProblems(all)).not.toContain(own)
      }),
      { numRuns: 800, seed: 13 },
    )
    expect(failed).toBeGreaterThan(400)
  })

  it('is fast on what is made to be slow', () => {
    const slow = [
      'a://'.repeat(2000),
      '\u001b['.repeat(2000),
      '\u001b]'.repeat(2000),
      `${'password'.repeat(500)}=`,
      `eyJ${'a'.repeat(4000)}`,
      `://${':'.repeat(4000)}`,
      `bearer${' '.repeat(4000)}`,
    ]
    const began = performance.now()
    for (const text of slow) says(object({ a: { type: 'integer' } }), { a: text })
    expect(performance.now() - began).toBeLessThan(1000)
  })
})
