import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compileSchema, warmUp } from './compile.js'
import type { JsonSchema } from './json-schema.js'
import { repairArguments } from './repair.js'

const input = { role: 'input', owner: 'tool "t"' } as const
beforeAll(warmUp)

const schema: JsonSchema = {
  type: 'object',
  properties: {
    limit: { type: 'integer' },
    ratio: { type: 'number' },
    on: { type: 'boolean' },
    none: { type: 'null' },
    tags: { type: 'array', items: { type: 'string' } },
    filter: { $ref: '#/$defs/filter' },
    text: { type: 'string' },
    either: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
    free: {},
    maybe: { oneOf: [{ type: 'integer' }, { type: 'null' }] },
    level: { enum: [1, 2] },
    words: { type: ['string', 'null'] },
    all: { allOf: [{ $ref: '#/$defs/filter' }] },
  },
  $defs: { filter: { type: 'object', properties: { limit: { type: 'integer' }, name: { type: 'string' } } } },
}

describe('repairArguments', () => {
  const cases: [string, unknown, unknown, string[]][] = [
    ['an integer', { limit: '10' }, { limit: 10 }, ['limit']],
    ['a number', { ratio: '1e-2' }, { ratio: 0.01 }, ['ratio']],
    ['a boolean', { on: 'true' }, { on: true }, ['on']],
    ['null', { none: 'null' }, { none: null }, ['none']],
    ['an array', { tags: '["a"]' }, { tags: ['a'] }, ['tags']],
    ['an object behind a $ref', { filter: '{"limit":1}' }, { filter: { limit: 1 } }, ['filter']],
    ['a member of one', { filter: { limit: '1' } }, { filter: { limit: 1 } }, ['filter.limit']],
    ['one of a union', { maybe: '4' }, { maybe: 4 }, ['maybe']],
    ['an enum of numbers', { level: '2' }, { level: 2 }, ['level']],
    ['allOf over a $ref', { all: '{"limit":1}' }, { all: { limit: 1 } }, ['all']],
    ['all arguments in one string', '{"limit":10}', { limit: 10 }, ['']],
  ]
  for (const [name, args, value, repaired] of cases) {
    it(`repairs ${name}`, () => {
      const before = structuredClone(args)
      expect(repairArguments(args, schema)).toEqual({ value, repaired })
      expect(args).toEqual(before)
    })
  }

  const left: [string, unknown][] = [
    ['a string where a string may stand', { text: '10', either: '10', free: '10', words: 'null' }],
    ['what is not strict JSON', { limit: '0x10', on: 'True', tags: "['a']", ratio: 'NaN' }],
    ['an unsafe integer', { limit: '9007199254740993', ratio: '9007199254740993' }],
    ['a fraction for an integer', { limit: '1.5' }],
    ['Infinity', { ratio: '1e400' }],
    ['another kind', { limit: '[1]', tags: '{"a":1}', on: '1' }],
    ['a string in a string', { limit: '"10"' }],
    ['a __proto__ key', { filter: '{"__proto__":{"limit":1}}', all: '{"a":[{"__proto__":1}]}' }],
    ['deep nesting', { tags: `${'['.repeat(17)}${']'.repeat(17)}` }],
    ['a huge string', { tags: `[${'1,'.repeat(40_000)}1]` }],
    ['what the schema does not know', { other: '10' }],
    ['the empty string', { limit: '' }],
  ]
  for (const [name, args] of left) {
    it(`leaves ${name}`, () => {
      const result = repairArguments(args, schema)
      expect(result.repaired).toEqual([])
      expect(result.value).toBe(args)
    })
  }

  it('does not repair inside of what it has just parsed', () => {
    expect(repairArguments('{"limit":"10"}', schema)).toEqual({ value: { limit: '10' }, repaired: [''] })
  })

  it('looks at a bounded number of values', () => {
    expect(repairArguments({ tags: new Array(9000).fill(1), limit: '10' }, schema).repaired).toEqual([
      'limit',
    ])
    expect(repairArguments({ tags: new Array(200_000).fill(1), limit: '10' }, schema).repaired).toEqual([])
    expect(repairArguments({ limit: '10' }, schema, { maxVisited: 1 }).repaired).toEqual([])
  })

  const json = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
    fc.constantFrom('10', 'true', 'null', '[]', '{}', '{"limit":"3"}', '\ud800', '1e400'),
  )
  const args = fc.dictionary(fc.constantFrom(...Object.keys(schema.properties ?? {}), '__proto__', 'x'), json)
  const strings: JsonSchema = compileSchema(
    z.object({
      limit: z.string().optional(),
      tags: z.array(z.number().or(z.string())).optional(),
      on: z.any(),
    }),
    input,
  ).json

  it('never changes valid arguments', () => {
    let valid = 0
    for (const doc of [schema, strings]) {
      const compiled = compileSchema(doc, input)
      fc.assert(
        fc.property(args, (value) => {
          const checked = compiled.check(value)
          if (checked instanceof Promise || !checked.ok) return
          valid += 1
          const result = repairArguments(value, doc)
          expect(result.value).toBe(value)
          expect(result.repaired).toEqual([])
        }),
        { numRuns: 1000, seed: 3 },
      )
    }
    expect(valid).toBeGreaterThan(100)
  })

  it('is idempotent below the root, and never mutates', () => {
    let changed = 0
    fc.assert(
      fc.property(args, (value) => {
        const before = structuredClone(value)
        const once = repairArguments(value, schema)
        expect(value).toEqual(before)
        if (once.repaired.length > 0) changed += 1
        const wasWhole = once.repaired.some((field) => ['filter', 'all', 'tags'].includes(field))
        if (wasWhole) return
        expect(repairArguments(once.value, schema)).toEqual({ value: once.value, repaired: [] })
      }),
      { numRuns: 1000, seed: 5 },
    )
    expect(changed).toBeGreaterThan(100)
  })
})
