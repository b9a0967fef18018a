import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import type { Clock } from '../contracts/clock.js'

/** What many deadlines on one timer are told apart by in `server.stats()`, and how exact they are. */
export interface DeadlinesOptions {
  /** Default: `deadlines`. */
  readonly name?: string
  /** Milliseconds to which deadlines are kept: whatever waits may run over by at most one tick. Default: 20. */
  readonly tickMs?: number
}

/** One waiting deadline; give it back to `cancel` when the work is done. */
export interface Deadline {
  readonly tick: number
  readonly expire: () => void
}

/**
 * Many deadlines on one timer: a timer per call costs more than most calls. Deadlines of one tick share a
 * set; the timer runs only while there are any.
 */
export class Deadlines implements Bounded {
  readonly #clock: Clock
  readonly #limit: number
  readonly #name: string
  readonly #tickMs: number
  readonly #ticks = new Map<number, Set<Deadline>>()
  #size = 0
  #running = false
  #last = 0

  /** `limit` is only shown: what is waited for here is bounded by whoever starts calls. */
  constructor(clock: Clock, limit: number, { name = 'deadlines', tickMs = 20 }: DeadlinesOptions = {}) {
    this.#clock = clock
    this.#limit = limit
    this.#name = name
    this.#tickMs = tickMs
  }

  /**
   * Calls `expire` once, `ms` from `from` (monotonic milliseconds), unless cancelled before; at the next tick
   * when that time is over already. `expire` must not throw.
   */
  add(from: number, ms: number, expire: () => void): Deadline {
    if (!this.#running) this.#start()
    // Ticks that were walked are not walked again.
    const tick = Math.max(Math.ceil((from + ms) / this.#tickMs), this.#last + 1)
    const deadline = { tick, expire }
    let set = this.#ticks.get(tick)
    if (set === undefined) {
      set = new Set()
      this.#ticks.set(tick, set)
    }
    set.add(deadline)
    this.#size += 1
    return deadline
  }

  cancel(deadline: Deadline): void {
    const set = this.#ticks.get(deadline.tick)
    if (set?.delete(deadline) !== true) return
    this.#size -= 1
    if (set.size === 0) this.#ticks.delete(deadline.tick)
  }

  stats(): BoundedStats {
    return { name: this.#name, size: this.#size, limit: this.#limit, unit: 'entries', dropped: 0 }
  }

  #start(): void {
    this.#running = true
    this.#last = Math.floor(this.#clock.monotonic() / this.#tickMs) - 1
    this.#next()
  }

  #next(): void {
    this.#clock.after(this.#tickMs, () => {
      this.#expireUntil(Math.floor(this.#clock.monotonic() / this.#tickMs))
      if (this.#size > 0) this.#next()
      else this.#running = false
    })
  }

  #expireUntil(now: number): void {
    // After a long stall there may be more ticks than sets; walk the fewer.
    const due =
      now - this.#last <= this.#ticks.size
        ? Array.from({ length: now - this.#last }, (_, index) => this.#last + 1 + index)
        : [...this.#ticks.keys()].filter((tick) => tick <= now).sort((left, right) => left - right)
    this.#last = now
    for (const tick of due) {
      for (const deadline of this.#ticks.get(tick) ?? []) {
        // Out before it is told, and each by itself: it may cancel one of the same tick.
        this.cancel(deadline)
        deadline.expire()
      }
    }
  }
}
