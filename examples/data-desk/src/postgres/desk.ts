import type { Database } from 'holdfast/services/postgres'
import { postgres } from 'holdfast/services/postgres'
import type { DatasetDescription, DeskReader } from '../data/desk-reader.js'
import { defaultRows, maxRows } from '../data/desk-reader.js'
import { nearNames } from '../data/near-names.js'
import type { Dataset } from '../data/open-database.js'
import type { DeskDatabases, ServedDesk } from '../data/served-desk.js'
import { quoteIdentifier } from '../data/table-names.js'
import { type ImportLimits, importLimits } from '../import/import-limits.js'
import { ImportedTables } from '../import/imported-tables.js'
import type { StoredDataset } from './catalogue.js'
import { ColumnKinds } from './column-kinds.js'
import { inspectDatabase } from './inspect-database.js'
import { dataSchema } from './names.js'
import { PostgresImports, sweepImports } from './postgres-imports.js'
import { readStatement } from './read-statement.js'
import { guardStatement } from './statement-guard.js'

export interface PostgresDeskOptions {
  /** `postgres://user:password@host:5432/database` */
  readonly address: string
  /** Which of the call's databases it is. Default: `database`. */
  readonly as?: keyof DeskDatabases
  /** Datasets that the database must not hold, by their names. Default: none. */
  readonly without?: ReadonlySet<string>
  /** How long one statement may run, in ms. Default: 15,000. */
  readonly queryTimeoutMs?: number
  /** Queries at once. Default: 3. */
  readonly connections?: number
  /** How long a query waits for a connection, in ms. Default: 5,000. */
  readonly waitMs?: number
  /** Size of one result's rows as JSON, in bytes. Default: 256 KB. */
  readonly maxResultBytes?: number
  /** What imports may take. Default: {@link importLimits}. */
  readonly imports?: Partial<ImportLimits>
  /** Milliseconds since 1970, by which imports expire. Default: the system's clock. */
  readonly now?: () => number
}

/** About what all imported tables may take, in bytes. */
const importedBytes = 500_000_000
const waiting = 32

/**
 * The desk over a database that `data-desk:load` has filled.
 * @throws {DataError} when it cannot be reached, holds no datasets or those that it must not hold, or the role of statements is missing.
 */
export async function openPostgresDesk(options: PostgresDeskOptions): Promise<ServedDesk> {
  const { address, as = 'database', connections = 3, waitMs = 5000 } = options
  const queryTimeoutMs = options.queryTimeoutMs ?? 15_000
  const { datasets, role, keywords, canImport } = await inspectDatabase(address, options.without)
  if (canImport) await sweepImports(address)
  const limits = { bytes: options.maxResultBytes ?? 256 * 1024 }
  const ownLimits = { ...importLimits, ...options.imports }
  const storage = new PostgresImports({ address, lifetimeMs: ownLimits.lifetimeMs, queryTimeoutMs })
  const imports = new ImportedTables({
    storage,
    limits: ownLimits,
    memoryBytes: importedBytes,
    reserved: new Set([...datasets.keys()]),
    keywords,
    now: options.now ?? Date.now,
  })
  const kinds = new ColumnKinds()

  function reader(database: Database, caller: string, imported: ReadonlyMap<string, Dataset>): DeskReader {
    const all = new Map<string, Dataset>([...datasets, ...imported].sort(([a], [b]) => (a < b ? -1 : 1)))
    const names = { datasets: new Set(datasets.keys()), imported: new Set(imported.keys()) }
    const columns = (): string[] =>
      [...all.values()].flatMap((dataset) => dataset.columns.map(({ name }) => name))
    const schemasOf = (tables: Iterable<string>): string[] =>
      [...tables].flatMap((table) => storage.placeOf(caller, table)?.schema ?? [])
    return {
      datasets: all,
      async describe(name) {
        const dataset = all.get(name)
        const described = storedColumns(datasets.get(name)) ?? storage.placeOf(caller, name)?.columns
        if (dataset === undefined || described === undefined) return undefined
        const schemas = imported.has(name) ? schemasOf([name]) : []
        const table = `${quoteIdentifier(schemas[0] ?? dataSchema)}.${quoteIdentifier(name)}`
        const sql = `select * from ${table} limit 3`
        const sample = await readStatement(
          database,
          { sql, role, schemas, limits: { ...limits, rows: 3 }, columns },
          kinds,
        )
        const { sql: written, file, rows } = dataset
        const description: DatasetDescription = {
          name,
          sql: written,
          file,
          rows,
          columns: described,
          sample: sample.rows,
        }
        return description
      },
      async query(sql, limit = defaultRows) {
        const statement = await guardStatement(sql, names)
        const schemas = schemasOf(statement.imports)
        const rows = Math.min(limit, maxRows)
        return readStatement(
          database,
          { sql: statement.sql, role, schemas, limits: { ...limits, rows }, columns },
          kinds,
        )
      },
      near: (name) => nearNames(name, all.keys()),
    }
  }

  return {
    datasets,
    dialect: 'PostgreSQL',
    canImport,
    importLimits: ownLimits,
    service: postgres({
      url: address,
      name: 'datasets',
      applicationName: 'data-desk',
      max: connections,
      maxWaiting: waiting,
      acquireTimeout: waitMs,
      statementTimeout: queryTimeoutMs,
    }),
    forCaller(caller, databases) {
      const database = databases[as]
      if (database === undefined) throw new Error(`The server has no service "${as}" for this desk.`)
      const imported = imports.visibleTo(caller)
      return {
        ...reader(database, caller, imported),
        imported,
        importCsv: (request) =>
          imports.import(caller, request, (records, signal) =>
            storage.load({ database, caller, table: request.name, records, signal }),
          ),
      }
    },
    stats: () => imports.stats(),
    close: () => imports.close(),
  }
}

function storedColumns(dataset: StoredDataset | undefined): StoredDataset['columns'] | undefined {
  return dataset?.columns
}
