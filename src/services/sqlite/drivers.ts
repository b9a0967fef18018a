// Part of the process that runs statements; nothing of it is loaded in the server.
import { pathToFileURL } from 'node:url'
import { type DriverName, noDriver, type Setup } from './reader-messages.js'
import { SqliteError } from './sqlite-error.js'
import type { Cell, Statement } from './statement.js'
import { calledOf } from './tokens.js'

/** The rows of one statement that runs. */
export interface Running {
  readonly columns: readonly string[]
  next(): readonly unknown[] | undefined
  /** Ends it before its last row, so that no lock of it stays. */
  stop(): void
}

export interface Connection {
  readonly driver: DriverName
  run(statement: Statement): Running
  close(): void
}

interface Prepared {
  readonly reader: boolean
  raw(on: boolean): Prepared
  columns(): readonly { readonly name: string }[]
  run(...values: unknown[]): unknown
  iterate(...values: unknown[]): Iterator<readonly unknown[]>
}

/** What better-sqlite3 and libsql have in common. */
interface Database {
  defaultSafeIntegers(on: boolean): void
  prepare(text: string): Prepared
  close(): void
  interrupt?(): void
}

type DatabaseClass = new (file: string, options: Record<string, unknown>) => Database

interface NodePrepared {
  setReadBigInts(on: boolean): void
  setReturnArrays?(on: boolean): void
  columns?(): readonly { readonly name: string }[]
  iterate(...values: unknown[]): Iterator<readonly unknown[] | Readonly<Record<string, unknown>>>
}

interface NodeDatabase {
  prepare(text: string): NodePrepared
  close(): void
}

/** Opens the file with the first driver that is installed. @throws SqliteError when none is, or when it cannot be opened. */
export async function connect(setup: Setup): Promise<Connection> {
  for (const name of setup.drivers) {
    const open = await openers[name]().catch(() => undefined)
    if (open !== undefined) return prepareFor(setup, open(setup))
  }
  throw new SqliteError(`None of ${setup.drivers.join(', ')} can be loaded.`, noDriver)
}

/** What holds for every connection, whatever the driver. */
function prepareFor(setup: Setup, connection: Connection): Connection {
  const set = (pragma: string): void => {
    const running = connection.run({ text: `PRAGMA ${pragma}`, values: [], command: 'PRAGMA' })
    while (running.next() !== undefined);
  }
  set(`busy_timeout = ${setup.busyMs}`)
  set(`hard_heap_limit = ${setup.heapBytes}`)
  // What a view or trigger of the file calls may only be what is known to be harmless.
  set('trusted_schema = off')
  set('cell_size_check = on')
  if (setup.writes) {
    set('foreign_keys = on')
    // Readers are not stopped by who writes, nor the other way round.
    set('journal_mode = wal')
    set('synchronous = normal')
  } else {
    set('query_only = on')
  }
  // The header is read now, so that a file that is none is found when the server starts.
  set('schema_version')
  return guarded(connection)
}

/** Tables that show files, or the pages of this one, which a driver may have and SQLite's own build has not. */
const tables = ['completion', 'csv', 'fsdir', 'sqlite_dbpage', 'zipfile']
/** SQLITE_DIRECTONLY: the function's author says that it does more than compute. */
const directOnly = 0x80000

/**
 * Refuses what a driver brings along beside SQLite: libsql has `readfile`, `writefile` and `fsdir`, which every statement could
 * call. From views and triggers SQLite refuses them by itself (`trusted_schema`).
 */
function guarded(connection: Connection): Connection {
  const names = new Set(tables)
  const text = `SELECT DISTINCT name FROM pragma_function_list WHERE flags & ${directOnly} OR name LIKE 'sqlite3mc%'`
  const functions = connection.run({ text, values: [], command: 'SELECT' })
  for (let row = functions.next(); row !== undefined; row = functions.next())
    names.add(String(row[0]).toLowerCase())
  return {
    ...connection,
    run(statement) {
      const name = calledOf(statement.text, names)
      if (name === undefined) return connection.run(statement)
      throw new SqliteError(`${name} is not allowed here.`, 'SQLITE_AUTH')
    },
  }
}

const openers: Record<DriverName, () => Promise<(setup: Setup) => Connection>> = {
  async node() {
    const { DatabaseSync } = (await import('node:sqlite' as string)) as {
      DatabaseSync: new (file: string, options: Record<string, unknown>) => NodeDatabase
    }
    return ({ file, writes }) => nodeConnection(new DatabaseSync(file, { readOnly: !writes }))
  },
  async 'better-sqlite3'() {
    const { default: Better } = (await import('better-sqlite3' as string)) as { default: DatabaseClass }
    // Its native part is loaded with the first database, and is missing where nothing could be compiled.
    new Better(':memory:', {}).close()
    return ({ file, writes }) =>
      connection('better-sqlite3', new Better(file, { readonly: !writes, fileMustExist: !writes }))
  },
  async libsql() {
    const { default: Libsql } = (await import('libsql' as string)) as { default: DatabaseClass }
    return ({ file, writes }) =>
      // It has no option for it; SQLite has, in the name.
      connection('libsql', new Libsql(writes ? file : `${pathToFileURL(file).href}?mode=ro`, {}))
  },
}

function connection(driver: DriverName, database: Database): Connection {
  database.defaultSafeIntegers(true)
  return {
    driver,
    close: () => database.close(),
    run({ text, values }) {
      const prepared = database.prepare(text)
      if (!prepared.reader) {
        prepared.run(values)
        return nothing
      }
      const columns = prepared.columns().map(({ name }) => name)
      const rows = prepared.raw(true).iterate(values)
      return {
        columns,
        next: () => nextOf(rows),
        stop() {
          if (rows.return !== undefined) rows.return()
          else interrupt(database, rows)
        },
      }
    },
  }
}

/** libsql cannot end a statement before its last row, but an interrupted one ends itself when it is asked for a row. */
function interrupt(database: Database, rows: Iterator<unknown>): void {
  database.interrupt?.()
  try {
    while (rows.next().done !== true);
  } catch {
    // It was interrupted, as it should be.
  }
}

function nodeConnection(database: NodeDatabase): Connection {
  return {
    driver: 'node',
    close: () => database.close(),
    run({ text, values }) {
      const prepared = database.prepare(text)
      prepared.setReadBigInts(true)
      prepared.setReturnArrays?.(true)
      const rows = Array.isArray(values) ? prepared.iterate(...values) : prepared.iterate(values)
      let first = rows.next()
      // Before Node 24 rows are objects, which have each name once, whatever `columns` of 22.16 says.
      const sample = first.done === true ? {} : first.value
      const named = prepared.setReturnArrays === undefined ? undefined : prepared.columns?.()
      const columns = named?.map(({ name }) => name) ?? Object.keys(sample)
      return {
        columns,
        next() {
          const { done, value } = first
          if (done === true) return undefined
          first = rows.next()
          return Array.isArray(value) ? value : Object.values(value)
        },
        stop: () => void rows.return?.(),
      }
    },
  }
}

const nothing: Running = { columns: [], next: () => undefined, stop: () => undefined }

function nextOf(rows: Iterator<readonly unknown[]>): readonly unknown[] | undefined {
  const { done, value } = rows.next()
  return done === true ? undefined : value
}

/** Drivers differ in how they give integers and blobs. */
export function cellOf(value: unknown): Cell {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  return value as Cell
}
