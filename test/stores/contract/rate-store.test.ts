import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RateClaim, RateStore } from '../../../src/contracts/rate-store.js'
import { kinds } from './kinds.js'
import { type Interval, RateOracle } from './rate-oracle.js'

const second = { intervalMs: 1000, burst: 3 }

function claim(key: string, cost = 1, rate = second): RateClaim {
  return { key, cost, rate }
}

const claims = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    cost: fc.constantFrom(1, 1, 1, 2, 5),
    rate: fc.constantFrom(
      { intervalMs: 1000 / 3, burst: 2 },
      { intervalMs: 4, burst: 3 },
      { intervalMs: 0.5, burst: 4 },
    ),
  }),
  { maxLength: 3 },
)

async function timed(rates: RateStore, all: readonly RateClaim[]): Promise<[unknown, Interval]> {
  const from = performance.now()
  const decision = await rates.take(all)
  return [decision, { from, to: performance.now() }]
}

describe.each(kinds)('RateStore: $name', ({ make }) => {
  const rates = (): RateStore => make().rates as RateStore

  it('lets the burst through at once and no more', async () => {
    const store = rates()
    const decisions = await Promise.all(Array.from({ length: 20 }, () => store.take([claim('a')])))
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(3)
    const refused = await store.take([claim('a')])
    expect(refused).toMatchObject({ allowed: false, refused: 0 })
    const { retryAfterMs } = refused as { retryAfterMs: number }
    expect(retryAfterMs).toBeGreaterThan(500)
    expect(retryAfterMs).toBeLessThanOrEqual(1000)
  })

  it('takes from all claims or from none, and says which refused', async () => {
    const store = rates()
    await store.take([claim('full', 3)])
    for (let n = 0; n < 5; n += 1) {
      expect(await store.take([claim('free'), claim('full')])).toMatchObject({ allowed: false, refused: 1 })
    }
    expect(await store.take([claim('free', 3)])).toEqual({ allowed: true })
  })

  it('says how long until all the claims would pass, and then they do', async () => {
    const store = rates()
    const quick = { intervalMs: 30, burst: 1 }
    const slow = { intervalMs: 80, burst: 1 }
    const both = [claim('quick', 1, quick), claim('slow', 1, slow)]
    await store.take(both)
    const refused = (await store.take(both)) as { refused: number; retryAfterMs: number }
    expect(refused.retryAfterMs).toBeGreaterThan(40)
    expect(refused.retryAfterMs).toBeLessThanOrEqual(80)
    await expect.poll(() => store.take(both), { interval: 5 }).toEqual({ allowed: true })
  })

  it('never lets through what costs more than the burst', async () => {
    const store = rates()
    const never = { allowed: false, retryAfterMs: Number.POSITIVE_INFINITY }
    expect(await store.take([claim('a', 4)])).toEqual({ ...never, refused: 0 })
    expect(await store.take([claim('b'), claim('a', 2), claim('a', 2)])).toEqual({ ...never, refused: 2 })
    expect(await store.take([claim('a', 3)])).toEqual({ allowed: true })
  })

  it('passes a call without claims', async () => {
    expect(await rates().take([])).toEqual({ allowed: true })
  })

  it('decides as a plain GCRA does at one of the moments at which it may have decided', async () => {
    const store = rates()
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(claims, { maxLength: 12 }), async (takes) => {
        run += 1
        const oracle = new RateOracle()
        for (const take of takes) {
          // One rate for each key, as limits have it.
          const own = take.map((one) => ({ ...one, key: `${run} ${one.key} ${one.rate.burst}` }))
          const [decision, when] = await timed(store, own)
          oracle.expectPossible(own, decision as never, when)
        }
      }),
      { numRuns: 150 },
    )
  })
})
