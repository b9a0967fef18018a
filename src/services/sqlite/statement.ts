import type { SqlQuery } from '../../security/sql-guard/sql-tag.js'
import { SqliteError } from './sqlite-error.js'
import { tokensOf } from './tokens.js'

/** What SQLite can hold, as it is sent to a reader and comes back from it. */
export type Cell = null | number | bigint | string | Uint8Array

/** What may be bound: a boolean becomes 0 or 1, a date its ISO 8601 text in UTC, a whole number an INTEGER. */
export type SqliteInput = Cell | boolean | Date

/** For `?`, in their order; or for `:name`, `@name` and `$name`, by the names without their first character. */
export type SqliteValues = readonly SqliteInput[] | Readonly<Record<string, SqliteInput>>

/** A statement that was looked at, with its values as they are sent. */
export interface Statement {
  readonly text: string
  readonly values: readonly Cell[] | Readonly<Record<string, Cell>>
  /** The first word, in capitals. */
  readonly command: string
}

const reads: ReadonlySet<string> = new Set(['SELECT', 'VALUES', 'WITH', 'EXPLAIN'])
const writes: ReadonlySet<string> = new Set([
  ...['INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'WITH', 'SELECT', 'VALUES', 'EXPLAIN'],
  ...['CREATE', 'DROP', 'ALTER', 'REINDEX', 'ANALYZE'],
])

interface Parts {
  /** The first words, in capitals. */
  readonly words: readonly string[]
  /** Whether something follows a semicolon. */
  readonly isMany: boolean
  /** How many values plain `?` take; undefined where others are used too. */
  readonly marks: number | undefined
}

/**
 * Makes a statement ready to be sent.
 * @param bytes the most that text and values may have together
 * @throws SqliteError `SQLITE_AUTH` for more than one statement, and for one that is none of those that `kind` allows: never
 * ATTACH, DETACH, PRAGMA, VACUUM or one of transactions. TypeError for values that SQLite does not have.
 */
export function statementOf(
  given: string | SqlQuery,
  values: SqliteValues | undefined,
  kind: 'read' | 'write',
  bytes: number,
): Statement {
  const isTagged = typeof given === 'object' && given !== null && Array.isArray(given.values)
  const text = isTagged ? given.sqlite : given
  if (typeof text !== 'string') {
    throw new TypeError('A statement must be text or what the tag sql of holdfast/security makes.')
  }
  if (isTagged && values !== undefined) {
    throw new TypeError('A statement made by the tag sql has its values with it; give no others.')
  }
  if (text.includes('\0'))
    throw new SqliteError('A statement cannot contain the character NUL.', 'SQLITE_AUTH')
  // Before it is taken apart, which costs the server's thread in proportion.
  if (text.length > bytes) throw tooLarge(text.length, bytes)
  const { words, isMany, marks } = partsOf(text)
  const command = words[0] ?? ''
  const allowed = kind === 'read' ? reads : writes
  if (!allowed.has(command)) {
    throw new SqliteError(
      `${command === '' ? 'A text without a statement' : `The statement ${command.slice(0, 20)}`} is not allowed here; use one of ${[...allowed].join(', ')}.`,
      'SQLITE_AUTH',
    )
  }
  // The body of a trigger is written with semicolons.
  const isTrigger = command === 'CREATE' && words.slice(1, 3).includes('TRIGGER')
  if (isMany && !isTrigger) {
    throw new SqliteError('Only one statement may be run at once; send each by itself.', 'SQLITE_AUTH')
  }
  const bound = bindable(isTagged ? (given.values as readonly SqliteInput[]) : (values ?? []))
  if (Array.isArray(bound) && marks !== undefined && marks !== bound.length) {
    throw new TypeError(`The statement takes ${marks} values, received ${bound.length}.`)
  }
  const size = text.length + Object.values(bound).reduce<number>((sum, cell) => sum + bytesOf(cell), 0)
  if (size > bytes) throw tooLarge(size, bytes)
  return { text, values: bound, command }
}

function tooLarge(size: number, most: number): TypeError {
  return new TypeError(`A statement may have ${most} bytes with its values, received ${size}.`)
}

function partsOf(text: string): Parts {
  const words: string[] = []
  let ended = false
  let isMany = false
  let marks: number | undefined = 0
  for (const part of tokensOf(text)) {
    if (part === ';') {
      ended = words.length > 0
      continue
    }
    if (ended) isMany = true
    if (words.length < 4) words.push(part.toUpperCase())
    if (part === '?') marks = marks === undefined ? undefined : marks + 1
    else if (/^[?:@$]/.test(part)) marks = undefined
  }
  return { words, isMany, marks }
}

function bindable(values: SqliteValues): Statement['values'] {
  if (Array.isArray(values)) return values.map((value, index) => cellOf(value, `Value ${index + 1}`))
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, cellOf(value, `The value "${name}"`)]),
  )
}

function cellOf(value: unknown, what: string): Cell {
  if (value === null) return value
  if (typeof value === 'string') {
    if (!value.includes('\0')) return value
    // SQLite's own functions, and one of the drivers, end a text there without a word.
    throw new TypeError(
      `${what} has the character NUL, at which SQLite ends a text; bind it as a Uint8Array.`,
    )
  }
  if (typeof value === 'boolean') return value ? 1n : 0n
  // Drivers bind every number as REAL, and 3 / 2 would depend on where the 3 came from.
  if (typeof value === 'number' && !Number.isNaN(value))
    return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
  if (value instanceof Uint8Array) return value
  throw new TypeError(
    `${what} cannot be bound: expected null, a number, a bigint of 64 bits, text, a boolean, a date or a Uint8Array, received ${value === undefined ? 'undefined; use null for no value' : typeof value}.`,
  )
}

/** About what one cell takes in memory. */
export function bytesOf(cell: Cell): number {
  if (typeof cell === 'string') return cell.length * 2
  return cell instanceof Uint8Array ? cell.byteLength : 8
}
