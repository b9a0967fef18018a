import type { Clock } from '../contracts/clock.js'
import { ServiceTime } from './service-time.js'

/** What a refusal says when nothing is known yet of how long work takes, and the most it ever says; milliseconds. */
const guessedRetryMs = 100
const longestRetryMs = 60_000
/** More slots than these are not looked at one by one. */
const fewSlots = 64
/** Timers are late, and so is everybody who waits for them. */
const slack = 1.05

/** Why somebody was not let in. */
export interface Overload {
  /** `queue`: as many wait as may. `deadline`: by the estimate it would be over before the work is done. */
  readonly reason: 'queue' | 'deadline'
  /** Milliseconds after which there is room by the estimate, whole, from 1. */
  readonly retryAfterMs: number
  readonly queued: number
  readonly limit: number
}

/** One piece of work from the door to the way out. */
export interface Visit {
  readonly state: 'waiting' | 'running' | 'over'
}

/** Told to who waits: at most one of them, once, and none after he has left. They must neither throw nor enter or leave. */
export interface Turn {
  start(): void
  refuse(overload: Overload): void
}

export interface BulkheadOptions {
  /** Work that runs at once. */
  readonly limit: number
  /** Work that waits for a slot; 0: none. */
  readonly queue: number
  readonly clock: Clock
  /** Shared by bulkheads of the same work, so that what one has learned is not lost with it. */
  readonly service?: ServiceTime
}

interface Held {
  state: 'waiting' | 'running' | 'over'
  readonly deadlineAt: number
  readonly turn: Turn | undefined
  startedAt: number
}

/**
 * Lets so much work run at once, and lets some wait, first come, first served. Who would wait in vain is sent away at
 * once: when the queue is full, and when by the estimate his deadline passes before he could be done. A slot
 * that is free is given without any estimate, so that a wrong one mends itself.
 *
 * It has no timer. Whoever waits is told of his deadline by others and then leaves.
 */
export class Bulkhead {
  readonly limit: number
  readonly queue: number
  readonly service: ServiceTime
  /** Refused since it was made. */
  refused = 0
  readonly #clock: Clock
  /** In the order of their start, and so of their expected end. */
  readonly #running = new Set<Held>()
  readonly #waiting = new Set<Held>()
  #busySince = 0
  /** The time that the last refusal named; the next one names a later one, or all would come back at once. */
  #nextRetryAt = 0

  constructor({ limit, queue, clock, service = new ServiceTime() }: BulkheadOptions) {
    this.limit = limit
    this.queue = queue
    this.service = service
    this.#clock = clock
  }

  get running(): number {
    return this.#running.size
  }

  get queued(): number {
    return this.#waiting.size
  }

  /** `deadlineAt`: monotonic milliseconds. `turn` hears only whoever has to wait. */
  enter(deadlineAt: number, turn: Turn): Visit | Overload {
    const now = this.#clock.monotonic()
    // Nobody overtakes: while somebody waits there is no free slot, because a slot goes to the next at once.
    if (this.#running.size < this.limit) {
      const visit: Held = { state: 'running', deadlineAt, turn: undefined, startedAt: now }
      if (this.#running.size === 0) this.#busySince = now
      this.#running.add(visit)
      return visit
    }
    if (this.#waiting.size >= this.queue) return this.#refusal('queue', this.#waitMs(now), now)
    const neededMs = this.#neededMs(now)
    if (now + neededMs > deadlineAt) return this.#refusal('deadline', now + neededMs - deadlineAt, now)
    const visit: Held = { state: 'waiting', deadlineAt, turn, startedAt: 0 }
    this.#waiting.add(visit)
    return visit
  }

  /** Gives back the slot, or the place in the queue; a second time does nothing. `done`: its time may be learned from. */
  leave(visit: Visit, done: boolean): void {
    const held = visit as Held
    const { state } = held
    if (state === 'over') return
    held.state = 'over'
    if (state === 'waiting') {
      this.#waiting.delete(held)
      return
    }
    this.#running.delete(held)
    const now = this.#clock.monotonic()
    if (done) this.service.add(Math.max(0, now - held.startedAt))
    this.#fill(now)
  }

  #fill(now: number): void {
    for (const next of this.#waiting) {
      if (this.#running.size >= this.limit) return
      this.#waiting.delete(next)
      if (now + this.service.leastMs > next.deadlineAt) {
        next.state = 'over'
        next.turn?.refuse(this.#refusal('deadline', this.#waitMs(now), now))
        continue
      }
      next.state = 'running'
      next.startedAt = now
      this.#running.add(next)
      next.turn?.start()
    }
  }

  /** What work takes; while none has ended yet, at least as long as there has been some. */
  #meanMs(now: number): number {
    return this.service.known ? this.service.meanMs : now - this.#busySince
  }

  /** Milliseconds in which who comes now would mostly have waited and be done. */
  #neededMs(now: number): number {
    const spread = Math.sqrt(1 + (this.#waiting.size + 1) / this.limit ** 2)
    return slack * (this.#waitMs(now) + this.#meanMs(now) + 2 * this.service.deviationMs * spread)
  }

  /**
   * Milliseconds until who comes now would have a slot. Even work comes in rounds: so many whole ones, and then the end of
   * one that runs. Uneven work ends anytime, and then slots come evenly. The later of the two is believed.
   */
  #waitMs(now: number): number {
    const meanMs = this.#meanMs(now)
    const evenlyMs = ((this.#waiting.size + 1) / this.limit) * meanMs
    // Counting on costs as much as there are slots; of many of them it makes no difference.
    if (this.limit > fewSlots) return evenlyMs
    const roundsMs = Math.floor(this.#waiting.size / this.limit) * meanMs
    let ahead = this.#waiting.size % this.limit
    for (const { startedAt } of this.#running) {
      if (ahead === 0) return Math.max(evenlyMs, roundsMs + startedAt + meanMs - now)
      ahead -= 1
    }
    return evenlyMs
  }

  #refusal(reason: Overload['reason'], waitMs: number, now: number): Overload {
    this.refused += 1
    const soonest = now + (this.service.known ? waitMs : Math.max(waitMs, guessedRetryMs))
    const at = Math.min(Math.max(soonest, this.#nextRetryAt), now + longestRetryMs)
    this.#nextRetryAt = at + this.service.meanMs / this.limit
    return {
      reason,
      retryAfterMs: Math.max(1, Math.ceil(at - now)),
      queued: this.#waiting.size,
      limit: this.limit,
    }
  }
}
