import { DuckdbImports } from '../import/duckdb-imports.js'
import { type ImportLimits, importLimits } from '../import/import-limits.js'
import { ImportedTables } from '../import/imported-tables.js'
import { hasRoutes } from './airport-routes.js'
import { chooseFiles, noTables } from './choose-files.js'
import { ConnectionPool } from './connection-pool.js'
import { createDeskReader, type DatasetDescription, type DeskReader, maxRows } from './desk-reader.js'
import { type Dataset, openDatabase } from './open-database.js'
import { airportDesk } from './read-routes.js'
import type { CallerDesk, ServedDesk } from './served-desk.js'

export type { CallerDesk } from './served-desk.js'

export interface DeskOptions {
  /** A directory of CSV, TSV, JSON and Parquet files. Default: the data of the `vega-datasets` package. */
  readonly data?: string
  /** Which files to load, by name. Default: all. */
  readonly only?: (file: string) => boolean
  /** Datasets that are not loaded, by their names. Default: none. */
  readonly without?: ReadonlySet<string>
  /** Called once per table loaded and per file skipped. Default: nothing is said. */
  readonly onProgress?: (line: string) => void
  /** How long one statement may run, in ms. Default: 15,000. */
  readonly queryTimeoutMs?: number
  /** Queries at once. Default: 3, which leaves one of libuv's four threads to the rest of the process. */
  readonly connections?: number
  /**
   * Exports at once; queries do not wait for them. Default: 2. Each asks for rows in short turns, so that it keeps none of libuv's
   * threads for long.
   */
  readonly exports?: number
  /** How long one export may take, in ms. Default: 120,000. */
  readonly exportTimeoutMs?: number
  /** How long a query waits for a connection, in ms. Default: 5,000. */
  readonly waitMs?: number
  /** Size of one result's rows as JSON, in bytes. Default: 256 KB. */
  readonly maxResultBytes?: number
  /** What imports may take. Default: {@link importLimits}. */
  readonly imports?: Partial<ImportLimits>
  /** Milliseconds since 1970, by which imports expire. Default: the system's clock. */
  readonly now?: () => number
}

/** The desk of DuckDB: it is its own database, and can be asked without a caller. */
export interface Desk extends ServedDesk, DeskReader {
  readonly datasets: ReadonlyMap<string, Dataset>
  forCaller(caller: string): CallerDesk
  /** Connections free and callers waiting. */
  state(): { idle: number; waiting: number }
  /** Interrupts what runs and closes the database. */
  close(): void
}

/** Whether a statement may be about these tables, or asks what tables there are. Nothing is allowed by it. */
function mentions(sql: string, names: Iterable<string>): boolean {
  const text = sql.toLowerCase()
  return /information_schema|show|describe/.test(text) || [...names].some((name) => text.includes(name))
}

/**
 * Loads the data and opens the desk.
 * @throws {DataError} when the directory cannot be read or holds no table.
 */
export async function openDesk(options: DeskOptions = {}): Promise<Desk> {
  const say = options.onProgress ?? (() => {})
  const { files, skipped } = await chooseFiles(options)
  for (const name of options.without ?? []) files.delete(name)
  const database = await openDatabase(files, say)
  for (const { file, reason } of [...skipped, ...database.failed]) say(`skipped ${file}: ${reason}`)
  const { datasets, instance, functions, systemViews, keywords, memoryBytes } = database
  if (datasets.size === 0) {
    instance.closeSync()
    throw noTables(options.data)
  }
  const pool = await ConnectionPool.open(instance, {
    of: 'queries',
    size: options.connections ?? 3,
    queue: 32,
    waitMs: options.waitMs ?? 5000,
  })
  const exports = await ConnectionPool.open(instance, {
    of: 'exports',
    size: options.exports ?? 2,
    queue: 8,
    waitMs: options.waitMs ?? 5000,
  })
  const exportTimeoutMs = options.exportTimeoutMs ?? 120_000
  const rules = { functions, systemViews }
  const queryTimeoutMs = options.queryTimeoutMs ?? 15_000
  const limits = {
    rows: maxRows,
    bytes: options.maxResultBytes ?? 256 * 1024,
    timeoutMs: queryTimeoutMs,
  }
  const ownLimits = { ...importLimits, ...options.imports }
  const storage = new DuckdbImports(instance, pool, queryTimeoutMs)
  const imports = new ImportedTables({
    storage,
    limits: ownLimits,
    memoryBytes: memoryBytes / 4,
    reserved: new Set([...datasets.keys(), ...systemViews]),
    keywords,
    now: options.now ?? Date.now,
  })
  const airports = hasRoutes(datasets) ? airportDesk(pool, queryTimeoutMs) : undefined
  const readerOptions = { rules, limits, exportTimeoutMs, airports }
  const common = createDeskReader({
    ...readerOptions,
    datasets,
    connectionsFor: () => pool,
    exportsFor: () => exports,
  })
  // What was loaded at the start never changes, so a description of it is made once; there are as many as datasets.
  const descriptions = new Map<string, DatasetDescription>()

  async function describeCommon(name: string, signal?: AbortSignal): Promise<DatasetDescription | undefined> {
    const description = descriptions.get(name) ?? (await common.describe(name, signal))
    if (description !== undefined) descriptions.set(name, description)
    return description
  }

  return {
    ...common,
    describe: describeCommon,
    canImport: true,
    hasRoutes: airports !== undefined,
    forCaller(caller) {
      const imported = imports.visibleTo(caller)
      const home = storage.connectionsOf(caller)
      const importCsv: CallerDesk['importCsv'] = (request) =>
        imports.import(caller, request, (records, signal) =>
          storage.load(caller, request.name, records, signal),
        )
      if (imported.size === 0 || home === undefined) {
        return { ...common, describe: describeCommon, imported, importCsv }
      }
      const all = new Map([...datasets, ...imported].sort(([a], [b]) => (a < b ? -1 : 1)))
      const reader = createDeskReader({
        ...readerOptions,
        datasets: all,
        // Queries over a caller's imports wait for each other, so other queries keep to the pool.
        connectionsFor: (sql) => (mentions(sql, imported.keys()) ? home : pool),
        exportsFor: (name) => (imported.has(name) ? home.within(exports) : exports),
      })
      return {
        ...reader,
        describe: (name, signal) =>
          imported.has(name) ? reader.describe(name, signal) : describeCommon(name, signal),
        imported,
        importCsv,
      }
    },
    importLimits: ownLimits,
    state: () => pool.state,
    stats: () => [...pool.stats(), ...exports.stats(), ...imports.stats()],
    close() {
      void imports.close()
      exports.close()
      pool.close()
      instance.closeSync()
    },
  }
}
