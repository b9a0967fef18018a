import { type } from 'arktype'
import fc from 'fast-check'
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
    const ark = type({ token: 'string', note: 'string' }).narrow((value, ctx) =>
      ctx.mustBe(`other than ${value.token}`),
    )
    // A narrow has no JSON Schema in arktype, so the same rule is written with zod here.
    expect(typeof ark).toBe('function')
    const rule = z
      .object({ token: z.string(), note: z.string() })
      .superRefine(({ token }, ctx) =>
        ctx.addIssue({ code: 'custom', message: `${token} is taken`, path: ['note'] }),
      )
    expect(says(rule, { token: KEY, note: 'a' })).toEqual([
      '"note" is not acceptable, received the string "a".',
    ])
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
    expect(says(object({ maxTokens: { type: 'integer' } }), { maxTokens: 1.5 })[0]).toContain(
      'the number 1.5',
    )
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

describe('hostile values', () => {
  const schema = object(
    {
      s: { type: 'string', pattern: '^a', maxLength: 3 },
      secret: { type: 'integer' },
      u: {
        anyOf: [
          { type: 'integer' },
          object({ a: { $ref: '#' } }, { required: ['a'], additionalProperties: false }),
        ],
      },
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
    const leaf = fc.oneof(
      text,
      fc.double(),
      fc.constantFrom<unknown>(Number.NaN, null, true, '\udfff', undefined),
    )
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
        if (typeof own === 'string' && /^[a-z0-9]{12,}$/i.test(own))
          expect(describeProblems(all)).not.toContain(own)
      }),
      { numRuns: 400, seed: 13 },
    )
    expect(failed).toBeGreaterThan(200)
  }, 60_000)

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
    expect(performance.now() - began).toBeLessThan(3000)
  })
})
