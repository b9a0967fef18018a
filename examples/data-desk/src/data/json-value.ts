import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
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

/** Text longer than this many characters is cut in results, and marked. */
export const maxCellCharacters = 10_000

/** Counts the cells that were cut while values became JSON. */
export interface CutCount {
  cells: number
}

function cutText(text: string, cut: CutCount): string {
  if (text.length <= maxCellCharacters) return text
  cut.cells += 1
  return `${text.slice(0, maxCellCharacters).replace(/[\uD800-\uDBFF]$/, '')}... [cut, ${text.length} characters in all]`
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
 * structs objects, maps arrays of { key, value }; everything else is DuckDB's own text.
 */
export function toJson(value: DuckDBValue, cut: CutCount): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return cutText(value, cut)
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
    // Three bytes become four characters; a cut on a multiple of three leaves decodable base64.
    const most = Math.floor(maxCellCharacters / 4) * 3
    if (value.bytes.length <= most) return Buffer.from(value.bytes).toString('base64')
    cut.cells += 1
    return Buffer.from(value.bytes.subarray(0, most)).toString('base64')
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    const most = maxCellCharacters / 10
    if (value.items.length > most) cut.cells += 1
    return value.items.slice(0, most).map((item) => toJson(item, cut))
  }
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([key, item]) => [key, toJson(item, cut)]))
  }
  if (value instanceof DuckDBMapValue) {
    return value.entries
      .slice(0, maxCellCharacters / 10)
      .map((entry) => ({ key: toJson(entry.key, cut), value: toJson(entry.value, cut) }))
  }
  if (value instanceof DuckDBUnionValue) return { [value.tag]: toJson(value.value, cut) }
  if (value instanceof DuckDBVariantValue) return toJson(value.value, cut)
  return cutText(value.toString(), cut)
}

/** A value of DuckDB's JSON type arrives as text; what it holds is what the caller wants. */
export function parseJsonText(value: DuckDBValue, cut: CutCount): Json {
  if (typeof value !== 'string' || value.length > maxCellCharacters) return toJson(value, cut)
  try {
    return JSON.parse(value) as Json
  } catch {
    return value
  }
}
