import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { correlation } from './correlation.js'
import { quantileShares, summarizeNumbers } from './number-summary.js'
import { mostTop, summarizeTexts } from './text-summary.js'

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 })
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

describe('summarizeNumbers', () => {
  it('says what R says of a column', () => {
    expect(summarizeNumbers(Float64Array.of(2, 4, Number.NaN, 4, 4, 5, 5, 7, 9))).toEqual({
      count: 8,
      mean: 5,
      stddev: expect.closeTo(2.13809, 5),
      quantiles: [2.7, 4, 4.5, 5.5, 8.3].map((value) => expect.closeTo(value, 10)),
      histogram: { edges: expect.any(Array), counts: expect.any(Array) },
    })
  })

  it('agrees with the plain formulas, whatever the order', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const summary = summarizeNumbers(Float64Array.from([...values, Number.NaN]))
        const mean = sum(values) / values.length
        const variance = sum(values.map((value) => (value - mean) ** 2)) / Math.max(1, values.length - 1)
        expect(summary?.count).toBe(values.length)
        expect(summary?.mean).toBeCloseTo(mean, 5)
        expect(summary?.stddev).toBeCloseTo(Math.sqrt(variance), 3)
        expect(summarizeNumbers(Float64Array.from(values.toReversed()))?.quantiles).toEqual(
          summary?.quantiles,
        )
        const sorted = [...values].sort((a, b) => a - b)
        for (const [at, share] of quantileShares.entries()) {
          const value = summary?.quantiles[at] ?? Number.NaN
          const below = sorted.filter((one) => one < value - 1e-9).length
          expect(below).toBeLessThanOrEqual(Math.ceil((values.length - 1) * share) + 1e-9)
          expect(value).toBeGreaterThanOrEqual(sorted[0] ?? Number.NaN)
          expect(value).toBeLessThanOrEqual(sorted.at(-1) ?? Number.NaN)
        }
      }),
    )
  })

  it('puts every value into one bin, between edges that ascend', () => {
    fc.assert(
      fc.property(
        fc.oneof(numbers, fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 })),
        (values) => {
          const { edges, counts } =
            summarizeNumbers(Float64Array.from(values))?.histogram ?? expect.unreachable()
          expect(sum(counts)).toBe(values.length)
          expect(edges).toHaveLength(counts.length + 1)
          // Which zero is no matter of a profile.
          const ends = [Math.min(...values) + 0, Math.max(...values) + 0]
          expect([(edges[0] ?? Number.NaN) + 0, (edges.at(-1) ?? Number.NaN) + 0]).toEqual(ends)
          expect(edges).toEqual([...edges].sort((a, b) => a - b))
        },
      ),
    )
  })

  it('has nothing to say of no values', () => {
    expect(summarizeNumbers(Float64Array.of(Number.NaN))).toBeUndefined()
  })
})

describe('correlation', () => {
  it('is the plain formula, over the rows that have both', () => {
    const pair = fc.tuple(
      fc.option(fc.integer({ min: -1000, max: 1000 }), { nil: Number.NaN }),
      fc.option(fc.integer({ min: -1000, max: 1000 }), { nil: Number.NaN }),
    )
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 100 }), (pairs) => {
        const both = pairs.filter(([x, y]) => !Number.isNaN(x + y))
        const found = correlation(
          Float64Array.from(pairs.map(([x]) => x)),
          Float64Array.from(pairs.map(([, y]) => y)),
        )
        const [mx, my] = [0, 1].map((at) => sum(both.map((one) => one[at] ?? 0)) / both.length)
        const product = (of: (x: number, y: number) => number): number =>
          sum(both.map(([x, y]) => of(x - (mx ?? 0), y - (my ?? 0))))
        const r = product((x, y) => x * y) / Math.sqrt(product((x) => x * x) * product((_, y) => y * y))
        if (both.length < 3 || Number.isNaN(r)) {
          expect(found).toBeUndefined()
          return
        }
        expect(found?.rows).toBe(both.length)
        expect(found?.r).toBeCloseTo(r, 8)
      }),
    )
  })

  it('keeps its digits where the values are large and their differences small', () => {
    const left = Float64Array.from({ length: 1000 }, (_, at) => 1e9 + at)
    expect(
      correlation(
        left,
        left.map((value) => -value),
      ),
    ).toEqual({ r: expect.closeTo(-1, 12), rows: 1000 })
  })
})

describe('summarizeTexts', () => {
  it('counts what is there, the most frequent first', () => {
    expect(summarizeTexts(Int32Array.of(0, 1, 1, -1, 2, -2, 2))).toEqual({
      count: 6,
      top: [
        { code: 1, count: 2 },
        { code: 2, count: 2 },
        { code: 0, count: 1 },
      ],
    })
    expect(summarizeTexts(Int32Array.from({ length: 100 }, (_, at) => at)).top).toHaveLength(mostTop)
    expect(summarizeTexts(Int32Array.of(-1, -1))).toEqual({ count: 0, top: [] })
  })
})
