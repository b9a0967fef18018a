import { Pool } from '../../concurrency/pool/pool.js'
import type { Service, ServiceHost } from '../../contracts/service.js'
import { defineService } from '../define-service.js'
import { endsMs } from '../pool.js'
import { openDatabase } from './database.js'
import { type DuckdbOptions, type DuckdbSettings, readDuckdbOptions } from './duckdb-options.js'
import { type Duckdb, duckdbFor, type OpenDuckdb, type WritableDuckdb } from './duckdb-view.js'
import { Lane } from './session.js'

/** How long opening and filling the database may take. */
const startTimeout = '10m'
/** How long calls may keep what they have when the server stops. */
const stopMs = 5000

/**
 * A DuckDB database for handlers, in memory or in a file: closed off from files, network and settings, and with statements that
 * end when their call does. DuckDB computes on threads of its own, so no statement keeps the server's thread busy.
 *
 * Needs the package @duckdb/node-api (optional peer).
 *
 * @throws DefinitionError for an option that cannot work; at the server's start StartError, or what `setup` throws
 */
export function duckdb(
  options: DuckdbOptions & { readonly readOnly: false },
): Service<OpenDuckdb, WritableDuckdb>
export function duckdb(options?: DuckdbOptions): Service<OpenDuckdb, Duckdb>
export function duckdb(options: DuckdbOptions = {}): Service<OpenDuckdb, Duckdb> {
  const settings = readDuckdbOptions(options)
  return defineService<OpenDuckdb, Readonly<Record<never, never>>, Duckdb>({
    ...(options.name !== undefined && { name: settings.name }),
    startTimeout,
    stopTimeout: stopMs + endsMs,
    start: (_needs, host) => start({ ...settings, name: host.name }, host),
    async stop({ pool, database }) {
      await pool.close(stopMs)
      database.instance.closeSync()
    },
    degraded: ({ pool }) => pool.degraded(),
    forCall: duckdbFor,
  })
}

async function start(
  settings: DuckdbSettings,
  { clock, logger, stats, signal }: ServiceHost,
): Promise<OpenDuckdb> {
  const database = await openDatabase(settings)
  if (signal.aborted) {
    database.instance.closeSync()
    throw signal.reason
  }
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
  if (settings.connections >= threads) {
    logger.warn(
      `The service "${settings.name}" can take all ${threads} threads with which Node reads files and looks up names; give it fewer connections, or Node more with UV_THREADPOOL_SIZE.`,
    )
  }
  const pool = new Pool<Lane>({
    name: settings.name,
    clock,
    logger,
    max: settings.connections,
    maxWaiting: settings.maxWaiting,
    acquireTimeoutMs: settings.acquireTimeoutMs,
    create: async () => new Lane(await database.instance.connect()),
    destroy: (lane) => lane.end(),
  })
  for (const bounded of pool.bounded) stats.add(bounded)
  return { settings, database, pool }
}
