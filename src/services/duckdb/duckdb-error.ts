/**
 * What DuckDB, or the guard in front of it, has against a statement. Its text can name files of the server: it is for the author, and
 * a handler that lets it pass answers with a correlation id only.
 */
export class DuckdbError extends Error {
  override readonly name = 'DuckdbError'
}
