import type { AirportDesk } from './airport-routes.js'
import { type ColumnSample, type SampleLimits, sampleLimits } from './column-sample.js'
import type { Connections } from './connection-pool.js'
import type { ColumnInfo, ColumnSummary } from './describe.js'
import { nearNames } from './near-names.js'
import type { Dataset } from './open-database.js'
import { type QueryLimits, type QueryResult, type Row, runQuery } from './run-query.js'
import { sampleColumns } from './sample-columns.js'
import { type GuardRules, prepareReadOnly } from './statement-guard.js'
import { type RowPortion, streamRows } from './stream-rows.js'
import { summarize, trusted } from './summarize.js'
import { quoteIdentifier } from './table-names.js'

export const defaultRows = 100
export const maxRows = 1000

export interface DatasetDescription extends Omit<Dataset, 'columns'> {
  readonly columns: readonly ColumnSummary[]
  readonly sample: readonly Row[]
}

/** Some datasets, and what may be asked of them. */
export interface DeskReader {
  /** By name, in alphabetical order. */
  readonly datasets: ReadonlyMap<string, Dataset>
  /** Columns with their extremes and nulls, and three rows; undefined when there is no such dataset. */
  describe(name: string, signal?: AbortSignal): Promise<DatasetDescription | undefined>
  /** Runs one read-only statement; {@link QueryRefusal} says why not. */
  query(sql: string, limit?: number, signal?: AbortSignal): Promise<QueryResult>
  /**
   * The values of some columns, or of all, for a profile: of many rows a sample. Undefined when there is no such dataset; columns that
   * it does not have are left out. @throws {QueryRefusal}
   */
  sampleColumns(name: string, options?: SampleOptions): Promise<ColumnSample | undefined>
  /**
   * The rows one after another, read as they are taken. Undefined when there is no such dataset; columns that it does not have are left
   * out. What is thrown while they are taken is a {@link QueryRefusal}.
   */
  streamRows(name: string, options: StreamOptions): AsyncIterable<RowPortion> | undefined
  /** What flights and airports say; undefined when there are no such datasets. */
  readonly airports: AirportDesk | undefined
  /** Names close to one that does not exist. */
  near(name: string): string[]
}

export interface SampleOptions {
  /** Default: all. */
  readonly columns?: readonly string[] | undefined
  readonly signal?: AbortSignal
  /** Default: {@link sampleLimits}. */
  readonly limits?: SampleLimits
}

export interface StreamOptions {
  /** Default: all. */
  readonly columns?: readonly string[] | undefined
  /** Rows at most. */
  readonly limit: number
  readonly signal?: AbortSignal
}

export interface DeskReaderOptions {
  readonly datasets: ReadonlyMap<string, Dataset>
  readonly rules: Omit<GuardRules, 'datasets'>
  readonly limits: QueryLimits
  /** The connections that have the tables of this statement. */
  connectionsFor(sql: string): Connections
  /** The connections that have this dataset, for whoever reads all of it: not those that queries wait for. */
  exportsFor(name: string): Connections
  /** How long one export may take, in ms. */
  readonly exportTimeoutMs: number
  readonly airports: AirportDesk | undefined
}

/** The columns of these names, in the order of the names. */
function columnsOf({ columns }: Dataset, names: readonly string[] | undefined): readonly ColumnInfo[] {
  return names === undefined
    ? columns
    : [...new Set(names)].flatMap((wanted) => columns.filter(({ name }) => name === wanted))
}

export function createDeskReader(options: DeskReaderOptions): DeskReader {
  const { datasets, rules, limits, connectionsFor, exportsFor, exportTimeoutMs, airports } = options
  const guard: GuardRules = { ...rules, datasets: new Set(datasets.keys()) }
  return {
    datasets,
    async describe(name, signal) {
      const dataset = datasets.get(name)
      if (dataset === undefined) return undefined
      const connections = connectionsFor(name)
      const columns = await summarize(connections, dataset, limits, signal)
      const sql = `SELECT * FROM ${quoteIdentifier(name)} LIMIT 3`
      const sample = await runQuery(connections, trusted(sql), limits, signal)
      return { ...dataset, columns, sample: sample.rows }
    },
    query: (sql, limit = defaultRows, signal) =>
      runQuery(
        connectionsFor(sql),
        (connection) => prepareReadOnly(connection, sql, guard),
        { ...limits, rows: Math.min(limit, maxRows) },
        signal,
      ),
    async sampleColumns(name, { columns, signal, limits: within = sampleLimits } = {}) {
      const dataset = datasets.get(name)
      if (dataset === undefined) return undefined
      const { timeoutMs } = limits
      const request = { dataset, columns: columnsOf(dataset, columns), limits: within, timeoutMs, signal }
      return sampleColumns(connectionsFor(name), request)
    },
    streamRows(name, { columns, limit, signal }) {
      const dataset = datasets.get(name)
      if (dataset === undefined) return undefined
      const request = { dataset, columns: columnsOf(dataset, columns), limit, signal }
      return streamRows(exportsFor(name), { ...request, timeoutMs: exportTimeoutMs })
    },
    airports,
    near: (name) => nearNames(name, datasets.keys()),
  }
}
