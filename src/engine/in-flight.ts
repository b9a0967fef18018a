import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import { type RequestId, requestKey } from '../protocol/json-rpc.js'
import type { EndReason, Exchange } from './exchange.js'

/**
 * The calls that run now within one scope in which ids must be unique: a stdio connection, a session, a
 * batch. 1 and "1" are different ids.
 */
export class InFlight implements Bounded {
  readonly #exchanges = new Map<string, Exchange>()
  readonly #name: string
  readonly #limit: number
  #dropped = 0
  readonly #whenEmpty = new Set<() => void>()

  constructor(name: string, limit: number) {
    this.#name = name
    this.#limit = limit
  }

  get size(): number {
    return this.#exchanges.size
  }

  /** `scope` keeps the ids of different sessions apart in one table. */
  begin(exchange: Exchange, scope = ''): 'begun' | 'duplicate' | 'full' {
    const key = scope + requestKey(exchange.id)
    if (this.#exchanges.has(key)) return 'duplicate'
    if (this.#exchanges.size >= this.#limit) {
      this.#dropped += 1
      return 'full'
    }
    this.#exchanges.set(key, exchange)
    return 'begun'
  }

  finish(id: RequestId, scope = ''): void {
    this.#exchanges.delete(scope + requestKey(id))
    if (this.#exchanges.size > 0) return
    for (const tell of this.#whenEmpty) {
      this.#whenEmpty.delete(tell)
      tell()
    }
  }

  get(id: RequestId, scope = ''): Exchange | undefined {
    return this.#exchanges.get(scope + requestKey(id))
  }

  /** Ends those that would not end by themselves. */
  endLasting(): void {
    for (const exchange of [...this.#exchanges.values()]) if (exchange.lasting) exchange.end('closing')
  }

  /** Ends the calls of one session. */
  endScope(scope: string, reason: EndReason): void {
    for (const exchange of [...this.#exchanges.values()]) if (exchange.scope === scope) exchange.end(reason)
  }

  endAll(reason: EndReason): void {
    for (const exchange of [...this.#exchanges.values()]) exchange.end(reason)
  }

  /** Calls `listener` once, when nothing runs (at once if nothing does). Returns the function that forgets it. */
  onceEmpty(listener: () => void): () => void {
    if (this.#exchanges.size === 0) {
      listener()
      return () => undefined
    }
    // A function of its own, so that one listener may wait twice.
    const tell = (): void => listener()
    this.#whenEmpty.add(tell)
    return () => {
      this.#whenEmpty.delete(tell)
    }
  }

  stats(): BoundedStats {
    return { name: this.#name, size: this.size, limit: this.#limit, unit: 'entries', dropped: this.#dropped }
  }
}
