import { randomBytes } from 'node:crypto'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { Database } from 'holdfast/services/postgres'
import type { ColumnSummary } from '../data/describe.js'
import { summarize } from '../data/summarize.js'
import { quoteIdentifier } from '../data/table-names.js'
import type { ImportStorage } from '../import/imported-tables.js'
import { type LoadedTable, loadCsv } from '../import/load-csv.js'
import { importsTable } from './catalogue.js'
import { withClient } from './connect.js'
import { copyTable } from './copy-table.js'
import { importSchemaPrefix } from './names.js'

/** Memory in which files are read and judged before they go over, for all imports at once. */
const scratchMemory = '512MB'

/** An imported table where it is. */
export interface PlacedTable {
  readonly schema: string
  readonly columns: readonly ColumnSummary[]
}

interface ImportsOptions {
  readonly address: string
  /** How long a table is kept, in ms. */
  readonly lifetimeMs: number
  /** How long describing a file's columns may take, in ms. */
  readonly queryTimeoutMs: number
}

export interface ImportRun {
  readonly database: Database
  readonly caller: string
  readonly table: string
  readonly records: AsyncGenerator<readonly string[]>
  readonly signal: AbortSignal
}

/**
 * Imported tables in PostgreSQL, each in a schema of its own whose name is chance. The role that statements run as has no right to
 * any of them: a transaction that needs some gives it the right for as long as it lasts. A file is read, judged and described in a
 * DuckDB that holds nothing else, and goes over once it is known to be good, so that no connection waits for a download.
 */
export class PostgresImports implements ImportStorage {
  readonly #options: ImportsOptions
  readonly #placed = new Map<string, Map<string, PlacedTable>>()
  #scratch: Promise<DuckDBInstance> | undefined
  #closed = false

  constructor(options: ImportsOptions) {
    this.#options = options
  }

  placeOf(caller: string, table: string): PlacedTable | undefined {
    return this.#placed.get(caller)?.get(table)
  }

  /** @throws {ImportRefusal} as `loadCsv`; and what the database rejects with */
  async load({ database, caller, table, records, signal }: ImportRun): Promise<LoadedTable> {
    this.#scratch ??= openScratch()
    const instance = await this.#scratch
    if (this.#closed) throw signal.reason
    const connection = await instance.connect()
    try {
      const loaded = await loadCsv(records, table, { use: (work) => work(connection) }, signal)
      const columns = await this.#describe(connection, table, loaded)
      const schema = `${importSchemaPrefix}${randomBytes(16).toString('hex')}`
      const copied = await this.#copy(connection, { database, caller, table, schema }, loaded)
      const placed = columns.map((column, index) => ({ ...column, ...copied.columns[index] }))
      const own = this.#placed.get(caller) ?? new Map<string, PlacedTable>()
      this.#placed.set(caller, own.set(table, { schema, columns: placed }))
      return { rows: loaded.rows, columns: copied.columns }
    } finally {
      connection.closeSync()
    }
  }

  #describe(connection: DuckDBConnection, name: string, loaded: LoadedTable): Promise<ColumnSummary[]> {
    const connections = { acquire: async () => connection, release: () => {} }
    const { queryTimeoutMs: timeoutMs } = this.#options
    return summarize(
      connections,
      { name, ...loaded },
      { rows: 1, bytes: Number.POSITIVE_INFINITY, timeoutMs },
    )
  }

  /** Old and new change places in one transaction, which leaves nothing when it fails. */
  async #copy(
    connection: DuckDBConnection,
    {
      database,
      caller,
      table,
      schema,
    }: { database: Database; caller: string; table: string; schema: string },
    { columns }: LoadedTable,
  ): Promise<LoadedTable> {
    const earlier = this.placeOf(caller, table)?.schema
    return database.transaction(async (queries) => {
      const run = (text: string, values?: readonly unknown[]): Promise<unknown> => queries.query(text, values)
      await run(`create schema ${quoteIdentifier(schema)}`)
      await run(`insert into ${importsTable} values ($1, now() + $2 * interval '1 millisecond')`, [
        schema,
        this.#options.lifetimeMs,
      ])
      const to = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
      const copied = await copyTable(connection, { from: table, columns, to }, run)
      await run(`analyze ${to}`)
      if (earlier !== undefined) for (const statement of dropStatements([earlier])) await run(statement)
      return copied
    })
  }

  async drop(caller: string, name: string, isGone: () => boolean): Promise<void> {
    const place = this.placeOf(caller, name)
    if (place === undefined || isGone()) return
    await dropSchemas(this.#options.address, [place.schema])
    if (this.placeOf(caller, name) === place) this.#placed.get(caller)?.delete(name)
  }

  release(caller: string): void {
    if ((this.#placed.get(caller)?.size ?? 0) === 0) this.#placed.delete(caller)
  }

  async close(): Promise<void> {
    this.#closed = true
    const schemas = [...this.#placed.values()].flatMap((tables) =>
      [...tables.values()].map(({ schema }) => schema),
    )
    this.#placed.clear()
    const instance = await this.#scratch
    instance?.closeSync()
    if (schemas.length > 0) await dropSchemas(this.#options.address, schemas)
  }
}

async function openScratch(): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    memory_limit: scratchMemory,
    threads: '2',
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    enable_external_access: 'false',
    lock_configuration: 'true',
  })
}

function dropStatements(schemas: readonly string[]): string[] {
  return schemas.flatMap((schema) => [
    `drop schema if exists ${quoteIdentifier(schema)} cascade`,
    `delete from ${importsTable} where schema = '${schema}'`,
  ])
}

async function dropSchemas(address: string, schemas: readonly string[]): Promise<void> {
  await withClient(address, async (client) => {
    for (const statement of dropStatements(schemas)) await client.query(statement)
  })
}

/** Drops what expired imports of this server and of others left behind, such as of one that was killed. */
export async function sweepImports(address: string): Promise<void> {
  await withClient(address, async (client) => {
    const { rows } = await client.query<{ schema: string }>(
      `select schema from ${importsTable} where expires <= now() and schema like $1`,
      [`${importSchemaPrefix.replaceAll('_', '\\_')}%`],
    )
    for (const { schema } of rows) {
      for (const statement of dropStatements([schema])) await client.query(statement)
    }
  })
}
