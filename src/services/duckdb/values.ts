import type * as Api from '@duckdb/node-api'

/** What may be bound: a date becomes a TIMESTAMP in UTC. */
export type DuckdbInput = null | boolean | number | bigint | string | Uint8Array | Date

/** For `?` and `$1`, in their order; or for `$name`, by name. */
export type DuckdbValues = readonly DuckdbInput[] | Readonly<Record<string, DuckdbInput>>

/** What comes back. Beside a bigint, a Uint8Array and what is no finite number, all of it is JSON. */
export type DuckdbCell =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | DuckdbCell[]
  | { [name: string]: DuckdbCell }

/** @throws TypeError for values that cannot be bound. */
export function bindable(
  api: typeof Api,
  values: DuckdbValues,
): Api.DuckDBValue[] | Record<string, Api.DuckDBValue> {
  const bound = (value: unknown, what: string): Api.DuckDBValue => {
    if (value === null || ['boolean', 'number', 'bigint', 'string'].includes(typeof value)) {
      return value as Api.DuckDBValue
    }
    if (value instanceof Uint8Array) return new api.DuckDBBlobValue(value)
    if (value instanceof Date && !Number.isNaN(value.getTime())) {
      return new api.DuckDBTimestampValue(BigInt(value.getTime()) * 1000n)
    }
    throw new TypeError(
      `${what} cannot be bound: expected null, a boolean, a number, a bigint, text, a date or a Uint8Array, received ${value === undefined ? 'undefined; use null for no value' : typeof value}.`,
    )
  }
  if (Array.isArray(values)) return values.map((value, index) => bound(value, `Value ${index + 1}`))
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, bound(value, `The value "${name}"`)]),
  )
}

/**
 * A value of DuckDB as a handler sees it: whole numbers are numbers, and bigints beyond 2^53; a decimal is a number if that holds all
 * its digits, else its text; dates and timestamps are ISO 8601, with Z where they have a zone; a BLOB is a Uint8Array, lists are
 * arrays, structs objects, a map a list of { key, value }, a union its value. Everything else is DuckDB's own text.
 */
export function cellReader(api: typeof Api): (value: Api.DuckDBValue) => DuckdbCell {
  const read = (value: Api.DuckDBValue): DuckdbCell => {
    if (value === null || typeof value !== 'object') {
      return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
    }
    if (value instanceof api.DuckDBDecimalValue) return decimal(value.toString())
    if (value instanceof api.DuckDBTimestampTZValue) {
      return isoOf(new api.DuckDBTimestampValue(value.micros).toString(), 'Z')
    }
    if (
      value instanceof api.DuckDBTimestampValue ||
      value instanceof api.DuckDBTimestampMillisecondsValue ||
      value instanceof api.DuckDBTimestampSecondsValue ||
      value instanceof api.DuckDBTimestampNanosecondsValue
    ) {
      return isoOf(value.toString(), '')
    }
    if (value instanceof api.DuckDBBlobValue) return new Uint8Array(value.bytes)
    if (value instanceof api.DuckDBListValue || value instanceof api.DuckDBArrayValue)
      return value.items.map(read)
    if (value instanceof api.DuckDBStructValue) return objectOf(Object.entries(value.entries), read)
    if (value instanceof api.DuckDBMapValue) {
      return value.entries.map(({ key, value: held }) => ({ key: read(key), value: read(held) }))
    }
    if (value instanceof api.DuckDBUnionValue || value instanceof api.DuckDBVariantValue)
      return read(value.value)
    return String(value)
  }
  return read
}

/** A field may be called __proto__, which `fromEntries` makes a field like any other. */
function objectOf(
  entries: [string, Api.DuckDBValue][],
  read: (value: Api.DuckDBValue) => DuckdbCell,
): { [name: string]: DuckdbCell } {
  return Object.fromEntries(entries.map(([name, value]) => [name, read(value)]))
}

function decimal(text: string): number | string {
  return text.replace(/\D/g, '').replace(/^0+/, '').length <= 15 ? Number(text) : text
}

/** DuckDB writes `2001-01-01 06:55:00`. Years before Christ and infinities stay as they are. */
function isoOf(text: string, zone: string): string {
  return /^\d{4,}-\d\d-\d\d /.test(text) && !text.includes('(') ? text.replace(' ', 'T') + zone : text
}
