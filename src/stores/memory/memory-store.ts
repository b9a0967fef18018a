import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Clock } from '../../contracts/clock.js'
import type { Store } from '../../contracts/store.js'

interface Entry {
  readonly value: string
  readonly expiresAt: number
}

/**
 * The store of a server that runs alone. It never forgets before the time: when it is full of what still counts it
 * takes nothing more, so that whoever relies on it fails closed.
 */
export class MemoryStore implements Store, Bounded {
  readonly #name: string
  readonly #limit: number
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  /** When full: the first moment at which an entry expires. Whoever keeps it full must not make it look each time. */
  #fullUntil = 0
  #refused = 0

  constructor(name: string, limit: number, clock: Clock) {
    this.#name = name
    this.#limit = limit
    this.#clock = clock
  }

  async get(key: string): Promise<string | undefined> {
    return this.#live(key)?.value
  }

  /** Rejects when the store is full of what still counts. */
  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#put(key, value, ttlMs)
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    // Looked up and set without a turn between, or two callers could both be first.
    if (this.#live(key) !== undefined) return false
    this.#put(key, value, ttlMs)
    return true
  }

  async delete(key: string): Promise<void> {
    this.#entries.delete(key)
  }

  stats(): BoundedStats {
    return {
      name: this.#name,
      size: this.#entries.size,
      limit: this.#limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAt > this.#clock.now()) return entry
    this.#entries.delete(key)
    return undefined
  }

  #put(key: string, value: string, ttlMs: number): void {
    // Put at the end, so that what expires first tends to stand first.
    this.#entries.delete(key)
    if (this.#entries.size >= this.#limit) this.#makeRoom()
    const expiresAt = this.#clock.now() + ttlMs
    this.#entries.set(key, { value, expiresAt })
    this.#fullUntil = Math.min(this.#fullUntil, expiresAt)
  }

  #makeRoom(): void {
    const now = this.#clock.now()
    if (now >= this.#fullUntil) {
      let soonest = Number.POSITIVE_INFINITY
      for (const [key, { expiresAt }] of this.#entries) {
        if (expiresAt <= now) this.#entries.delete(key)
        else soonest = Math.min(soonest, expiresAt)
      }
      if (this.#entries.size < this.#limit) return
      this.#fullUntil = soonest
    }
    this.#refused += 1
    throw new Error(`The store "${this.#name}" is full: ${this.#limit} entries that have not expired.`)
  }
}
