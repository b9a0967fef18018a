import type { DuckDBConnection } from '@duckdb/node-api'
import type { BoundedStatement } from './bounded-columns.js'
import {
  type ColumnSample,
  collectColumn,
  maxTextLength,
  rowsToSample,
  type SampleLimits,
  type ValueKind,
} from './column-sample.js'
import type { Connections } from './connection-pool.js'
import { type ColumnInfo, isNested } from './describe.js'
import type { Dataset } from './open-database.js'
import { openRead } from './open-read.js'
import { quoteIdentifier } from './table-names.js'

const numbers = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/

/** What a profile makes of a column of this DuckDB type. */
export function kindOf(type: string): ValueKind {
  if (numbers.test(type)) return 'number'
  if (type === 'DATE' || type.startsWith('TIMESTAMP')) return 'time'
  return isNested(type) ? 'nested' : 'text'
}

/** The column's value as a double or as a text; of moments the milliseconds, which infinite ones do not have. */
function expression({ name, type }: ColumnInfo): string {
  const column = quoteIdentifier(name)
  switch (kindOf(type)) {
    case 'number':
      return `${column}::DOUBLE`
    case 'time': {
      const moment = type === 'TIMESTAMP WITH TIME ZONE' ? column : `${column}::TIMESTAMP`
      return `CASE WHEN isfinite(${column}) THEN epoch_ms(${moment})::DOUBLE END`
    }
    case 'text':
      return `left(${column}::VARCHAR, ${maxTextLength})`
    case 'nested':
      return 'NULL'
  }
}

export interface SampleRequest {
  readonly dataset: Dataset
  /** Columns of the dataset. */
  readonly columns: readonly ColumnInfo[]
  readonly limits: SampleLimits
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Draws rows at random, or takes all where they are few, and holds their columns in shared memory.
 * @throws {QueryRefusal} as {@link openRead} does
 */
export async function sampleColumns(
  connections: Connections,
  { dataset, columns, limits, timeoutMs, signal }: SampleRequest,
): Promise<ColumnSample> {
  const rows = rowsToSample(dataset.rows, columns.length, limits)
  // The same rows each time, so that two profiles of one dataset agree.
  const drawn = rows < dataset.rows ? ` USING SAMPLE reservoir(${rows} ROWS) REPEATABLE (1)` : ''
  const selected = columns.map(expression).join(', ')
  const sql = `SELECT ${selected} FROM (FROM ${quoteIdentifier(dataset.name)}${drawn})`
  // What it selects is bounded already.
  const prepare = async (connection: DuckDBConnection): Promise<BoundedStatement> => ({
    statement: await connection.prepare(sql),
    columns: [],
  })
  const collectors = columns.map((column) => collectColumn(column, kindOf(column.type), rows))
  const read = await openRead(connections, prepare, timeoutMs, signal)
  let count = 0
  try {
    for (let chunk = await read.next(); chunk !== undefined; chunk = await read.next()) {
      count += chunk.rowCount
      for (const [index, collector] of collectors.entries()) {
        const vector = chunk.getColumnVector(index)
        for (let row = 0; row < chunk.rowCount; row += 1) collector.add(vector.getItem(row))
      }
    }
  } finally {
    await read.close()
  }
  return {
    totalRows: dataset.rows,
    rows: Math.min(count, rows),
    columns: collectors.map((collector) => collector.column()),
  }
}
