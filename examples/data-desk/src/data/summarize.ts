import { boundStatement } from './bounded-columns.js'
import type { Connections } from './connection-pool.js'
import { type ColumnSummary, readSummary, summarySql } from './describe.js'
import type { Dataset } from './open-database.js'
import type { Prepare } from './open-read.js'
import { type QueryLimits, runQuery } from './run-query.js'

/** Prepares SQL of our own, which needs no guard. */
export function trusted(sql: string): Prepare {
  return async (connection) => boundStatement(connection, sql, await connection.prepare(sql))
}

/** What the columns of a dataset hold. @throws {QueryRefusal} */
export async function summarize(
  connections: Connections,
  { name, rows, columns }: Pick<Dataset, 'name' | 'rows' | 'columns'>,
  limits: QueryLimits,
  signal?: AbortSignal,
): Promise<ColumnSummary[]> {
  const sql = summarySql(name, rows, columns)
  return readSummary(columns, await runQuery(connections, trusted(sql), limits, signal))
}
