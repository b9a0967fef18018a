import type { Bounded, BoundedStats } from '../contracts/bounded.js'

/** Retries that may be saved up while all goes well. */
const most = 10

/**
 * How many retries all callers of a backend have together: each call earns a share of one, and each retry takes one. When a
 * backend is down everybody wants to retry, and without a budget that would multiply the load which it cannot bear already.
 */
export class RetryBudget implements Bounded {
  readonly #name: string
  readonly #share: number
  #saved = most
  #refused = 0

  constructor(name: string, share: number) {
    this.#name = name
    this.#share = share
  }

  earn(): void {
    this.#saved = Math.min(most, this.#saved + this.#share)
  }

  take(): boolean {
    if (this.#saved < 1) {
      this.#refused += 1
      return false
    }
    this.#saved -= 1
    return true
  }

  stats(): BoundedStats {
    return {
      name: `retries left (${this.#name})`,
      size: Math.floor(this.#saved),
      limit: most,
      unit: 'entries',
      dropped: this.#refused,
    }
  }
}
