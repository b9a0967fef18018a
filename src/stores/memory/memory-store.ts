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
  readonly #maxBytes: number
  readonly #entries = new Map<string, Entry>()
  /** When full: the first moment at which an entry expires. Whoever keeps it full must not make it look each time. */
  #fullUntil = 0
  #refused = 0
  #bytes = 0

  /** `maxBytes` bounds the values on top, two bytes a character. */
  constructor(name: string, limit: number, clock: Clock, maxBytes: number = Number.POSITIVE_INFINITY) {
    this.#name = name
    this.#limit = limit
    this.#clock = clock
    this.#maxBytes = maxBytes
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
    this.#drop(key)
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
    this.#drop(key)
    return undefined
  }

  #put(key: string, value: string, ttlMs: number): void {
    // Put at the end, so that what expires first tends to stand first.
    const before = this.#entries.get(key)
    this.#drop(key)
    const bytes = value.length * 2
    if (!this.#fits(bytes)) {
      try {
        this.#makeRoom(bytes)
      } catch (error) {
        // What was there before still counts.
        if (before !== undefined) this.#add(key, before)
        throw error
      }
    }
    const expiresAt = this.#clock.now() + ttlMs
    this.#add(key, { value, expiresAt })
    this.#fullUntil = Math.min(this.#fullUntil, expiresAt)
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    this.#bytes += entry.value.length * 2
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.value.length * 2
  }

  #fits(bytes: number): boolean {
    return this.#entries.size < this.#limit && this.#bytes + bytes <= this.#maxBytes
  }

  #makeRoom(bytes: number): void {
    const now = this.#clock.now()
    if (now >= this.#fullUntil) {
      let soonest = Number.POSITIVE_INFINITY
      for (const [key, { expiresAt }] of this.#entries) {
        if (expiresAt <= now) this.#drop(key)
        else soonest = Math.min(soonest, expiresAt)
      }
      if (this.#fits(bytes)) return
      this.#fullUntil = soonest
    }
    this.#refused += 1
    const bytesToo = Number.isFinite(this.#maxBytes) ? ` or ${this.#maxBytes} bytes` : ''
    throw new Error(
      `The store "${this.#name}" is full: ${this.#limit} entries${bytesToo} that have not expired.`,
    )
  }
}
