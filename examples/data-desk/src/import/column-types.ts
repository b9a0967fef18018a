import { quoteIdentifier } from '../data/table-names.js'

/** What a cell can be, as bits, so that one aggregate tells what a whole column holds. */
const cell = { logical: 1, whole: 2, longWhole: 4, decimal: 8, day: 16, moment: 32, instant: 64, text: 128 }

/**
 * The bit of one cell; nothing for an empty one. A number that begins with a zero or a plus is a code or a
 * telephone number, and would lose a part of itself as a number.
 */
function cellSql(column: string): string {
  const fits = (pattern: string, type: string): string =>
    `regexp_full_match(${column}, '\\s*${pattern}\\s*') AND TRY_CAST(${column} AS ${type}) IS NOT NULL`
  const day = String.raw`\d{4}-\d\d-\d\d`
  const moment = String.raw`${day}[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?`
  return `CASE
    WHEN ${column} IS NULL OR trim(${column}) = '' THEN NULL
    WHEN lower(trim(${column})) IN ('true', 'false') THEN ${cell.logical}
    WHEN ${fits(String.raw`-?(0|[1-9]\d{0,14})`, 'BIGINT')} THEN ${cell.whole}
    WHEN ${fits(String.raw`-?[1-9]\d*`, 'BIGINT')} THEN ${cell.longWhole}
    WHEN ${fits(String.raw`-?(0|[1-9]\d{0,14})?(\.\d*)?([eE][+-]?\d+)?`, 'DOUBLE')} AND isfinite(TRY_CAST(${column} AS DOUBLE)) THEN ${cell.decimal}
    WHEN ${fits(day, 'DATE')} THEN ${cell.day}
    WHEN ${fits(moment, 'TIMESTAMP')} THEN ${cell.moment}
    WHEN ${fits(`${moment}(Z|[+-]\\d\\d(:?\\d\\d)?)`, 'TIMESTAMPTZ')} THEN ${cell.instant}
    ELSE ${cell.text} END`
}

/** One query over a table of text columns; each column of its only row is read by {@link columnType}. */
export function cellKindsSql(table: string, columns: readonly string[]): string {
  const kinds = columns.map((column) => `bit_or(${cellSql(quoteIdentifier(column))})`)
  return `SELECT ${kinds.join(', ')} FROM ${quoteIdentifier(table)}`
}

/** The narrowest type that holds every cell of a column as it is written. */
export function columnType(kinds: number): string {
  const only = (allowed: number): boolean => kinds !== 0 && (kinds & ~allowed) === 0
  if (only(cell.logical)) return 'BOOLEAN'
  if (only(cell.whole | cell.longWhole)) return 'BIGINT'
  // A double keeps 15 digits of a whole number, so long ones beside decimals stay text.
  if (only(cell.whole | cell.decimal)) return 'DOUBLE'
  if (only(cell.day)) return 'DATE'
  if (only(cell.day | cell.moment)) return 'TIMESTAMP'
  if (only(cell.instant)) return 'TIMESTAMP WITH TIME ZONE'
  return 'VARCHAR'
}
