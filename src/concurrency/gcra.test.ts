import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../test/fuzz-runs.js'
import type { Clock } from '../contracts/clock.js'
import type { Rate, RateClaim } from '../contracts/rate-store.js'
import { Gcra } from './gcra.js'

function handClock(start = 0): Clock & { at: number } {
  const clock = {
    at: start,
    now: () => clock.at,
    monotonic: () => clock.at,
    after: () => () => undefined,
  }
  return clock
}

const rates = {
  a: { intervalMs: 10, burst: 5 },
  b: { intervalMs: 7, burst: 1 },
  c: { intervalMs: 1000 / 3, burst: 12 },
} as const satisfies Record<string, Rate>

const keys = ['a', 'b', 'c'] as const

/** A bucket for each key that leaks one unit in each interval, walked from arrival to arrival. */
class Buckets {
  readonly #levels = new Map<string, { units: number; at: number }>()

  take(claims: readonly RateClaim[], now: number): boolean {
    const after = new Map<string, { units: number; at: number }>()
    for (const { key, rate, cost } of claims) {
      const { units, at } = after.get(key) ?? this.#levels.get(key) ?? { units: 0, at: now }
      const left = Math.max(0, units - (now - at) / rate.intervalMs)
      if (left + cost > rate.burst + 1e-6) return false
      after.set(key, { units: left + cost, at: now })
    }
    for (const [key, level] of after) this.#levels.set(key, level)
    return true
  }
}

const claim = fc.record({ key: fc.constantFrom(...keys), cost: fc.integer({ min: 1, max: 6 }) })
const step = fc.record({
  pause: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.double({ min: 0, max: 40, noNaN: true })),
  claims: fc.array(claim, { minLength: 1, maxLength: 4 }),
})
const steps = fc.array(step, { minLength: 1, maxLength: 60 })
const starts = fc.double({ min: 0, max: 1e9, noNaN: true })

function claimsOf(claims: readonly { key: keyof typeof rates; cost: number }[]): RateClaim[] {
  return claims.map(({ key, cost }) => ({ key, cost, rate: rates[key] }))
}

describe('Gcra', () => {
  it('decides as a leaky bucket for each key does, for several claims at once too', () => {
    fc.assert(
      fc.property(starts, steps, (start, all) => {
        const clock = handClock(start)
        const gcra = new Gcra('rates', 10, clock)
        const oracle = new Buckets()
        for (const { pause, claims } of all) {
          clock.at += pause
          const made = claimsOf(claims)
          expect(gcra.take(made).allowed).toBe(oracle.take(made, clock.at))
        }
      }),
      { numRuns: fuzzRuns(500) },
    )
  })

  it('lets through no more than the burst and what came back, in any window', () => {
    fc.assert(
      fc.property(starts, steps, (start, all) => {
        const clock = handClock(start)
        const gcra = new Gcra('rates', 10, clock)
        const taken: { at: number; cost: number; key: keyof typeof rates }[] = []
        for (const { pause, claims } of all) {
          clock.at += pause
          if (!gcra.take(claimsOf(claims)).allowed) continue
          for (const one of claims) taken.push({ at: clock.at, ...one })
        }
        for (const key of keys) {
          const own = taken.filter((one) => one.key === key)
          for (const [first, { at }] of own.entries()) {
            let sum = 0
            for (const later of own.slice(first)) {
              sum += later.cost
              const most = rates[key].burst + (later.at - at) / rates[key].intervalMs
              expect(sum).toBeLessThanOrEqual(most + 1e-3)
            }
          }
        }
      }),
      { numRuns: fuzzRuns(300) },
    )
  })

  it('says exactly when the same claims pass: not a millisecond earlier, and then', () => {
    fc.assert(
      fc.property(starts, steps, (start, all) => {
        const clock = handClock(start)
        const made = new Gcra('rates', 10, clock)
        const history: { at: number; claims: RateClaim[] }[] = []
        const again = (at: number): Gcra => {
          const past = handClock(start)
          const copy = new Gcra('rates', 10, past)
          for (const one of history) {
            past.at = one.at
            copy.take(one.claims)
          }
          past.at = at
          return copy
        }
        for (const { pause, claims } of all) {
          clock.at += pause
          const wanted = claimsOf(claims)
          const decision = made.take(wanted)
          if (!decision.allowed && Number.isFinite(decision.retryAfterMs)) {
            const { retryAfterMs, refused } = decision
            expect(Number.isSafeInteger(retryAfterMs) && retryAfterMs >= 1).toBe(true)
            expect(again(clock.at + retryAfterMs).take(wanted).allowed).toBe(true)
            const early = again(clock.at + retryAfterMs - 1).take(wanted)
            expect(early).toMatchObject({ allowed: false, refused })
          }
          history.push({ at: clock.at, claims: wanted })
        }
      }),
      { numRuns: fuzzRuns(100) },
    )
  })

  it('takes nothing of any claim when one of them is refused, and names the one that is to wait longest', () => {
    const clock = handClock()
    const gcra = new Gcra('rates', 10, clock)
    const both = (cost: number): RateClaim[] => [
      { key: 'a', rate: rates.a, cost },
      { key: 'b', rate: rates.b, cost: 1 },
    ]
    expect(gcra.take(both(1)).allowed).toBe(true)
    for (let n = 0; n < 100; n += 1) {
      expect(gcra.take(both(1))).toEqual({ allowed: false, refused: 1, retryAfterMs: 7 })
    }
    expect(gcra.take([{ key: 'a', rate: rates.a, cost: 4 }]).allowed).toBe(true)
    expect(gcra.take(both(2))).toEqual({ allowed: false, refused: 0, retryAfterMs: 20 })
  })

  it('never lets more through than the burst at once, and says that no waiting helps', () => {
    const gcra = new Gcra('rates', 10, handClock())
    const never = { allowed: false, refused: 0, retryAfterMs: Number.POSITIVE_INFINITY }
    expect(gcra.take([{ key: 'a', rate: rates.a, cost: 5.5 }])).toEqual(never)
    const twice = [3, 3].map((cost) => ({ key: 'a', rate: rates.a, cost }))
    expect(gcra.take(twice)).toEqual({ ...never, refused: 1 })
    expect(gcra.stats().size).toBe(0)
    expect(gcra.take([{ key: 'a', rate: rates.a, cost: 5 }]).allowed).toBe(true)
  })

  it('stands still when the clock goes back', () => {
    const clock = handClock(1000)
    const gcra = new Gcra('rates', 10, clock)
    const one = [{ key: 'b', rate: rates.b, cost: 1 }]
    expect(gcra.take(one).allowed).toBe(true)
    clock.at = 0
    expect(gcra.take(one)).toEqual({ allowed: false, refused: 0, retryAfterMs: 7 })
    clock.at = 1007
    expect(gcra.take(one).allowed).toBe(true)
  })

  it('forgets what has recovered before it forgets what has not, and counts only that', () => {
    const clock = handClock()
    const gcra = new Gcra('rates', 4, clock)
    const use = (key: string, cost = 1) => gcra.take([{ key, rate: rates.a, cost }]).allowed
    use('spent', 5)
    use('one')
    use('two', 2)
    use('three', 3)
    clock.at = 25
    expect(use('four')).toBe(true)
    expect(use('five')).toBe(true)
    expect(gcra.stats()).toMatchObject({ size: 4, dropped: 0 })
    expect(use('spent', 3)).toBe(false)
    expect(use('six')).toBe(true)
    expect(gcra.stats()).toMatchObject({ size: 4, dropped: 1 })
  })

  it('never keeps more keys than its limit, and drops only who was used least recently', () => {
    const use = fc.record({
      key: fc.integer({ min: 0, max: 40 }),
      cost: fc.integer({ min: 1, max: 5 }),
      pause: fc.integer({ min: 0, max: 6 }),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 16 }),
        fc.array(use, { maxLength: 250, size: 'max' }),
        (limit, all) => {
          const clock = handClock()
          const gcra = new Gcra('rates', limit, clock)
          // The oracle: a plain list by use, with the time of recovery of each.
          let known: { key: number; at: number }[] = []
          let dropped = 0
          for (const { key, cost, pause } of all) {
            clock.at += pause
            const found = known.find((one) => one.key === key)
            const at = Math.max(found?.at ?? 0, clock.at) + cost * 10
            const passes = at - clock.at <= 50
            expect(gcra.take([{ key: String(key), rate: rates.a, cost }]).allowed).toBe(passes)
            if (found !== undefined)
              known = [...known.filter((one) => one !== found), passes ? { key, at } : found]
            else if (passes) {
              if (known.length === limit) {
                const recovered = known.filter((one) => one.at <= clock.at)
                if (recovered.length === 0) {
                  known.shift()
                  dropped += 1
                } else {
                  const least = Math.min(...recovered.map((one) => one.at))
                  // Which of the recovered goes makes no difference to anybody.
                  known = known.filter((one) => one !== recovered.find((other) => other.at === least))
                }
              }
              known.push({ key, at })
            }
            expect(gcra.stats()).toMatchObject({ size: known.length, dropped })
          }
        },
      ),
      { numRuns: fuzzRuns(300) },
    )
  })

  it('a flood of new keys does not reset the key of who keeps trying', () => {
    const clock = handClock()
    const gcra = new Gcra('rates', 1000, clock)
    const mine = [{ key: 'mine', rate: { intervalMs: 60_000, burst: 10 }, cost: 1 }]
    for (let n = 0; n < 10; n += 1) expect(gcra.take(mine).allowed).toBe(true)
    let passed = 0
    for (let n = 0; n < 20_000; n += 1) {
      gcra.take([{ key: `new ${n}`, rate: { intervalMs: 60_000, burst: 10 }, cost: 1 }])
      if (n % 500 === 0 && gcra.take(mine).allowed) passed += 1
    }
    expect(passed).toBe(0)
    // And what is refused takes no room at all.
    const { dropped } = gcra.stats()
    for (let n = 0; n < 5000; n += 1) {
      gcra.take([{ key: `greedy ${n}`, rate: { intervalMs: 60_000, burst: 10 }, cost: 11 }, ...mine])
    }
    expect(gcra.stats().dropped).toBe(dropped)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %s as its limit', (limit) => {
    expect(() => new Gcra('rates', limit, handClock())).toThrow('must be a whole number from 1')
  })
})
