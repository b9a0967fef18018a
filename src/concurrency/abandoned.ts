import type { Bounded, BoundedStats } from '../contracts/bounded.js'

/**
 * Work that goes on although nobody waits for it any more: handlers that do not listen to their signal. Their
 * callers were answered and their places given away, so without a limit here they could pile up unseen.
 */
export class Abandoned implements Bounded {
  readonly #limit: number
  #size = 0
  #refused = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether so much goes on unheard that nothing new should be begun; a yes is counted as a refusal. */
  refuses(): boolean {
    if (this.#size < this.#limit) return false
    this.#refused += 1
    return true
  }

  /** Counts `work` until it settles, whichever way. */
  add(work: Promise<unknown>): void {
    this.#size += 1
    const settled = (): void => {
      this.#size -= 1
    }
    work.then(settled, settled)
  }

  stats(): BoundedStats {
    return {
      name: 'handlers that go on after their call ended',
      size: this.#size,
      limit: this.#limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }
}
