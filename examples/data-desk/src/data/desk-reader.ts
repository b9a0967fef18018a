import type { DuckDBConnection } from '@duckdb/node-api'
import { type BoundedStatement, boundStatement } from './bounded-columns.js'
import type { Connections } from './connection-pool.js'
import { type ColumnSummary, readSummary, summarySql } from './describe.js'
import { nearNames } from './near-names.js'
import type { Dataset } from './open-database.js'
import { type QueryLimits, type QueryResult, type Row, runQuery } from './run-query.js'
import { type GuardRules, prepareReadOnly } from './statement-guard.js'
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
  /** Names close to one that does not exist. */
  near(name: string): string[]
}

export interface DeskReaderOptions {
  readonly datasets: ReadonlyMap<string, Dataset>
  readonly rules: Omit<GuardRules, 'datasets'>
  readonly limits: QueryLimits
  /** The connections that have the tables of this statement. */
  connectionsFor(sql: string): Connections
}

/** Prepares SQL of our own, which needs no guard. */
function trusted(sql: string): (connection: DuckDBConnection) => Promise<BoundedStatement> {
  return async (connection) => boundStatement(connection, sql, await connection.prepare(sql))
}

export function createDeskReader({ datasets, rules, limits, connectionsFor }: DeskReaderOptions): DeskReader {
  const guard: GuardRules = { ...rules, datasets: new Set(datasets.keys()) }
  return {
    datasets,
    async describe(name, signal) {
      const dataset = datasets.get(name)
      if (dataset === undefined) return undefined
      const read = (sql: string): Promise<QueryResult> =>
        runQuery(connectionsFor(sql), trusted(sql), limits, signal)
      const summary = await read(summarySql(name, dataset.rows, dataset.columns))
      const sample = await read(`SELECT * FROM ${quoteIdentifier(name)} LIMIT 3`)
      return { ...dataset, columns: readSummary(dataset.columns, summary), sample: sample.rows }
    },
    query: (sql, limit = defaultRows, signal) =>
      runQuery(
        connectionsFor(sql),
        (connection) => prepareReadOnly(connection, sql, guard),
        { ...limits, rows: Math.min(limit, maxRows) },
        signal,
      ),
    near: (name) => nearNames(name, datasets.keys()),
  }
}
