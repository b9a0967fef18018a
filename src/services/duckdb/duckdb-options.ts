import { availableParallelism, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { type Duration, toMs } from '../../engine/duration.js'
import { DefinitionError } from '../../errors/definition-error.js'
import { shown } from '../../errors/shown.js'
import type { DuckdbInput } from './values.js'

/** Runs statements before the sandbox is closed; several in one text are allowed without values. */
export type SetupRun = (statement: string, values?: readonly DuckdbInput[]) => Promise<void>

export interface DuckdbOptions {
  /** The path of the database. Default: one in memory. */
  readonly path?: string
  /** For messages, logs and `server.stats()`. Default: `duckdb`. */
  readonly name?: string
  /** Default: true. With false there is `execute`. */
  readonly readOnly?: boolean
  /**
   * Statements at once. Each that runs takes one of the threads of Node that also read files and look up names (four, unless
   * UV_THREADPOOL_SIZE says otherwise), so leave some. Default: 2.
   */
  readonly connections?: number
  /** Callers that may wait for one. Default: 20 for each connection. */
  readonly maxWaiting?: number
  /** The longest wait for one; the call's deadline may come before. Default: 5 s. */
  readonly acquireTimeout?: Duration
  /** What DuckDB may use for all statements together; bytes. Default: a quarter of the machine's, from 256 MiB to 2 GiB. */
  readonly memoryLimit?: number
  /** Threads that DuckDB computes with. Default: as many as the machine has, at most 4. */
  readonly threads?: number
  /** Rows that `query` returns; more are refused. Default: 10,000. */
  readonly maxRows?: number
  /** About how much `query` returns, and a row of a stream may have; bytes. Default: 8 MiB. */
  readonly maxBytes?: number
  /**
   * No file, network or extension, and no setting can be changed, for as long as the database is open. Default: true. With false a
   * statement can read and write every file that the server can.
   */
  readonly sandbox?: boolean
  /** Loads what is to be asked, before the sandbox is closed and the first call comes. */
  readonly setup?: (run: SetupRun) => Promise<void>
}

export interface DuckdbSettings {
  readonly name: string
  /** Undefined: in memory. */
  readonly path: string | undefined
  readonly writes: boolean
  readonly sandbox: boolean
  readonly setup: DuckdbOptions['setup']
  readonly connections: number
  readonly maxWaiting: number
  readonly acquireTimeoutMs: number
  readonly memoryBytes: number
  readonly threads: number
  readonly maxRows: number
  readonly maxBytes: number
}

const mebibyte = 1024 * 1024

/** @throws DefinitionError for an option that cannot work. */
export function readDuckdbOptions(options: DuckdbOptions): DuckdbSettings {
  const { path, name = 'duckdb', readOnly = true, sandbox = true, setup } = options
  const owner = `duckdb "${name}"`
  if (path !== undefined && (typeof path !== 'string' || path === '' || path.includes('\0'))) {
    throw new DefinitionError(
      `The ${owner}: "path" must be the path of a database file, received ${shown(path)}; leave it out for one in memory.`,
    )
  }
  for (const [option, value] of Object.entries({ readOnly, sandbox })) {
    if (typeof value === 'boolean') continue
    throw new DefinitionError(`The ${owner}: "${option}" must be true or false, received ${shown(value)}.`)
  }
  if (setup !== undefined && typeof setup !== 'function') {
    throw new DefinitionError(`The ${owner}: "setup" must be a function, received ${shown(setup)}.`)
  }
  const whole = (option: keyof DuckdbOptions, usual: number, least: number, most: number): number => {
    const value = options[option] ?? usual
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
      return value
    throw new DefinitionError(
      `The ${owner}: "${option}" must be a whole number from ${least} to ${most}, received ${shown(value)}; leave it out for ${usual}.`,
    )
  }
  const connections = whole('connections', 2, 1, 64)
  const usualMemory = Math.max(256 * mebibyte, Math.min(2048 * mebibyte, Math.floor(totalmem() / 4)))
  return {
    name,
    path: path === undefined || path === ':memory:' ? undefined : resolve(path),
    writes: !readOnly,
    sandbox,
    setup,
    connections,
    maxWaiting: whole('maxWaiting', 20 * connections, 0, 1_000_000),
    acquireTimeoutMs: toMs(options.acquireTimeout ?? '5s', `The ${owner}: "acquireTimeout"`),
    memoryBytes: whole('memoryLimit', usualMemory, 16 * mebibyte, 2 ** 50),
    threads: whole('threads', Math.min(4, availableParallelism()), 1, 1024),
    maxRows: whole('maxRows', 10_000, 1, 1_000_000),
    maxBytes: whole('maxBytes', 8 * mebibyte, 1024, 256 * mebibyte),
  }
}
