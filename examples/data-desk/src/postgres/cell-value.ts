import { type CutCount, itemLimit, type Json, textLimit } from '../data/json-value.js'
import { type ColumnKind, jsonLimit } from './column-kinds.js'

function cutText(text: string, cut: CutCount, depth: number): string {
  const limit = textLimit(depth)
  if (text.length <= limit) return text
  cut.cells += 1
  return `${text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '')}... [cut]`
}

/** A number when a double holds all its digits, else its text; PostgreSQL's NaN and infinities are null. */
function exactNumber(text: string): Json {
  const number = Number(text)
  if (!Number.isFinite(number)) return null
  return text.replace(/\D/g, '').replace(/^0+/, '').length <= 15 ? number : text
}

/** PostgreSQL writes `2001-01-01 06:55:00+00`; ISO 8601 has a T between. Years before Christ and infinities stay as they are. */
function isoTimestamp(text: string): string {
  return /^\d{4,}-\d\d-\d\d [\d:.]+(\+00)?$/.test(text) ? text.replace(' ', 'T').replace('+00', 'Z') : text
}

/** The text of one value of this type as JSON. */
function plainValue(text: string, type: string, cut: CutCount, depth: number): Json {
  switch (type) {
    case 'boolean':
      return text === 'true' || text === 't'
    case 'smallint':
    case 'integer':
    case 'oid':
      return Number(text)
    case 'bigint':
      return Number.isSafeInteger(Number(text)) ? Number(text) : text
    case 'real':
    case 'double precision':
      return Number.isFinite(Number(text)) ? Number(text) : null
    case 'timestamp without time zone':
    case 'timestamp with time zone':
      return isoTimestamp(text)
    case 'json':
    case 'jsonb':
      return boundedJson(parsed(text), cut, depth)
  }
  // A numeric may have as many digits as a text.
  if (type === 'numeric')
    return text.length > textLimit(depth) ? cutText(text, cut, depth) : exactNumber(text)
  return cutText(text, cut, depth)
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

function boundedJson(value: Json, cut: CutCount, depth: number): Json {
  if (typeof value === 'string') return cutText(value, cut, depth)
  if (Array.isArray(value)) {
    const limit = itemLimit(depth)
    if (value.length > limit) cut.cells += 1
    return value.slice(0, limit).map((item) => boundedJson(item, cut, depth + 1))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, boundedJson(item, cut, depth + 1)]),
  )
}

function items(value: Json, type: string, cut: CutCount, depth: number): Json {
  if (typeof value === 'string') return plainValue(value, type, cut, depth)
  if (!Array.isArray(value)) return value
  const limit = itemLimit(depth)
  if (value.length > limit) cut.cells += 1
  return value.slice(0, limit).map((item) => items(item, type, cut, depth + 1))
}

/**
 * What `boundedText` made of a value, as JSON: whole numbers beyond 2^53 and numerics beyond 15 digits are exact texts, dates
 * and timestamps ISO 8601 (with time zone: in UTC, with Z), NaN and infinities null, bytea base64, arrays arrays, composite
 * values objects; everything else is PostgreSQL's own text.
 */
export function cellValue(text: string | null, { type, shape, item }: ColumnKind, cut: CutCount): Json {
  if (text === null) return null
  if (shape === 'bytes') {
    const bytes = Buffer.from(text, 'base64')
    const limit = textLimit(0)
    if (bytes.length > limit) cut.cells += 1
    return bytes.subarray(0, limit).toString('base64')
  }
  if (shape !== 'json' && shape !== 'array') return plainValue(text, type, cut, 0)
  // What was cut in the database is no JSON any more.
  if (text.length > jsonLimit) return cutText(text, cut, 0)
  const value = parsed(text)
  return shape === 'array' ? items(value, item ?? 'text', cut, 0) : boundedJson(value, cut, 0)
}
