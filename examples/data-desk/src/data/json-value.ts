import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
  DuckDBVariantValue,
} from '@duckdb/node-api'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Characters of a text, or bytes of a blob, that a result shows; less for what is nested in lists and structs. */
export function textLimit(depth: number): number {
  return [10_000, 500][depth] ?? 100
}

/** Items of a list or map that a result shows; less for lists in lists. */
export function itemLimit(depth: number): number {
  return [1000, 100, 10][depth] ?? 3
}

/** Counts the cells that were cut while values became JSON. */
export interface CutCount {
  cells: number
}

function cutText(text: string, cut: CutCount, depth: number): string {
  const limit = textLimit(depth)
  if (text.length <= limit) return text
  cut.cells += 1
  return `${text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '')}... [cut]`
}

function bigintToJson(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** A decimal is a number when a double holds all its digits, else its exact text. */
function decimalToJson(decimal: DuckDBDecimalValue): number | string {
  const text = decimal.toString()
  return text.replace(/\D/g, '').replace(/^0+/, '').length <= 15 ? Number(text) : text
}

/** DuckDB writes `2001-01-01 06:55:00`; ISO 8601 has a T between. Years before Christ and infinities stay as they are. */
function isoTimestamp(text: string, zone = ''): string {
  return /^\d{4,}-\d\d-\d\d /.test(text) && !text.includes('(') ? text.replace(' ', 'T') + zone : text
}

/**
 * A DuckDB value as JSON: whole numbers beyond 2^53 and decimals beyond 15 digits are exact strings, dates and
 * timestamps ISO 8601 (with time zone: in UTC, with Z), NaN and infinities null, blobs base64, lists arrays,
 * structs objects (a map arrives as a list of { key, value }); everything else is DuckDB's own text.
 */
export function toJson(value: DuckDBValue, cut: CutCount, depth = 0): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return cutText(value, cut, depth)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'bigint') return bigintToJson(value)
  if (value instanceof DuckDBDecimalValue) return decimalToJson(value)
  if (value instanceof DuckDBDateValue) {
    return value.isFinite ? value.toString() : value.days > 0 ? 'infinity' : '-infinity'
  }
  // The instants of a zoned timestamp are shown in UTC, whatever zone the machine is in.
  if (value instanceof DuckDBTimestampTZValue) {
    return isoTimestamp(new DuckDBTimestampValue(value.micros).toString(), 'Z')
  }
  if (
    value instanceof DuckDBTimestampValue ||
    value instanceof DuckDBTimestampMillisecondsValue ||
    value instanceof DuckDBTimestampSecondsValue ||
    value instanceof DuckDBTimestampNanosecondsValue
  ) {
    return isoTimestamp(value.toString())
  }
  if (value instanceof DuckDBBlobValue) {
    const limit = textLimit(depth)
    if (value.bytes.length <= limit) return Buffer.from(value.bytes).toString('base64')
    cut.cells += 1
    return Buffer.from(value.bytes.subarray(0, limit)).toString('base64')
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    const limit = itemLimit(depth)
    if (value.items.length > limit) cut.cells += 1
    return value.items.slice(0, limit).map((item) => toJson(item, cut, depth + 1))
  }
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(
      Object.entries(value.entries).map(([key, item]) => [key, toJson(item, cut, depth + 1)]),
    )
  }
  if (value instanceof DuckDBUnionValue) return { [value.tag]: toJson(value.value, cut, depth + 1) }
  if (value instanceof DuckDBVariantValue) return toJson(value.value, cut, depth)
  return cutText(value.toString(), cut, depth)
}

/** A value of DuckDB's JSON type arrives as text; what it holds is what the caller wants. */
export function parseJsonText(value: DuckDBValue, cut: CutCount): Json {
  if (typeof value !== 'string' || value.length > textLimit(0)) return toJson(value, cut)
  try {
    return JSON.parse(value) as Json
  } catch {
    return value
  }
}
