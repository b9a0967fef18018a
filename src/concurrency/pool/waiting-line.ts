import type { Clock } from '../../contracts/clock.js'
import { type Deadline, Deadlines } from '../deadlines.js'
import type { AbortListeners } from './abort-listeners.js'
import type { PoolCall } from './pool-options.js'

/** One that waits for its turn. */
export interface Waiter<Turn> {
  readonly call: PoolCall
  readonly since: number
  /** Where it began to wait, for the log. */
  readonly site: Error
  readonly resolve: (turn: Turn) => void
  readonly reject: (reason: unknown) => void
}

interface Waiting<Turn> extends Waiter<Turn> {
  readonly deadline: Deadline
  readonly unlisten: () => void
}

/**
 * Who waits, first come, first served. Whoever's call ends leaves at once, and whoever's time is over is told so; both
 * cost the others nothing. All times are on one timer.
 */
export class WaitingLine<Turn> {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #aborts: AbortListeners
  readonly #waiting = new Set<Waiting<Turn>>()

  /** `limit` is only shown; the pool bounds it. */
  constructor(clock: Clock, limit: number, aborts: AbortListeners) {
    this.#aborts = aborts
    this.#clock = clock
    this.#deadlines = new Deadlines(clock, limit)
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Resolves with the turn. `tooLate` makes the error for who has waited `ms` in vain; an ended call rejects with its signal's reason. */
  join(call: PoolCall, site: Error, ms: number, tooLate: (waitedMs: number) => unknown): Promise<Turn> {
    return new Promise<Turn>((resolve, reject) => {
      const since = this.#clock.monotonic()
      const waiter: Waiting<Turn> = {
        call,
        since,
        site,
        resolve,
        reject,
        deadline: this.#deadlines.add(since, ms, () => {
          this.#remove(waiter)
          reject(tooLate(this.#clock.monotonic() - since))
        }),
        unlisten: this.#aborts.add(call.signal, () => {
          this.#remove(waiter)
          reject(call.signal.reason)
        }),
      }
      this.#waiting.add(waiter)
    })
  }

  /** Takes out whoever has waited longest. */
  shift(): Waiter<Turn> | undefined {
    for (const first of this.#waiting) {
      this.#remove(first)
      return first
    }
    return undefined
  }

  /** Sends everybody away. */
  refuseAll(reason: () => unknown): void {
    for (const waiter of this.#waiting) {
      this.#remove(waiter)
      waiter.reject(reason())
    }
  }

  #remove(waiter: Waiting<Turn>): void {
    this.#waiting.delete(waiter)
    this.#deadlines.cancel(waiter.deadline)
    waiter.unlisten()
  }
}
