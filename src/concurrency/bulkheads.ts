import type { Bounded } from '../contracts/bounded.js'
import type { Clock } from '../contracts/clock.js'
import { Bulkhead, type Overload, type Turn, type Visit } from './bulkhead.js'
import { ServiceTime } from './service-time.js'

export interface BulkheadsOptions {
  /** Whose work it is, as `server.stats()` names it: `server`, `tool find-order`. */
  readonly name: string
  readonly limit: number
  readonly queue: number
  readonly clock: Clock
  /** Keys that may have work at once; 1 where all share one bulkhead. */
  readonly maxKeys: number
}

/**
 * A bulkhead for each key, there only while it is used: what it has learned of how long work takes is kept for all. Beyond
 * `maxKeys` a new key is refused, because none that has work can be forgotten.
 */
export class Bulkheads {
  /** Lines of `server.stats()`: what runs, what waits, and the keys where there is more than one. */
  readonly bounded: readonly Bounded[]
  readonly #options: BulkheadsOptions
  readonly #service = new ServiceTime()
  readonly #open = new Map<string, Bulkhead>()
  #running = 0
  #waiting = 0
  #refused = 0
  #refusedKeys = 0

  constructor(options: BulkheadsOptions) {
    this.#options = options
    const { name, limit, queue, maxKeys } = options
    const line = (
      what: string,
      most: number,
      now: () => readonly [size: number, dropped: number],
    ): Bounded => ({
      stats() {
        const [size, dropped] = now()
        return { name: `${what} (${name})`, size, limit: most, unit: 'entries', dropped }
      },
    })
    this.bounded = [
      line('running calls', limit * maxKeys, () => [this.#running, 0]),
      line('waiting calls', queue * maxKeys, () => [this.#waiting, this.#refused]),
      ...(maxKeys > 1
        ? [line('callers with calls', maxKeys, () => [this.#open.size, this.#refusedKeys])]
        : []),
    ]
  }

  /** As `Bulkhead.enter`, at the bulkhead of `key`. */
  enter(key: string, deadlineAt: number, turn: Turn): Visit | Overload {
    let bulkhead = this.#open.get(key)
    if (bulkhead === undefined) {
      const { limit, queue, clock, maxKeys } = this.#options
      if (this.#open.size >= maxKeys) {
        this.#refusedKeys += 1
        return { reason: 'queue', retryAfterMs: 1000, queued: 0, limit }
      }
      bulkhead = new Bulkhead({ limit, queue, clock, service: this.#service })
      this.#open.set(key, bulkhead)
    }
    return this.#counted(bulkhead, () => bulkhead.enter(deadlineAt, turn))
  }

  leave(key: string, visit: Visit, done: boolean): void {
    const bulkhead = this.#open.get(key)
    if (bulkhead === undefined || visit.state === 'over') return
    this.#counted(bulkhead, () => bulkhead.leave(visit, done))
    if (bulkhead.running === 0 && this.#options.maxKeys > 1) this.#open.delete(key)
  }

  /** Keeps the sums up to date without asking every bulkhead. */
  #counted<Result>(bulkhead: Bulkhead, change: () => Result): Result {
    const { running, queued, refused } = bulkhead
    const result = change()
    this.#running += bulkhead.running - running
    this.#waiting += bulkhead.queued - queued
    this.#refused += bulkhead.refused - refused
    return result
  }
}
