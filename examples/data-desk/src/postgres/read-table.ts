import type { Database } from 'holdfast/services/postgres'
import {
  type ColumnSample,
  collectColumn,
  maxTextLength,
  rowsToSample,
  type SampleLimits,
  type ValueKind,
} from '../data/column-sample.js'
import type { ColumnInfo } from '../data/describe.js'
import type { CutCount, Json } from '../data/json-value.js'
import type { RowPortion } from '../data/stream-rows.js'
import { quoteIdentifier } from '../data/table-names.js'
import { cellValue } from './cell-value.js'
import { boundedText, kindOfType } from './column-kinds.js'
import { toSqlRefusal } from './sql-refusal.js'

/** Rows that are fetched at once. */
const samplePortion = 2000
/** Values that are made in one turn of the event loop: some milliseconds' worth. */
const cellsPerTurn = 5000
/** So much more than is wanted is drawn, because how many rows come is chance. */
const drawnBeyond = 1.02

const numbers = /^(smallint|integer|bigint|real|double precision|numeric(\(.*\))?)$/

/** A table of the datasets, which is read with SQL of our own. */
export interface TableToRead {
  /** Quoted, with its schema. */
  readonly table: string
  readonly rows: number
  /** Those that are read. */
  readonly columns: readonly ColumnInfo[]
}

function valueKind(type: string): ValueKind {
  if (numbers.test(type)) return 'number'
  if (/^(date|timestamp)/.test(type)) return 'time'
  return /^(jsonb?|bytea)$|\[\]$/.test(type) ? 'nested' : 'text'
}

/** The column's value as a double or as a text; of moments the milliseconds, which infinite ones do not have. */
function sampled({ name, type }: ColumnInfo): string {
  const column = quoteIdentifier(name)
  switch (valueKind(type)) {
    case 'number':
      return `${column}::float8`
    case 'time':
      return `case when isfinite(${column}) then (extract(epoch from ${column}) * 1000)::float8 end`
    case 'text':
      return `left(${column}::text, ${maxTextLength})`
    case 'nested':
      return 'null::text'
  }
}

/**
 * Draws rows at random, or takes all where they are few, and holds their columns in shared memory.
 * @throws {QueryRefusal} with what PostgreSQL or the pool said
 */
export async function sampleTable(
  database: Database,
  { table, rows: totalRows, columns }: TableToRead,
  limits: SampleLimits,
): Promise<ColumnSample> {
  const rows = rowsToSample(totalRows, columns.length, limits)
  const percent = Math.min(100, (rows / Math.max(1, totalRows)) * 100 * drawnBeyond)
  // The same rows each time, so that two profiles of one dataset agree.
  const drawn = rows < totalRows ? ` tablesample bernoulli (${percent}) repeatable (1)` : ''
  const selected = columns.map((column, index) => `${sampled(column)} as c${index}`).join(', ')
  const collectors = columns.map((column) => collectColumn(column, valueKind(column.type), rows))
  let count = 0
  try {
    const found = database.stream(`select ${selected} from ${table}${drawn} limit ${rows}`, [], {
      batch: samplePortion,
    })
    for await (const row of found) {
      count += 1
      for (const [index, collector] of collectors.entries()) collector.add(row[`c${index}`])
    }
  } catch (error) {
    throw toSqlRefusal(error)
  }
  return { totalRows, rows: count, columns: collectors.map((collector) => collector.column()) }
}

/**
 * The rows of a table in its order, read as they are taken. It holds a connection until its loop ends.
 * @throws {QueryRefusal} with what PostgreSQL or the pool said
 */
export async function* streamTable(
  database: Database,
  { table, columns }: TableToRead,
  limit: number,
): AsyncGenerator<RowPortion, void, undefined> {
  const kinds = columns.map(({ type }) => kindOfType(type))
  const selected = kinds.map(
    (kind, index) => `${boundedText(quoteIdentifier(columns[index]?.name ?? ''), kind)} as c${index}`,
  )
  const batch = Math.max(1, Math.floor(cellsPerTurn / Math.max(1, columns.length)))
  let rows: Json[][] = []
  let cut: CutCount = { cells: 0 }
  try {
    const found = database.stream<Record<string, string | null>>(
      `select ${selected.join(', ')} from ${table} limit ${limit}`,
      [],
      { batch },
    )
    for await (const row of found) {
      rows.push(kinds.map((kind, index) => cellValue(row[`c${index}`] ?? null, kind, cut)))
      if (rows.length < batch) continue
      yield { rows, cutCells: cut.cells }
      rows = []
      cut = { cells: 0 }
    }
  } catch (error) {
    throw toSqlRefusal(error)
  }
  if (rows.length > 0) yield { rows, cutCells: cut.cells }
}
