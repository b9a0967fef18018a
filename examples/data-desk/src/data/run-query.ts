import type { DuckDBValue } from '@duckdb/node-api'
import type { ResultColumn } from './bounded-columns.js'
import { BoundedRows, type Row, type RowLimits } from './bounded-rows.js'
import type { Connections } from './connection-pool.js'
import { type CutCount, parseJsonText, toJson } from './json-value.js'
import { type OpenRead, openRead, type Prepare } from './open-read.js'

export type { Row }

export interface QueryLimits extends RowLimits {
  /** How long the statement may run, in ms. */
  readonly timeoutMs: number
}

export interface QueryResult {
  readonly columns: { name: string; type: string }[]
  readonly rows: Row[]
  readonly truncatedBy: 'rows' | 'bytes' | undefined
  /** Cells whose text, list or blob was cut. */
  readonly cutCells: number
}

/** One row of a result as JSON. */
export function rowOf(values: readonly DuckDBValue[], columns: readonly ResultColumn[], cut: CutCount): Row {
  return Object.fromEntries(
    values.map((value, at) => {
      const column = columns[at]
      return [
        column?.name ?? `column${at}`,
        column?.isJson === true ? parseJsonText(value, cut) : toJson(value, cut),
      ]
    }),
  )
}

async function readRows(read: OpenRead, limits: QueryLimits): Promise<QueryResult> {
  const columns = read.columns.map(({ name, type }) => ({ name, type }))
  const cut: CutCount = { cells: 0 }
  const bounded = new BoundedRows(limits)
  for (let chunk = await read.next(); chunk !== undefined; chunk = await read.next()) {
    for (let index = 0; index < chunk.rowCount; index += 1) {
      const make = (): Row => rowOf(chunk.getRowValues(index), read.columns, cut)
      if (!bounded.add(make)) return answerOf(columns, bounded, cut)
    }
  }
  return answerOf(columns, bounded, cut)
}

function answerOf(
  columns: QueryResult['columns'],
  { rows, truncatedBy }: BoundedRows,
  cut: CutCount,
): QueryResult {
  return { columns, rows, truncatedBy, cutCells: cut.cells }
}

/**
 * Runs one prepared read; {@link openRead} says how it ends.
 * @throws {QueryRefusal} with what `prepare` or DuckDB said, or `query_timeout`, `cancelled`, `desk_busy`, `result_too_large`.
 */
export async function runQuery(
  connections: Connections,
  prepare: Prepare,
  limits: QueryLimits,
  signal?: AbortSignal,
): Promise<QueryResult> {
  const read = await openRead(connections, prepare, limits.timeoutMs, signal)
  try {
    return await readRows(read, limits)
  } finally {
    await read.close()
  }
}
