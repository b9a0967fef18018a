import type { Clock } from '../../contracts/clock.js'

/** A stream that is open although nothing may be sent on it for long. */
export interface Quiet {
  /** Writes what clients ignore and proxies count as traffic. */
  keepAlive(): void
}

/**
 * Keeps open streams from being cut as idle, all on one timer (2026-07-28, streamable-http: comments "to keep the
 * connection alive"). What is in here is bounded by whoever opens streams.
 */
export class KeepAlive {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #streams = new Set<Quiet>()
  #running = false

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  add(stream: Quiet): void {
    this.#streams.add(stream)
    if (this.#running) return
    this.#running = true
    this.#next()
  }

  delete(stream: Quiet): void {
    this.#streams.delete(stream)
  }

  #next(): void {
    this.#clock.after(this.#everyMs, () => {
      for (const stream of this.#streams) stream.keepAlive()
      if (this.#streams.size > 0) this.#next()
      else this.#running = false
    })
  }
}
