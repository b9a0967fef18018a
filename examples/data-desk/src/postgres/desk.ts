import type { PostgresOptions } from 'holdfast/services/postgres'
import { hasRoutes } from '../data/airport-routes.js'
import type { DeskDatabases, ServedDesk } from '../data/served-desk.js'
import { type ImportLimits, importLimits } from '../import/import-limits.js'
import { ImportedTables } from '../import/imported-tables.js'
import { ColumnKinds } from './column-kinds.js'
import { ExportPlaces } from './export-places.js'
import { inspectDatabase } from './inspect-database.js'
import { PostgresImports, sweepImports } from './postgres-imports.js'
import { createPostgresReader } from './postgres-reader.js'

/** What a desk and its connections may take. */
export interface PostgresDeskLimits {
  /** How long one statement may run, in ms. Default: 15,000. */
  readonly queryTimeoutMs?: number
  /** Queries at once. Default: 3. */
  readonly connections?: number
  /** Exports at once; queries do not wait for them. Default: 2. */
  readonly exports?: number
  /** How long a query waits for a connection, in ms. Default: 5,000. */
  readonly waitMs?: number
  /** Size of one result's rows as JSON, in bytes. Default: 256 KB. */
  readonly maxResultBytes?: number
  /** What imports may take. Default: {@link importLimits}. */
  readonly imports?: Partial<ImportLimits>
  /** Milliseconds since 1970, by which imports expire. Default: the system's clock. */
  readonly now?: () => number
}

export interface PostgresDeskOptions extends PostgresDeskLimits {
  /** `postgres://user:password@host:5432/database` */
  readonly address: string
  /** Which of the call's databases it is. */
  readonly as: keyof DeskDatabases
  /** Datasets that the database must not hold, by their names. Default: none. */
  readonly without?: ReadonlySet<string>
}

const defaults = { queryTimeoutMs: 15_000, connections: 3, exports: 2, waitMs: 5000 }

/** About what all imported tables may take, in bytes. */
const importedBytes = 500_000_000
const waiting = 32

/** The connections of a desk's database: opened when they are needed, because the desk itself looks at the start. */
export function poolOptions(address: string, limits: PostgresDeskLimits): PostgresOptions {
  const { queryTimeoutMs, connections, exports, waitMs } = { ...defaults, ...limits }
  return {
    url: sessionAddress(address),
    applicationName: 'data-desk',
    min: 0,
    max: connections + exports,
    maxWaiting: waiting,
    acquireTimeout: waitMs,
    statementTimeout: queryTimeoutMs,
  }
}

/** Values are read as text in UTC and ISO 8601, and tables in the order in which they were written. */
function sessionAddress(address: string): string {
  const url = new URL(address)
  const settings = '-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c synchronize_seqscans=off'
  url.searchParams.set('options', `${url.searchParams.get('options') ?? ''} ${settings}`.trim())
  return url.href.replace(/\+/g, '%20')
}

/**
 * The desk over a database that `data-desk:load` has filled.
 * @throws {DataError} when it cannot be reached, holds no datasets or those that it must not hold, or the role of statements is missing.
 */
export async function openPostgresDesk(options: PostgresDeskOptions): Promise<ServedDesk> {
  const { address, as } = options
  const limits = { ...defaults, ...options }
  const { datasets, role, keywords, canImport } = await inspectDatabase(address, options.without)
  if (canImport) await sweepImports(address)
  const ownLimits = { ...importLimits, ...options.imports }
  const storage = new PostgresImports({
    address,
    lifetimeMs: ownLimits.lifetimeMs,
    queryTimeoutMs: limits.queryTimeoutMs,
  })
  const imports = new ImportedTables({
    storage,
    limits: ownLimits,
    memoryBytes: importedBytes,
    reserved: new Set(datasets.keys()),
    keywords,
    now: options.now ?? Date.now,
  })
  const exports = new ExportPlaces(limits.exports)
  const withRoutes = hasRoutes(datasets)
  const common = {
    role,
    maxBytes: options.maxResultBytes ?? 256 * 1024,
    kinds: new ColumnKinds(),
    exports,
    withRoutes,
  }
  return {
    datasets,
    canImport,
    hasRoutes: withRoutes,
    importLimits: ownLimits,
    forCaller(caller, databases) {
      const database = databases[as]
      if (database === undefined) throw new Error(`The server has no service "${as}" for this desk.`)
      const imported = imports.visibleTo(caller)
      const placed = new Map(
        [...imported.keys()].flatMap((name) => {
          const place = storage.placeOf(caller, name)
          return place === undefined ? [] : [[name, place] as const]
        }),
      )
      return {
        ...createPostgresReader({ ...common, database, datasets, imported, placed }),
        imported,
        importCsv: (request) =>
          imports.import(caller, request, (records, signal) =>
            storage.load({ database, caller, table: request.name, records, signal }),
          ),
      }
    },
    stats: () => [exports.stats(), ...imports.stats()],
    close: () => imports.close(),
  }
}
