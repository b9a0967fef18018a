import { randomUUID } from 'node:crypto'
import { type Database, type PostgresOptions, postgres } from 'holdfast/services/postgres'
import { Client } from 'pg'
import { onTestFinished } from 'vitest'
import { type GateProxy, gateProxy } from './gate-proxy.js'
import { type Running, started } from './service-world.js'

/** What the database itself says of a pool's connections. */
export interface Watcher {
  /** Connections of the pool. */
  count(): Promise<number>
  /** What runs on them now. */
  running(): Promise<readonly string[]>
  /** Ends all of them, as an administrator would. */
  terminate(): Promise<void>
  run(text: string): Promise<readonly Record<string, unknown>[]>
}

export interface DatabaseWorld {
  readonly db: Running<Database>
  readonly watcher: Watcher
}

/** A pool of its own name, so that tests do not see each other's connections. */
export async function databaseWorld(
  url: string,
  options: Partial<PostgresOptions> = {},
): Promise<DatabaseWorld> {
  const applicationName = `holdfast-test-${randomUUID()}`
  const watcher = await watch(url, applicationName)
  const db = await started(postgres({ url, name: 'orders', applicationName, ...options }))
  return { db, watcher }
}

/** The same through a proxy that plays what databases and networks do. */
export async function proxiedWorld(
  url: string,
  options: Partial<PostgresOptions> = {},
): Promise<DatabaseWorld & { readonly proxy: GateProxy }> {
  const direct = new URL(url)
  const proxy = await gateProxy({ host: direct.hostname, port: Number(direct.port) || 5432 })
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String(proxy.port)
  const applicationName = `holdfast-test-${randomUUID()}`
  const watcher = await watch(url, applicationName)
  const db = await started(postgres({ name: 'orders', applicationName, ...options, url: through.href }))
  return { db, watcher, proxy }
}

async function watch(url: string, applicationName: string): Promise<Watcher> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.end())
  const ask = async (what: string): Promise<readonly Record<string, unknown>[]> =>
    (
      await client.query(`select ${what} from pg_stat_activity where application_name = $1`, [
        applicationName,
      ])
    ).rows as Record<string, unknown>[]
  return {
    count: async () => Number((await ask('count(*)'))[0]?.['count']),
    running: async () =>
      (await ask('state, query')).filter(({ state }) => state !== 'idle').map(({ query }) => String(query)),
    terminate: async () => void (await ask('pg_terminate_backend(pid)')),
    run: async (text) => (await client.query(text)).rows as Record<string, unknown>[],
  }
}
