import { shown } from '../../errors/shown.js'
import { checkPostgres } from './check-postgres.js'
import { checkSqlite } from './check-sqlite.js'
import { parseFunctionNames } from './function-names.js'
import { textProblem } from './statement-limits.js'

/** How a statement is read. */
export interface ReadOnlyOptions {
  /** Whose SQL it is: that of PostgreSQL 18 or of SQLite 3.53; older servers understand less of the same. */
  readonly dialect: 'postgres' | 'sqlite'
  /**
   * Functions of yours that statements may call, beside the built-in ones that only read. Written as in SQL:
   * `distance` allows the call `distance(…)`, `app.distance` allows `app.distance(…)`, and `"Distance"` keeps its
   * case. For PostgreSQL an operator or a sampling method can be named in the same way (`app.<=>`). Default: none.
   */
  readonly functions?: readonly string[]
}

/** What `checkReadOnly` says of a statement. `reason` is one sentence that may be shown to who wrote it. */
export type ReadOnlyVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const checks = { postgres: checkPostgres, sqlite: checkSqlite }

/**
 * Whether `sql` is exactly one statement that only reads: SELECT, VALUES, TABLE or WITH, EXPLAIN of these, and for
 * PostgreSQL SHOW. A parser of the dialect decides, never a pattern; whatever is not known to be harmless is refused:
 * every function that is not on the list of built-in ones that only read, every clause that writes, locks or sets
 * something, more than 65,536 bytes, a NUL character, what cannot be parsed.
 *
 * This is one layer of three. A function of the database's owner that a view, an operator or a type calls is out of
 * its sight, so give the statement to a role that can only read, in a read-only transaction with a time and a row
 * limit.
 *
 * The parser is an optional peer, loaded at the first check: `libpg-query` or `sqlite3-parser`.
 *
 * @throws TypeError for options that are wrong. Never for a statement that is.
 * @throws Error when the parser is not installed.
 */
export async function checkReadOnly(sql: string, options: ReadOnlyOptions): Promise<ReadOnlyVerdict> {
  const { check, functions } = readOptions(options)
  const problem = textProblem(sql)
  const reason = problem ?? (await check(sql, functions))
  return reason === undefined ? { ok: true } : { ok: false, reason }
}

function readOptions(options: unknown): {
  check: (typeof checks)[keyof typeof checks]
  functions: ReadonlySet<string>
} {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `The options of checkReadOnly must be an object such as { dialect: 'postgres' }, got ${shown(options)}.`,
    )
  }
  const { dialect, functions = [], ...unknown } = options as Record<string, unknown>
  const [stray] = Object.keys(unknown)
  if (stray !== undefined) {
    throw new TypeError(
      `checkReadOnly has no option ${shown(stray)}; the options are "dialect" and "functions".`,
    )
  }
  if (dialect !== 'postgres' && dialect !== 'sqlite') {
    throw new TypeError(
      `The option "dialect" of checkReadOnly must be "postgres" or "sqlite", got ${shown(dialect)}.`,
    )
  }
  return { check: checks[dialect], functions: parseFunctionNames(functions, dialect) }
}
