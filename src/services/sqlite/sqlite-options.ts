import { resolve } from 'node:path'
import { type Duration, toMs } from '../../engine/duration.js'
import { DefinitionError } from '../../errors/definition-error.js'
import { shown } from '../../errors/shown.js'
import type { DriverName } from './reader-messages.js'

export interface SqliteOptions {
  /** The path of the database, from the working directory; `:memory:` cannot be shared by processes and is refused. */
  readonly file: string
  /** For messages, logs and `server.stats()`. Default: `sqlite`. */
  readonly name?: string
  /** Default: true. With false there is one more process, which writes, and `execute` and `transaction`. */
  readonly readOnly?: boolean
  /** Processes that read, and so statements at once; started when needed. Default: 2. */
  readonly readers?: number
  /** Callers that may wait for one. Default: 20 for each reader. */
  readonly maxWaiting?: number
  /** The longest wait for one; the call's deadline may come before. Default: 5 s. */
  readonly acquireTimeout?: Duration
  /** Readers beyond the first that nobody needed for so long are ended. Default: 30 s. */
  readonly idle?: Duration
  /** How long SQLite waits for a lock of others. Default: 5 s. */
  readonly busyTimeout?: Duration
  /** Rows that `query` returns; more are refused. Default: 10,000. */
  readonly maxRows?: number
  /** About how much `query` returns, a row of a stream may have, and a statement with its values; bytes. Default: 8 MiB. */
  readonly maxBytes?: number
  /** What SQLite may allocate in each process, where the driver counts it (libsql does); bytes. Default: 256 MiB. */
  readonly memoryLimit?: number
  /**
   * What runs the statements: `node` (`node:sqlite`, from Node 22.13), `better-sqlite3` or `libsql`, which are installed beside.
   * Default: the first of them that is there.
   */
  readonly driver?: DriverName
}

export interface SqliteSettings {
  readonly name: string
  readonly file: string
  readonly writes: boolean
  readonly readers: number
  readonly maxWaiting: number
  readonly acquireTimeoutMs: number
  readonly idleMs: number
  readonly busyMs: number
  readonly maxRows: number
  readonly maxBytes: number
  readonly heapBytes: number
  readonly drivers: readonly DriverName[]
}

const allDrivers: readonly DriverName[] = ['node', 'better-sqlite3', 'libsql']

/** @throws DefinitionError for an option that cannot work. */
export function readSqliteOptions(options: SqliteOptions): SqliteSettings {
  const { file, name = 'sqlite', readOnly = true, driver } = options
  const owner = `sqlite "${name}"`
  if (
    typeof file !== 'string' ||
    file === '' ||
    file === ':memory:' ||
    /^file:/i.test(file) ||
    file.includes('\0')
  ) {
    throw new DefinitionError(
      `The ${owner}: "file" must be the path of a database file, received ${shown(file)}; a database in memory cannot be shared by processes.`,
    )
  }
  if (typeof readOnly !== 'boolean') {
    throw new DefinitionError(`The ${owner}: "readOnly" must be true or false, received ${shown(readOnly)}.`)
  }
  if (driver !== undefined && !allDrivers.includes(driver)) {
    throw new DefinitionError(
      `The ${owner}: "driver" must be one of ${allDrivers.join(', ')}, received ${shown(driver)}; leave it out for the first that is installed.`,
    )
  }
  const whole = (option: keyof SqliteOptions, usual: number, least: number, most: number): number => {
    const value = options[option] ?? usual
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
      return value
    throw new DefinitionError(
      `The ${owner}: "${option}" must be a whole number from ${least} to ${most}, received ${shown(value)}; leave it out for ${usual}.`,
    )
  }
  const time = (option: 'acquireTimeout' | 'idle' | 'busyTimeout', usual: Duration): number =>
    toMs(options[option] ?? usual, `The ${owner}: "${option}"`)
  const readers = whole('readers', 2, 1, 64)
  return {
    name,
    file: resolve(file),
    writes: !readOnly,
    readers,
    maxWaiting: whole('maxWaiting', 20 * readers, 0, 1_000_000),
    acquireTimeoutMs: time('acquireTimeout', '5s'),
    idleMs: time('idle', '30s'),
    busyMs: time('busyTimeout', '5s'),
    maxRows: whole('maxRows', 10_000, 1, 1_000_000),
    maxBytes: whole('maxBytes', 8 * 1024 * 1024, 1024, 256 * 1024 * 1024),
    heapBytes: whole('memoryLimit', 256 * 1024 * 1024, 8 * 1024 * 1024, 64 * 1024 ** 3),
    drivers: driver === undefined ? allDrivers : [driver],
  }
}
