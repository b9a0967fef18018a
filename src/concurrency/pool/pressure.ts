import type { Clock } from '../../contracts/clock.js'
import type { ToolError } from '../../errors/tool-error.js'
import { ServiceTime } from '../service-time.js'
import { exhausted, type PoolState } from './pool-refusals.js'

/** As many waits as say something, and few enough to sort whenever somebody looks. */
const kept = 128
/** How long after a refusal a pool says that it is too small. */
export const recentlyMs = 10_000
/** What a refusal says while nothing is known of how long work takes, and the most it ever says. */
const guessedRetryMs = 100
const longestRetryMs = 60_000

/** What a pool learns from who waits, who works and who is sent away. */
export class Pressure {
  /** Waited in vain for as long as they could. */
  timeouts = 0
  /** Sent away at once. */
  refused = 0
  readonly #clock: Clock
  readonly #max: number
  readonly #service = new ServiceTime()
  readonly #waits = new Float64Array(kept)
  #waited = 0
  #refusedAt = Number.NEGATIVE_INFINITY
  #nextRetryAt = 0

  constructor(clock: Clock, max: number) {
    this.#clock = clock
    this.#max = max
  }

  /** One was lent after so long a wait. */
  addWait(ms: number): void {
    this.#waits[this.#waited % kept] = ms
    this.#waited += 1
  }

  /** One was given back that had been lent at `since`. */
  addLoan(since: number): void {
    this.#service.add(Math.max(0, this.#clock.monotonic() - since))
  }

  /** Milliseconds that 95 of the last 100 or so did not wait longer than; 0 as long as nobody came. */
  get waitP95Ms(): number {
    const known = Math.min(this.#waited, kept)
    const sorted = this.#waits.slice(0, known).sort()
    return sorted[Math.ceil(known * 0.95) - 1] ?? 0
  }

  /** Whether somebody got nothing a short while ago. */
  get isExhausted(): boolean {
    return this.#clock.monotonic() - this.#refusedAt <= recentlyMs
  }

  /** For who got nothing: `waitedMs` 0 when sent away at once. It says when to come back, by how long work takes. */
  refuse(state: PoolState, waitedMs?: number): ToolError {
    if (waitedMs === undefined) this.refused += 1
    else this.timeouts += 1
    const now = this.#clock.monotonic()
    this.#refusedAt = now
    const eachMs = this.#service.meanMs / this.#max
    const soonest = now + (this.#service.known ? (state.waiting + 1) * eachMs : guessedRetryMs)
    // Each refusal names a later time than the one before, or all would come back at once.
    const at = Math.min(Math.max(soonest, this.#nextRetryAt), now + longestRetryMs)
    this.#nextRetryAt = at + eachMs
    return exhausted(state, { waitedMs: waitedMs ?? 0, retryAfterMs: Math.max(1, Math.ceil(at - now)) })
  }
}
