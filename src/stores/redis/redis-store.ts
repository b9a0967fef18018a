import type { Store } from '../../contracts/store.js'
import type { RedisLink } from './redis-link.js'

/** Ten years: longer than anything is meant to be kept, and far from where Redis refuses a time. */
const longestMs = 10 * 365 * 24 * 60 * 60 * 1000

/** Milliseconds as Redis takes them: whole, and 1 at least, because it refuses 0. */
export function expiry(ttlMs: number): number {
  return Math.min(longestMs, Math.max(1, Math.ceil(ttlMs)))
}

/** A store in Redis. Keys and values are text; halves of surrogate pairs do not survive the way through UTF-8. */
export class RedisStore implements Store {
  readonly #link: RedisLink
  readonly #prefix: string

  /** `prefix` is what all its keys begin with. */
  constructor(link: RedisLink, prefix: string) {
    this.#link = link
    this.#prefix = prefix
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.#link.call('GET', this.#prefix + key)
    return typeof value === 'string' ? value : undefined
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#link.call('SET', this.#prefix + key, value, 'PX', expiry(ttlMs))
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    return (await this.#link.call('SET', this.#prefix + key, value, 'PX', expiry(ttlMs), 'NX')) === 'OK'
  }

  async delete(key: string): Promise<void> {
    await this.#link.call('DEL', this.#prefix + key)
  }
}
