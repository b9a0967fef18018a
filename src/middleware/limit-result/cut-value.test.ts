import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fits, mostOf, sizeOf } from '../../engine/result-size.js'
import { compileSchema } from '../../schema/compile.js'
import { isNode } from '../../schema/keywords.js'
import { cutValue } from './cut-value.js'

/** A value and a schema that takes it, with what a cut can run into: least lengths, patterns, enums, closed objects. */
interface Made {
  readonly schema: Record<string, unknown>
  readonly value: fc.Arbitrary<unknown>
}

const leaf: fc.Arbitrary<Made> = fc.oneof(
  fc.constant({ schema: { type: 'number' }, value: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
  fc.constant({ schema: { type: ['boolean', 'null'] }, value: fc.constantFrom(true, false, null) }),
  fc.constant({ schema: { enum: ['a', 'b'] }, value: fc.constantFrom('a', 'b') }),
  fc.integer({ min: 0, max: 700 }).map((length) => ({
    schema: { type: 'string' },
    value: fc.string({ unit: 'binary', minLength: length, maxLength: length + 50 }),
  })),
  fc.constant({
    schema: { type: 'string', pattern: '^x+$' },
    value: fc.integer({ min: 1, max: 600 }).map((length) => 'x'.repeat(length)),
  }),
  fc.constant({
    schema: { type: 'string', minLength: 300 },
    value: fc.integer({ min: 300, max: 600 }).map((length) => 'é'.repeat(length)),
  }),
)

const { made } = fc.letrec<{ made: Made; list: Made; record: Made }>((tie) => ({
  made: fc.oneof({ maxDepth: 3, depthSize: 'small' }, leaf, tie('list'), tie('record')),
  list: fc.record({ item: tie('made'), least: fc.integer({ min: 0, max: 3 }), more: fc.nat(40) }).map(
    ({ item, least, more }): Made => ({
      schema: { type: 'array', items: item.schema, ...(least > 0 && { minItems: least }) },
      value: fc.array(item.value, { minLength: least, maxLength: least + more }),
    }),
  ),
  record: fc
    .dictionary(fc.constantFrom('rows', 'title', 'näme', 'a.b', '0'), tie('made'), { minKeys: 1 })
    .map((members): Made => {
      const entries = Object.entries(members)
      return {
        schema: {
          type: 'object',
          properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
          required: entries.map(([name]) => name),
          additionalProperties: false,
        },
        value: fc.record(Object.fromEntries(entries.map(([name, { value }]) => [name, value]))),
      }
    }),
}))

const cases = made.chain(({ schema, value }) => fc.record({ schema: fc.constant(schema), value }))
const rooms = fc.record({
  bytes: fc.integer({ min: 20, max: 4000 }),
  tokens: fc.option(fc.integer({ min: 10, max: 1500 }), { nil: undefined }),
})

/** What a path of a cut leads to. */
function at(value: unknown, path: string): unknown {
  if (path === '') return value
  // No name of the generator's has a bracket in it, and one has a point.
  const keys = [...path.matchAll(/\[(\d+)\]|(a\.b|[^.[\]]+)/g)].map(([, index, name]) => index ?? name ?? '')
  return keys.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value)
}

/** All that is in `cut` is in `whole`, and every place where less is in it is among the cuts. */
function missing(whole: unknown, cut: unknown, path: string, found: string[]): void {
  if (Array.isArray(whole) && Array.isArray(cut)) {
    if (cut.length < whole.length) found.push(`${path}: ${cut.length} of ${whole.length}`)
    for (const [index, item] of cut.entries()) missing(whole[index], item, `${path}[${index}]`, found)
  } else if (isNode(whole) && isNode(cut)) {
    expect(Object.keys(cut)).toEqual(Object.keys(whole))
    for (const key of Object.keys(cut))
      missing(whole[key], cut[key], path === '' ? key : `${path}.${key}`, found)
  } else if (typeof whole === 'string' && typeof cut === 'string' && whole !== cut) {
    expect(whole.startsWith(cut)).toBe(true)
    found.push(`${path}: ${sizeOf(cut).bytes} of ${sizeOf(whole).bytes}`)
  } else expect(cut).toEqual(whole)
}

describe('cutValue', () => {
  it('gives what is within the room, satisfies the schema where only arrays are cut, and names all that is missing', async () => {
    let cutOnce = 0
    let refused = 0
    const check = fc.asyncProperty(cases, rooms, fc.boolean(), async ({ schema, value }, room, texts) => {
      const whole: unknown = JSON.parse(JSON.stringify(value))
      const cut = cutValue(JSON.parse(JSON.stringify(value)), room, { schema, texts })
      if (cut === undefined) {
        refused += 1
        return
      }
      expect(fits(sizeOf(JSON.stringify(cut.value)), room)).toBe(true)
      const found: string[] = []
      missing(whole, cut.value, '', found)
      const told = cut.cuts.map(({ path, kept, total }) => `${path}: ${kept} of ${total}`)
      expect(told.sort()).toEqual(found.sort())
      for (const { path, kept, unit } of cut.cuts) {
        const there = at(cut.value, path)
        expect(unit === 'items' ? (there as unknown[]).length : sizeOf(there as string).bytes).toBe(kept)
      }
      if (cut.cuts.length > 0) cutOnce += 1
      // A cut text may be one that the schema refuses, which is asked afterwards; arrays keep what it asks for.
      if (!texts) {
        const { check } = compileSchema(schema, { role: 'output', owner: 'test' })
        expect(await check(cut.value)).toMatchObject({ ok: true })
      }
    })
    await fc.assert(check, { numRuns: 400 })
    // The generator is worth something: it makes both.
    expect(Math.min(cutOnce, refused)).toBeGreaterThan(10)
  })

  it('keeps as many items as there is room for', () => {
    const check = fc.property(
      fc.array(fc.nat(10_000), { minLength: 60 }),
      fc.integer({ min: 30, max: 200 }),
      (items, bytes) => {
        const cut = cutValue([...items], { bytes, tokens: undefined }, { schema: undefined, texts: true })
        const kept = cut?.value as number[]
        expect(JSON.stringify(kept).length).toBeLessThanOrEqual(bytes)
        if (kept.length < items.length) {
          expect(JSON.stringify(items.slice(0, kept.length + 1)).length).toBeGreaterThan(bytes)
        }
      },
    )
    fc.assert(check)
  })

  it('cuts the array whose loss is least, and not one item that holds all', () => {
    const rows = Array.from({ length: 100 }, (_, index) => ({ index }))
    const groups = [{ name: 'one', rows }]
    const cut = cutValue({ groups }, { bytes: 500, tokens: undefined }, { schema: undefined, texts: true })
    expect(cut?.cuts).toEqual([
      { path: 'groups[0].rows', kept: expect.any(Number), total: 100, unit: 'items' },
    ])
  })

  it('gives up rather than cut in more than eight places', () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, 'x'.repeat(1000)]))
    expect(
      cutValue(many, { bytes: 300, tokens: undefined }, { schema: undefined, texts: true }),
    ).toBeUndefined()
  })
})

describe('mostOf', () => {
  it('is never less than bytes or tokens of what is written', () => {
    const check = fc.property(fc.jsonValue(), (value) => {
      const { bytes, tokens } = sizeOf(JSON.stringify(value))
      expect(mostOf(value, 1e9)).toBeGreaterThanOrEqual(Math.max(bytes, tokens))
    })
    fc.assert(check)
  })

  it('leaves to be written what only writing can tell', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    for (const value of [cycle, { at: new Date() }, 1n, { f: () => 1 }]) {
      expect(mostOf(value, 1e9)).toBe(Number.POSITIVE_INFINITY)
    }
  })
})
