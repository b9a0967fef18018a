import { Pool } from '../../concurrency/pool/pool.js'
import type { Service, ServiceCall } from '../../contracts/service.js'
import { defineService } from '../define-service.js'
import { endsMs, openOrClose } from '../pool.js'
import { CallDatabase } from './call-database.js'
import { Connection } from './connection.js'
import type { Database } from './database.js'
import { loadPg } from './load-pg.js'
import { type PostgresOptions, readPostgresOptions } from './options.js'
import type { SessionSettings } from './session.js'

export type { PoolUsage } from '../../concurrency/pool/pool-usage.js'
export type { Service } from '../../contracts/service.js'
export type { PoolLimitOptions } from '../pool.js'
export type {
  Column,
  Database,
  Queries,
  Query,
  Row,
  Rows,
  StreamOptions,
  TransactionOptions,
} from './database.js'
export type { PostgresOptions } from './options.js'

interface Running {
  readonly pool: Pool<Connection>
  readonly settings: SessionSettings
}

/**
 * A PostgreSQL database for the server's `services`: a bounded pool of connections whose every statement ends with its call, in the
 * database too. Needs the package `pg`. @throws DefinitionError for an option that cannot work.
 */
export function postgres(options: PostgresOptions): Service<unknown, Database> {
  const settings = readPostgresOptions(options)
  const { limits, statementTimeoutMs, stopMs } = settings
  return defineService({
    ...(options.name !== undefined && { name: settings.name }),
    stopTimeout: stopMs + endsMs,
    async start(_needs, { name, clock, logger, stats, signal }) {
      const pg = await loadPg()
      const pool: Pool<Connection> = new Pool<Connection>({
        ...limits,
        name,
        clock,
        logger,
        create: (given) =>
          Connection.open(pg, settings, { clock, signal: given, onDead: (dead) => pool.discard(dead) }),
        destroy: (connection) => connection.end(),
        validate: (connection) => connection.answers(),
      })
      for (const bounded of pool.bounded) stats.add(bounded)
      await openOrClose(pool, signal)
      return { pool, settings: { name, statementTimeoutMs, logger } }
    },
    stop: ({ pool }: Running) => pool.close(stopMs),
    degraded: ({ pool }) => pool.degraded(),
    forCall: ({ pool, settings: own }, call: ServiceCall): Database => new CallDatabase(pool, call, own),
  })
}
