export type { SqliteRow } from './cursor.js'
export type { DriverName } from './reader-messages.js'
export { sqlite } from './sqlite.js'
export { SqliteError } from './sqlite-error.js'
export type { SqliteOptions } from './sqlite-options.js'
export type {
  Sqlite,
  SqliteChanges,
  SqlitePools,
  SqliteTransaction,
  WritableSqlite,
} from './sqlite-view.js'
export type { Cell, SqliteInput, SqliteValues } from './statement.js'
