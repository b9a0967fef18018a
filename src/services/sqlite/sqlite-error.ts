/**
 * What SQLite, or the guard in front of it, has against a statement. It is for the author: a handler that lets it pass answers
 * with a correlation id only.
 */
export class SqliteError extends Error {
  override readonly name = 'SqliteError'
  /** As SQLite names it where the driver says so: `SQLITE_BUSY`, `SQLITE_CONSTRAINT_UNIQUE`, `SQLITE_AUTH`… */
  readonly code: string

  constructor(message: string, code = 'SQLITE_ERROR') {
    super(message)
    this.code = code
  }
}
