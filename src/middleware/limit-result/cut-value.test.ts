import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases, missing } from '../../../test/results/made-values.js'
import { fits, mostOf, sizeOf } from '../../engine/result-size.js'
import { compileSchema } from '../../schema/compile.js'
import { cutValue, longestPrefix } from './cut-value.js'

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

  it('tells places apart whose names are written alike', () => {
    const numbers = (count: number): number[] => Array.from({ length: count }, () => 0)
    const value = { 'a.b': numbers(700), a: { b: numbers(500) } }
    const cut = cutValue(value, { bytes: 100, tokens: undefined }, { schema: undefined, texts: true })
    expect(cut?.cuts.map(({ path, total }) => ({ path, total }))).toEqual([
      { path: 'a.b', total: 700 },
      { path: 'a.b', total: 500 },
    ])
  })

  it('gives up rather than cut in more than eight places', () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, 'x'.repeat(1000)]))
    expect(
      cutValue(many, { bytes: 300, tokens: undefined }, { schema: undefined, texts: true }),
    ).toBeUndefined()
  })
})

it('costs little more than reading the value, also where it gives up', () => {
  const lists = Array.from({ length: 50_000 }, (_, index) => [`key ${index}`, [1, 2, 3, 4, 5, 6, 7, 8]])
  const rows = Array.from({ length: 30_000 }, (_, id) => ({
    id,
    name: `row ${id}`,
    tags: ['a', 'b'],
    of: [id],
  }))
  const schema = { additionalProperties: { items: { properties: { tags: { minItems: 1 } } } } }
  for (const [value, places] of [
    [Object.fromEntries(lists), undefined],
    [{ rows }, 1],
  ] as const) {
    const json = JSON.stringify(value)
    const spent = { reading: Number.POSITIVE_INFINITY, cutting: Number.POSITIVE_INFINITY }
    for (let turn = 0; turn < 5; turn += 1) {
      const start = process.cpuUsage()
      const made: unknown = JSON.parse(json)
      const reading = process.cpuUsage(start).user
      const cut = cutValue(made, { bytes: 100_000, tokens: undefined }, { schema, texts: true })
      expect(cut?.cuts.length).toBe(places)
      spent.reading = Math.min(spent.reading, reading)
      spent.cutting = Math.min(spent.cutting, process.cpuUsage(start).user - reading)
    }
    expect(spent.cutting).toBeLessThan(6 * spent.reading)
  }
})

it('of a text that does not fit at all nothing is left, not even the end of a line', () => {
  const fits = (prefix: string): boolean => JSON.stringify(prefix).length <= 2
  expect(longestPrefix('\nline', { bytes: 10, tokens: undefined }, fits)).toBe(0)
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
