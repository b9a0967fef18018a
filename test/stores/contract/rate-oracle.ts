import { expect } from 'vitest'
import type { RateClaim, RateDecision } from '../../../src/contracts/rate-store.js'

/** Between which moments something was decided. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** What two clocks may differ by over one test, and what numbers lose in text. */
const slack = 0.5

/**
 * A plain GCRA whose decisions come from somewhere else, by a clock that it cannot see. It keeps for each key the least
 * and the most that may be taken by now, and says whether a decision could have been right.
 */
export class RateOracle {
  readonly #keys = new Map<string, Interval>()

  expectPossible(claims: readonly RateClaim[], decision: RateDecision, when: Interval): void {
    const least = this.#after(claims, 'from', when.from)
    const most = this.#after(claims, 'to', when.to)
    // The earlier it was decided, the fuller it was: `over` is how far beyond the burst all of it would be.
    const over = claims.map(({ key, rate }) => {
      const room = rate.burst * rate.intervalMs
      return {
        least: (least.get(key) ?? 0) - when.to - room,
        most: (most.get(key) ?? 0) - when.from - room,
      }
    })
    if (decision.allowed) {
      for (const { least } of over) expect(least).toBeLessThanOrEqual(slack)
      for (const { key } of claims) {
        this.#keys.set(key, { from: least.get(key) ?? 0, to: most.get(key) ?? 0 })
      }
      return
    }
    if (decision.retryAfterMs === Number.POSITIVE_INFINITY) {
      const first = this.#firstHopeless(claims)
      expect(decision.refused).toBe(first)
      expect(first).toBeGreaterThanOrEqual(0)
      return
    }
    expect(this.#firstHopeless(claims)).toBe(-1)
    const bounds = {
      least: Math.max(...over.map(({ least }) => least)),
      most: Math.max(...over.map(({ most }) => most)),
    }
    expect(bounds.most).toBeGreaterThan(-slack)
    expect(over[decision.refused]?.most).toBeGreaterThan(-slack)
    expect(decision.retryAfterMs).toBeGreaterThan(bounds.least - slack)
    // Whole milliseconds.
    expect(decision.retryAfterMs).toBeLessThan(bounds.most + 1 + slack)
  }

  #firstHopeless(claims: readonly RateClaim[]): number {
    return claims.findIndex(({ key, rate }, at) => {
      const same = claims.slice(0, at + 1).filter((claim) => claim.key === key)
      return same.reduce((sum, { cost }) => sum + cost, 0) > rate.burst
    })
  }

  #after(claims: readonly RateClaim[], end: 'from' | 'to', now: number): Map<string, number> {
    const at = new Map<string, number>()
    for (const { key, cost, rate } of claims) {
      const before = at.get(key) ?? Math.max(now, this.#keys.get(key)?.[end] ?? now)
      at.set(key, before + cost * rate.intervalMs)
    }
    return at
  }
}
