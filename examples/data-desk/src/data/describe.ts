import type { Json } from './json-value.js'
import type { QueryResult } from './run-query.js'
import { quoteIdentifier } from './table-names.js'

export interface ColumnInfo {
  readonly name: string
  /** DuckDB's type, such as BIGINT, VARCHAR or TIMESTAMP. */
  readonly type: string
}

export interface ColumnSummary extends ColumnInfo {
  /** Share of rows without a value, 0 to 1. */
  readonly nullShare: number
  /** Left out for nested and JSON columns, which have no order worth showing. */
  readonly min?: Json
  readonly max?: Json
  /** Different values. Exact up to 100,000 rows, estimated (HyperLogLog) beyond. */
  readonly approxDistinct: number
}

/** Counting different values exactly is cheap up to here; the estimate is poor on small tables. */
const exactRows = 100_000

export function isNested(type: string): boolean {
  return type === 'JSON' || type === 'BLOB' || /[[(]/.test(type.replace(/^DECIMAL\(.*\)$/, ''))
}

/** One aggregate query over all columns; the columns of its only row are read back by {@link readSummary}. */
export function summarySql(dataset: string, rows: number, columns: readonly ColumnInfo[]): string {
  const distinct = (column: string): string =>
    rows > exactRows ? `approx_count_distinct(${column})` : `count(DISTINCT ${column})`
  const parts = columns.flatMap(({ name, type }) => {
    const column = quoteIdentifier(name)
    // Extremes of long text are shown shortened; 200 characters tell them apart.
    const extreme = (fn: string): string =>
      isNested(type) ? 'NULL' : type === 'VARCHAR' ? `left(${fn}(${column}), 200)` : `${fn}(${column})`
    return [`count(${column})`, extreme('min'), extreme('max'), distinct(column)]
  })
  return `SELECT ${['count(*)', ...parts].join(', ')} FROM ${quoteIdentifier(dataset)}`
}

export function readSummary(columns: readonly ColumnInfo[], result: QueryResult): ColumnSummary[] {
  const values: Json[] = Object.values(result.rows[0] ?? {})
  const rows = Number(values[0] ?? 0)
  return columns.map(({ name, type }, index) => {
    const at = 1 + index * 4
    const present = Number(values[at] ?? 0)
    const summary = {
      name,
      type,
      nullShare: rows === 0 ? 0 : Math.round((1 - present / rows) * 10_000) / 10_000,
      approxDistinct: Math.min(Number(values[at + 3] ?? 0), present),
    }
    return isNested(type) ? summary : { ...summary, min: values[at + 1] ?? null, max: values[at + 2] ?? null }
  })
}
