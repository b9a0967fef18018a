import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoundedMap } from './bounded-map.js'

/** What a bounded map should be, written as slowly as it can be: a list with the oldest first. */
class Model {
  entries: [key: string, value: number][] = []
  dropped = 0
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  find(key: string): number | undefined {
    return this.entries.find(([own]) => own === key)?.[1]
  }

  take(key: string): number | undefined {
    const value = this.find(key)
    this.entries = this.entries.filter(([own]) => own !== key)
    return value
  }
}

interface Pair {
  readonly model: Model
  readonly real: BoundedMap<string, number>
}

type Step = (pair: Pair) => void

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(keys, fc.nat()).map<Step>(([key, value]) => ({ model, real }) => {
    const known = model.take(key) !== undefined
    let evicted: number | undefined
    if (!known && model.entries.length === model.limit) {
      evicted = model.entries.shift()?.[1]
      model.dropped += 1
    }
    model.entries.push([key, value])
    expect(real.set(key, value)).toBe(evicted)
  }),
  keys.map<Step>((key) => ({ model, real }) => {
    const value = model.take(key)
    if (value !== undefined) model.entries.push([key, value])
    expect(real.get(key)).toBe(value)
  }),
  keys.map<Step>((key) => ({ model, real }) => {
    expect(real.peek(key)).toBe(model.find(key))
  }),
  keys.map<Step>((key) => ({ model, real }) => {
    expect(real.delete(key)).toBe(model.take(key) !== undefined)
  }),
)

describe('BoundedMap', () => {
  it('is what a list with the oldest first would be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(steps, { maxLength: 60 }), (limit, all) => {
        const pair = { model: new Model(limit), real: new BoundedMap<string, number>('things', limit) }
        for (const step of all) {
          step(pair)
          const { model, real } = pair
          expect([...real.values()]).toEqual(model.entries.map(([, value]) => value))
          expect(real.stats()).toEqual({
            name: 'things',
            size: model.entries.length,
            limit,
            unit: 'entries',
            dropped: model.dropped,
          })
        }
      }),
      { numRuns: 300 },
    )
  })

  it('lets the one go that was used least recently, and says which', () => {
    const map = new BoundedMap<string, number>('things', 2)
    map.set('a', 1)
    map.set('b', 2)
    map.get('a')
    expect(map.set('c', 3)).toBe(2)
    map.peek('a')
    expect(map.set('d', 4)).toBe(1)
    expect([...map.values()]).toEqual([3, 4])
  })

  it('replaces without dropping', () => {
    const map = new BoundedMap<string, number>('things', 1)
    map.set('a', 1)
    expect(map.set('a', 2)).toBeUndefined()
    expect([map.get('a'), map.stats().dropped]).toEqual([2, 0])
  })

  it('is empty after clear, and counts what it dropped before', () => {
    const map = new BoundedMap<string, number>('things', 1)
    map.set('a', 1)
    map.set('b', 2)
    map.clear()
    expect([map.size, map.get('b'), map.stats().dropped]).toEqual([0, undefined, 1])
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d as its limit, by name', (limit) => {
    expect(() => new BoundedMap('things', limit)).toThrow(
      new RangeError(`The limit of "things" must be a whole number from 1, received ${limit}.`),
    )
  })
})
