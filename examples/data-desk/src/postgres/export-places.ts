import type { BoundedStats } from 'holdfast'
import { QueryRefusal } from '../data/refusal.js'

/** Places for whoever reads all of a table, so that some connections are left to queries. */
export class ExportPlaces {
  readonly #limit: number
  #taken = 0
  #refused = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The same items, in a place that is held until their loop ends. @throws {QueryRefusal} `desk_busy` when all are taken */
  async *hold<Item>(items: () => AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
    if (this.#taken >= this.#limit) {
      this.#refused += 1
      throw new QueryRefusal('desk_busy', `${this.#limit} exports are running.`, 'Try again in a moment.')
    }
    this.#taken += 1
    try {
      yield* items()
    } finally {
      this.#taken -= 1
    }
  }

  stats(): BoundedStats {
    return { name: 'exports', size: this.#taken, limit: this.#limit, unit: 'entries', dropped: this.#refused }
  }
}
