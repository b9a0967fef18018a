import { setImmediate as turn } from 'node:timers/promises'
import type { DuckDBValue } from '@duckdb/node-api'
import { boundStatement, type ResultColumn } from './bounded-columns.js'
import type { Connections } from './connection-pool.js'
import type { ColumnInfo } from './describe.js'
import { type CutCount, type Json, parseJsonText, toJson } from './json-value.js'
import type { Dataset } from './open-database.js'
import { openRead } from './open-read.js'
import { quoteIdentifier } from './table-names.js'

/** Some rows of a stream, their values in the order of the columns that were asked for. */
export interface RowPortion {
  readonly rows: readonly (readonly Json[])[]
  /** Values that were cut, as in {@link QueryResult}. */
  readonly cutCells: number
}

export interface StreamRequest {
  readonly dataset: Dataset
  /** Columns of the dataset. */
  readonly columns: readonly ColumnInfo[]
  /** Rows at most. */
  readonly limit: number
  /** How long it may take, with whoever takes the rows, in ms. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Values that are made in one turn of the event loop: a few milliseconds' worth. */
const cellsPerTurn = 2000

/**
 * The rows of a dataset in its order, read as they are taken: what is not taken is not read. It holds a connection until its loop ends.
 * @throws {QueryRefusal} as {@link openRead} does
 */
export async function* streamRows(
  connections: Connections,
  { dataset, columns, limit, timeoutMs, signal }: StreamRequest,
): AsyncGenerator<RowPortion, void, undefined> {
  const selected = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  const sql = `SELECT ${selected} FROM ${quoteIdentifier(dataset.name)} LIMIT ${limit}`
  const read = await openRead(
    connections,
    async (connection) => boundStatement(connection, sql, await connection.prepare(sql)),
    timeoutMs,
    signal,
  )
  try {
    const portion = Math.max(1, Math.floor(cellsPerTurn / columns.length))
    for (let chunk = await read.next(); chunk !== undefined; chunk = await read.next()) {
      for (let first = 0; first < chunk.rowCount; first += portion) {
        if (first > 0) await turn()
        const cut: CutCount = { cells: 0 }
        const rows: Json[][] = []
        for (let row = first; row < Math.min(chunk.rowCount, first + portion); row += 1) {
          rows.push(jsonValues(chunk.getRowValues(row), read.columns, cut))
        }
        yield { rows, cutCells: cut.cells }
      }
    }
  } finally {
    await read.close()
  }
}

function jsonValues(values: readonly DuckDBValue[], columns: readonly ResultColumn[], cut: CutCount): Json[] {
  return values.map((value, at) =>
    columns[at]?.isJson === true ? parseJsonText(value, cut) : toJson(value, cut),
  )
}
