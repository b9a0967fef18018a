import type { DuckDBConnection } from '@duckdb/node-api'
import { type BoundedStatement, boundStatement } from './bounded-columns.js'
import { ConnectionPool } from './connection-pool.js'
import { DataError } from './data-error.js'
import { type ColumnSummary, readSummary, summarySql } from './describe.js'
import { nearNames } from './near-names.js'
import { type Dataset, openDatabase } from './open-database.js'
import { type QueryResult, type Row, runQuery } from './run-query.js'
import { bundledDataDirectory, findSourceFiles } from './source-files.js'
import { prepareReadOnly } from './statement-guard.js'
import { assignNames, bundledNames, quoteIdentifier } from './table-names.js'

export const defaultRows = 100
export const maxRows = 1000

export interface DeskOptions {
  /** A directory of CSV, TSV, JSON and Parquet files. Default: the data of the `vega-datasets` package. */
  readonly data?: string
  /** Which files to load, by name. Default: all. */
  readonly only?: (file: string) => boolean
  /** Called once per table loaded and per file skipped. Default: nothing is said. */
  readonly onProgress?: (line: string) => void
  /** How long one statement may run, in ms. Default: 15,000. */
  readonly queryTimeoutMs?: number
  /** Queries at once. Default: 3, which leaves one of libuv's four threads to the rest of the process. */
  readonly connections?: number
  /** How long a query waits for a connection, in ms. Default: 5,000. */
  readonly waitMs?: number
  /** Size of one result's rows as JSON, in bytes. Default: 256 KB. */
  readonly maxResultBytes?: number
}

export interface DatasetDescription extends Omit<Dataset, 'columns'> {
  readonly columns: readonly ColumnSummary[]
  readonly sample: readonly Row[]
}

/** The datasets, and what may be asked of them. */
export interface Desk {
  /** By name, in alphabetical order. */
  readonly datasets: ReadonlyMap<string, Dataset>
  /** Columns with their extremes and nulls, and three rows; undefined when there is no such dataset. */
  describe(name: string, signal?: AbortSignal): Promise<DatasetDescription | undefined>
  /** Runs one read-only statement; {@link QueryRefusal} says why not. */
  query(sql: string, limit?: number, signal?: AbortSignal): Promise<QueryResult>
  /** Names close to one that does not exist. */
  near(name: string): string[]
  /** Connections free and callers waiting. */
  state(): { idle: number; waiting: number }
  /** Interrupts what runs and closes the database. */
  close(): void
}

/** Prepares SQL of our own, which needs no guard. */
function trusted(sql: string): (connection: DuckDBConnection) => Promise<BoundedStatement> {
  return async (connection) => boundStatement(connection, sql, await connection.prepare(sql))
}

/**
 * Loads the data and opens the desk.
 * @throws {DataError} when the directory cannot be read or holds no table.
 */
export async function openDesk(options: DeskOptions = {}): Promise<Desk> {
  const say = options.onProgress ?? (() => {})
  const directory = options.data ?? bundledDataDirectory()
  const only = options.only ?? (() => true)
  const found = await findSourceFiles(directory)
  const files = assignNames(
    found.tables.filter((source) => only(source.file)),
    options.data === undefined ? bundledNames : new Map(),
  )
  const database = await openDatabase(files, say)
  for (const { file, reason } of [...found.skipped, ...database.failed]) {
    if (only(file)) say(`skipped ${file}: ${reason}`)
  }
  const { datasets, instance } = database
  if (datasets.size === 0) {
    instance.closeSync()
    throw new DataError(
      `The data directory ${directory} holds no CSV, TSV, JSON or Parquet file that can be read as a table.`,
    )
  }
  const pool = await ConnectionPool.open(instance, {
    size: options.connections ?? 3,
    queue: 32,
    waitMs: options.waitMs ?? 5000,
  })
  const rules = {
    functions: database.functions,
    datasets: new Set(datasets.keys()),
    systemViews: database.systemViews,
  }
  const limits = {
    rows: maxRows,
    bytes: options.maxResultBytes ?? 256 * 1024,
    timeoutMs: options.queryTimeoutMs ?? 15_000,
  }
  // The data never changes once loaded, so a description is made once; there are as many as datasets.
  const descriptions = new Map<string, DatasetDescription>()

  return {
    datasets,
    async describe(name, signal) {
      const dataset = datasets.get(name)
      if (dataset === undefined) return undefined
      const kept = descriptions.get(name)
      if (kept !== undefined) return kept
      const summary = await runQuery(
        pool,
        trusted(summarySql(name, dataset.rows, dataset.columns)),
        limits,
        signal,
      )
      const sampleSql = `SELECT * FROM ${quoteIdentifier(name)} LIMIT 3`
      const sample = await runQuery(pool, trusted(sampleSql), limits, signal)
      const description = { ...dataset, columns: readSummary(dataset.columns, summary), sample: sample.rows }
      descriptions.set(name, description)
      return description
    },
    query: (sql, limit = defaultRows, signal) =>
      runQuery(
        pool,
        (connection) => prepareReadOnly(connection, sql, rules),
        { ...limits, rows: Math.min(limit, maxRows) },
        signal,
      ),
    near: (name) => nearNames(name, datasets.keys()),
    state: () => pool.state,
    close() {
      pool.close()
      instance.closeSync()
    },
  }
}
