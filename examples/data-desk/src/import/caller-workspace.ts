import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { ConnectionPool, type Connections } from '../data/connection-pool.js'
import type { TableHome } from './load-csv.js'

/**
 * The connection that has one caller's tables. They are temporary tables, which belong to a connection: no
 * statement on another connection can name, list or guess them, so callers are kept apart by DuckDB itself.
 */
export class CallerWorkspace implements Connections, TableHome {
  readonly #own: ConnectionPool
  readonly #shared: Connections
  /** Gives back the place in another pool that a query holds while it runs here. */
  #place: (() => void) | undefined

  private constructor(own: ConnectionPool, shared: Connections) {
    this.#own = own
    this.#shared = shared
  }

  /** @param waitMs longer than a query may run, because an import waits for the queries between its batches */
  static async open(instance: DuckDBInstance, shared: Connections, waitMs: number): Promise<CallerWorkspace> {
    const own = await ConnectionPool.open(instance, {
      of: 'queries over imports',
      size: 1,
      queue: 16,
      waitMs,
    })
    return new CallerWorkspace(own, shared)
  }

  /** The connection for one query. It takes a place in the shared pool too, so that all queries together stay bounded. */
  acquire(signal?: AbortSignal): Promise<DuckDBConnection> {
    return this.#acquire(this.#shared, signal)
  }

  release(connection: DuckDBConnection): void {
    this.#place?.()
    this.#place = undefined
    this.#own.release(connection)
  }

  /** The same connection for those who take their place in another pool. */
  within(places: Connections): Connections {
    return {
      acquire: (signal) => this.#acquire(places, signal),
      release: (connection) => this.release(connection),
    }
  }

  async #acquire(places: Connections, signal?: AbortSignal): Promise<DuckDBConnection> {
    const connection = await this.#own.acquire(signal)
    try {
      const place = await places.acquire(signal)
      this.#place = () => places.release(place)
      return connection
    } catch (error) {
      this.#own.release(connection)
      throw error
    }
  }

  async use<T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const connection = await this.#own.acquire(signal)
    try {
      return await work(connection)
    } finally {
      this.#own.release(connection)
    }
  }

  /** Interrupts what runs; the tables go with the connection. */
  close(): void {
    this.#own.close()
  }
}
