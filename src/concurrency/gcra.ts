import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import type { Clock } from '../contracts/clock.js'
import type { RateClaim, RateDecision, RateStore } from '../contracts/rate-store.js'

const allowed: RateDecision = Object.freeze({ allowed: true })

/** How many of the oldest keys are looked at for one that has recovered, before one that has not must go. */
const searched = 16

/**
 * Counts rates in this process by GCRA. A key holds one number, the time at which it will have recovered; one that has
 * recovered says the same as none, so those make room first, and then the one that was used least recently.
 */
export class Gcra implements RateStore, Bounded {
  readonly #recoveredAt = new Map<string, number>()
  readonly #name: string
  readonly #limit: number
  readonly #clock: Clock
  #dropped = 0

  constructor(name: string, limit: number, clock: Clock) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new RangeError(`The limit of "${name}" must be a whole number from 1, received ${String(limit)}.`)
    }
    this.#name = name
    this.#limit = limit
    this.#clock = clock
  }

  take(claims: readonly RateClaim[]): RateDecision {
    const now = this.#clock.monotonic()
    // Claims may share a key, so each is judged on top of those before it.
    const next = new Map<string, number>()
    for (const [at, { key, rate, cost }] of claims.entries()) {
      const from = Math.max(next.get(key) ?? this.#recoveredAt.get(key) ?? now, now)
      const until = from + cost * rate.intervalMs
      const retryAfterMs = until - now - rate.burst * rate.intervalMs
      if (retryAfterMs > 0) return { allowed: false, refused: at, retryAfterMs }
      next.set(key, until)
    }
    for (const [key, until] of next) this.#set(key, until, now)
    return allowed
  }

  stats(): BoundedStats {
    const size = this.#recoveredAt.size
    return { name: this.#name, size, limit: this.#limit, unit: 'entries', dropped: this.#dropped }
  }

  #set(key: string, until: number, now: number): void {
    if (!this.#recoveredAt.delete(key) && this.#recoveredAt.size >= this.#limit) this.#makeRoom(now)
    this.#recoveredAt.set(key, until)
  }

  #makeRoom(now: number): void {
    let looked = 0
    let oldest: string | undefined
    for (const [key, until] of this.#recoveredAt) {
      oldest ??= key
      if (until <= now) {
        this.#recoveredAt.delete(key)
        return
      }
      looked += 1
      if (looked === searched) break
    }
    if (oldest !== undefined) this.#recoveredAt.delete(oldest)
    this.#dropped += 1
  }
}
