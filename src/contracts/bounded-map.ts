import type { Bounded, BoundedStats } from './bounded.js'

/**
 * A Map with a limit: when it is full the entry that was used least recently goes, and is counted.
 */
export class BoundedMap<K, V> implements Bounded {
  readonly #entries = new Map<K, V>()
  readonly #name: string
  readonly #limit: number
  #dropped = 0

  constructor(name: string, limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new RangeError(`The limit of "${name}" must be a whole number from 1, received ${String(limit)}.`)
    }
    this.#name = name
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      // A Map keeps insertion order, so putting an entry back makes it the youngest.
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  /** Reads without making the entry younger. */
  peek(key: K): V | undefined {
    return this.#entries.get(key)
  }

  /** Returns the value that had to go for it, if one had to. */
  set(key: K, value: V): V | undefined {
    let evicted: V | undefined
    if (!this.#entries.delete(key) && this.#entries.size >= this.#limit) {
      const oldest = this.#entries.entries().next()
      if (oldest.done !== true) {
        evicted = oldest.value[1]
        this.#entries.delete(oldest.value[0])
      }
      this.#dropped += 1
    }
    this.#entries.set(key, value)
    return evicted
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  values(): IterableIterator<V> {
    return this.#entries.values()
  }

  stats(): BoundedStats {
    return { name: this.#name, size: this.size, limit: this.#limit, unit: 'entries', dropped: this.#dropped }
  }
}
