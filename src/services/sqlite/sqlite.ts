import { Pool } from '../../concurrency/pool/pool.js'
import type { Service, ServiceHost } from '../../contracts/service.js'
import { StartError } from '../../errors/start-error.js'
import { defineService } from '../define-service.js'
import { endsMs } from '../pool.js'
import { Reader } from './reader.js'
import { noDriver } from './reader-messages.js'
import { SqliteError } from './sqlite-error.js'
import { readSqliteOptions, type SqliteOptions, type SqliteSettings } from './sqlite-options.js'
import { type Sqlite, type SqlitePools, sqliteFor, type WritableSqlite } from './sqlite-view.js'

/** How long a process may take until it has opened the file. */
const createTimeoutMs = 10_000
/** How long calls may keep what they have when the server stops. */
const stopMs = 5000

/**
 * A SQLite database file for handlers, read by processes of their own: no statement keeps the server's thread busy, and one whose
 * call has ended is ended with it, at the latest by the end of its process, which is replaced.
 *
 * Needs `node:sqlite` (Node 22.13 or newer), or one of the packages better-sqlite3 and libsql (optional peers).
 *
 * @throws DefinitionError for an option that cannot work; at the server's start StartError, when the file cannot be opened
 */
export function sqlite(
  options: SqliteOptions & { readonly readOnly: false },
): Service<SqlitePools, WritableSqlite>
export function sqlite(options: SqliteOptions): Service<SqlitePools, Sqlite>
export function sqlite(options: SqliteOptions): Service<SqlitePools, Sqlite> {
  const settings = readSqliteOptions(options)
  return defineService<SqlitePools, Readonly<Record<never, never>>, Sqlite>({
    ...(options.name !== undefined && { name: settings.name }),
    stopTimeout: stopMs + endsMs,
    start: (_needs, host) => start({ ...settings, name: host.name }, host),
    stop: async ({ readers, writer }) => {
      await Promise.all([readers.close(stopMs), writer?.close(stopMs)])
    },
    degraded: ({ readers, writer }) => readers.degraded() ?? writer?.degraded(),
    forCall: sqliteFor,
  })
}

async function start(settings: SqliteSettings, host: ServiceHost): Promise<SqlitePools> {
  const open: Pool<Reader>[] = []
  try {
    // The one that writes comes first: it makes the file, and turns on what readers need.
    const writer = settings.writes ? await poolOf(settings, true, host, open) : undefined
    const readers = await poolOf(settings, false, host, open)
    for (const bounded of open.flatMap((pool) => pool.bounded)) host.stats.add(bounded)
    return { settings, readers, writer }
  } catch (error) {
    await Promise.all(open.map((pool) => pool.close(0)))
    throw startError(settings, error)
  }
}

/** A pool with its first process in it, so that what is wrong with the file is known before the first call. */
async function poolOf(
  settings: SqliteSettings,
  writes: boolean,
  host: ServiceHost,
  open: Pool<Reader>[],
): Promise<Pool<Reader>> {
  const { file, drivers, busyMs, heapBytes } = settings
  const name = writes ? `${settings.name} (writer)` : settings.name
  const make = (signal: AbortSignal): Promise<Reader> =>
    Reader.start({ file, drivers, writes, busyMs, heapBytes }, signal, (reader) => pool.discard(reader))
  let first: Reader | undefined
  const pool: Pool<Reader> = new Pool<Reader>({
    name,
    clock: host.clock,
    logger: host.logger,
    max: writes ? 1 : settings.readers,
    min: 1,
    maxWaiting: settings.maxWaiting,
    acquireTimeoutMs: settings.acquireTimeoutMs,
    createTimeoutMs,
    idleMs: settings.idleMs,
    create(signal) {
      const made = first
      first = undefined
      return made ?? make(signal)
    },
    destroy: (reader) => reader.end(),
  })
  open.push(pool)
  first = await make(host.signal)
  try {
    await pool.open(host.signal)
  } catch (error) {
    // The pool has not come to take it.
    await first?.kill()
    throw error
  }
  return pool
}

function startError({ name, file, drivers }: SqliteSettings, cause: unknown): StartError {
  if (cause instanceof SqliteError && cause.code === noDriver) {
    return new StartError(
      drivers.length > 1
        ? `The service "${name}" needs node:sqlite, which Node has from 22.13 on, or a package: install one with \`npm install libsql\`.`
        : `The service "${name}" needs ${drivers[0] === 'node' ? 'node:sqlite, which Node has from 22.13 on' : `the package ${drivers[0]}: install it with \`npm install ${drivers[0]}\``}.`,
      { cause },
    )
  }
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StartError(`The service "${name}" cannot open the database ${file}: ${why}`, { cause })
}
