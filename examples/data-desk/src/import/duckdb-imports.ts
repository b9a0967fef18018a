import type { DuckDBInstance } from '@duckdb/node-api'
import type { Connections } from '../data/connection-pool.js'
import { quoteIdentifier } from '../data/table-names.js'
import { CallerWorkspace } from './caller-workspace.js'
import type { ImportStorage } from './imported-tables.js'
import { type LoadedTable, loadCsv } from './load-csv.js'

/** Imported tables in DuckDB: each caller's on a connection of its own. */
export class DuckdbImports implements ImportStorage {
  readonly #instance: DuckDBInstance
  readonly #shared: Connections
  readonly #waitMs: number
  readonly #workspaces = new Map<string, CallerWorkspace>()
  #closed = false

  /**
   * @param shared the pool in which queries over imported tables take their places
   * @param queryTimeoutMs how long one query may run
   */
  constructor(instance: DuckDBInstance, shared: Connections, queryTimeoutMs: number) {
    this.#instance = instance
    this.#shared = shared
    this.#waitMs = queryTimeoutMs + 5000
  }

  /** Where statements over the caller's tables run; undefined when there are none. */
  connectionsOf(caller: string): CallerWorkspace | undefined {
    return this.#workspaces.get(caller)
  }

  async load(
    caller: string,
    table: string,
    records: AsyncGenerator<readonly string[]>,
    signal: AbortSignal,
  ): Promise<LoadedTable> {
    const workspace =
      this.#workspaces.get(caller) ?? (await CallerWorkspace.open(this.#instance, this.#shared, this.#waitMs))
    if (this.#closed) {
      workspace.close()
      throw signal.reason
    }
    this.#workspaces.set(caller, workspace)
    return loadCsv(records, table, workspace, signal)
  }

  async drop(caller: string, name: string, isGone: () => boolean): Promise<void> {
    await this.#workspaces.get(caller)?.use(async (connection) => {
      if (!isGone()) await connection.run(`DROP TABLE IF EXISTS ${quoteIdentifier(name)}`)
    })
  }

  release(caller: string): void {
    const workspace = this.#workspaces.get(caller)
    this.#workspaces.delete(caller)
    workspace?.close()
  }

  /** Interrupts what runs; the tables go with the connections. */
  close(): void {
    this.#closed = true
    for (const workspace of this.#workspaces.values()) workspace.close()
    this.#workspaces.clear()
  }
}
