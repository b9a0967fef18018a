import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { BoundedStats } from 'holdfast'
import { QueryRefusal } from './refusal.js'

interface Waiter {
  readonly give: (connection: DuckDBConnection) => void
  readonly refuse: (reason: QueryRefusal) => void
}

export interface PoolLimits {
  /** What they are called in statistics: queries, say. */
  readonly of: string
  /** Connections at most, and so queries at once. */
  readonly size: number
  /** Callers that may wait for one. */
  readonly queue: number
  /** How long one waits, in ms. */
  readonly waitMs: number
}

/** Where a query gets its connection. */
export interface Connections {
  acquire(signal?: AbortSignal): Promise<DuckDBConnection>
  release(connection: DuckDBConnection): void
}

const retryHint = 'Try again in a moment, or ask for less at once.'

/** A fixed number of connections to one database, with a bounded queue in front of them. */
export class ConnectionPool implements Connections {
  readonly #idle: DuckDBConnection[]
  readonly #all: readonly DuckDBConnection[]
  readonly #limits: PoolLimits
  readonly #waiters = new Set<Waiter>()
  #refused = 0
  #closed = false

  private constructor(connections: readonly DuckDBConnection[], limits: PoolLimits) {
    this.#all = connections
    this.#idle = [...connections]
    this.#limits = limits
  }

  static async open(instance: DuckDBInstance, limits: PoolLimits): Promise<ConnectionPool> {
    const connections = await Promise.all(Array.from({ length: limits.size }, () => instance.connect()))
    return new ConnectionPool(connections, limits)
  }

  /** How many connections are free, and how many callers wait. */
  get state(): { idle: number; waiting: number } {
    return { idle: this.#idle.length, waiting: this.#waiters.size }
  }

  /** What runs and what waits, against the limits; `dropped` counts who got none. */
  stats(): BoundedStats[] {
    const { of, size, queue } = this.#limits
    const dropped = this.#refused
    const running = this.#closed ? 0 : size - this.#idle.length
    return [
      { name: of, size: running, limit: size, unit: 'entries', dropped: 0 },
      { name: `${of} that wait`, size: this.#waiters.size, limit: queue, unit: 'entries', dropped },
    ]
  }

  /**
   * Takes a connection; the caller gives it back with {@link release}. Throws `desk_busy` when the queue is full
   * or the wait too long, `cancelled` when the signal fires first.
   */
  acquire(signal?: AbortSignal): Promise<DuckDBConnection> {
    if (this.#closed) return Promise.reject(new QueryRefusal('desk_busy', 'The server is shutting down.'))
    if (signal?.aborted) return Promise.reject(new QueryRefusal('cancelled', 'The call was cancelled.'))
    const idle = this.#idle.pop()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#waiters.size >= this.#limits.queue) {
      this.#refused += 1
      return Promise.reject(new QueryRefusal('desk_busy', 'Too many queries are waiting already.', retryHint))
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiters.delete(waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        give: (connection) => {
          settle()
          resolve(connection)
        },
        refuse: (reason) => {
          settle()
          reject(reason)
        },
      }
      const onAbort = (): void => waiter.refuse(new QueryRefusal('cancelled', 'The call was cancelled.'))
      const timer = setTimeout(() => {
        this.#refused += 1
        const seconds = this.#limits.waitMs / 1000
        waiter.refuse(new QueryRefusal('desk_busy', `All connections were busy for ${seconds} s.`, retryHint))
      }, this.#limits.waitMs)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
    })
  }

  /** Gives a connection back, to whoever waits longest. */
  release(connection: DuckDBConnection): void {
    if (this.#closed) {
      connection.closeSync()
      return
    }
    const next = this.#waiters.values().next()
    if (next.done) this.#idle.push(connection)
    else next.value.give(connection)
  }

  /** Refuses who waits, interrupts what runs, closes what is idle; a busy connection closes when it is given back. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const waiter of [...this.#waiters])
      waiter.refuse(new QueryRefusal('desk_busy', 'The server is shutting down.'))
    const idle = new Set(this.#idle)
    for (const connection of this.#all) {
      if (idle.has(connection)) connection.closeSync()
      else connection.interrupt()
    }
    this.#idle.length = 0
  }
}
