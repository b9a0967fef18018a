import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import type { Clock } from '../contracts/clock.js'
import type { RateClaim, RateDecision, RateStore } from '../contracts/rate-store.js'
import { GcraKeys } from './gcra-keys.js'

/** Sums of fractions are off by less than this (milliseconds); without it, who comes exactly in time is sent away. */
const tolerance = 2 ** -10

const allowed: RateDecision = Object.freeze({ allowed: true })

/**
 * Counts rates in this process by GCRA (generic cell rate algorithm, ITU-T I.371 in its virtual scheduling form): one
 * number for each key, the time at which all that was taken has come back. Takes of all claims or of none.
 *
 * The number of keys is bounded. Whoever wants his own key forgotten has to use `limit` other keys that have not
 * recovered either, after his last attempt, because an attempt that is refused makes its key young again, and a refused key that
 * is new is not kept. With that many identities he would have had that many bursts anyhow.
 */
export class Gcra implements RateStore, Bounded {
  readonly #name: string
  readonly #clock: Clock
  readonly #keys: GcraKeys
  #now = Number.NEGATIVE_INFINITY

  /** `limit`: keys that are remembered at once, a whole number from 1. */
  constructor(name: string, limit: number, clock: Clock) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new RangeError(`The limit of "${name}" must be a whole number from 1, received ${String(limit)}.`)
    }
    this.#name = name
    this.#clock = clock
    this.#keys = new GcraKeys(limit)
  }

  /**
   * Milliseconds are those of the monotonic clock; one that goes back all the same stands still here. `retryAfterMs` is
   * whole, and `Infinity` where no waiting helps because more is asked for than the burst.
   */
  take(claims: readonly RateClaim[]): RateDecision {
    this.#now = Math.max(this.#now, this.#clock.monotonic())
    const now = this.#now
    let waitMs = 0
    let refused = 0
    for (const [index, claim] of claims.entries()) {
      const { rate } = claim
      const takenMs = takenBefore(claims, index, claim.key) + claim.cost * rate.intervalMs
      const mostMs = rate.burst * rate.intervalMs
      const recoversAt = Math.max(this.#keys.use(claim.key)?.recoversAt ?? now, now)
      const excessMs = takenMs > mostMs + tolerance ? Infinity : recoversAt - now + takenMs - mostMs
      if (excessMs > tolerance && excessMs > waitMs) {
        waitMs = excessMs
        refused = index
      }
    }
    if (waitMs > 0) return { allowed: false, refused, retryAfterMs: Math.ceil(waitMs - tolerance) }
    for (const { key, rate, cost } of claims) {
      const takenMs = cost * rate.intervalMs
      const state = this.#keys.use(key)
      if (state === undefined) this.#keys.add(key, now + takenMs, now)
      else state.recoversAt = Math.max(state.recoversAt, now) + takenMs
    }
    return allowed
  }

  stats(): BoundedStats {
    const { size, limit, forgotten } = this.#keys
    return { name: this.#name, size, limit, unit: 'entries', dropped: forgotten }
  }
}

/** What earlier claims of the same take want of the same key, in milliseconds. */
function takenBefore(claims: readonly RateClaim[], end: number, key: string): number {
  let ms = 0
  for (let index = 0; index < end; index += 1) {
    const claim = claims[index]
    if (claim?.key === key) ms += claim.cost * claim.rate.intervalMs
  }
  return ms
}
