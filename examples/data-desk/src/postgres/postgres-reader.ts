import type { Database } from 'holdfast/services/postgres'
import { sampleLimits } from '../data/column-sample.js'
import type { ColumnInfo } from '../data/describe.js'
import { type DeskReader, defaultRows, maxRows } from '../data/desk-reader.js'
import { nearNames } from '../data/near-names.js'
import type { Dataset } from '../data/open-database.js'
import type { QueryResult } from '../data/run-query.js'
import { quoteIdentifier } from '../data/table-names.js'
import { airportDesk } from './airport-desk.js'
import type { StoredDataset } from './catalogue.js'
import type { ColumnKinds } from './column-kinds.js'
import type { ExportPlaces } from './export-places.js'
import { dataSchema } from './names.js'
import type { PlacedTable } from './postgres-imports.js'
import { readStatement } from './read-statement.js'
import { sampleTable, streamTable, type TableToRead } from './read-table.js'
import { guardStatement } from './statement-guard.js'

export interface PostgresReaderOptions {
  readonly database: Database
  /** Those of all callers. */
  readonly datasets: ReadonlyMap<string, StoredDataset>
  /** The caller's own, and where they are. */
  readonly imported: ReadonlyMap<string, Dataset>
  readonly placed: ReadonlyMap<string, PlacedTable>
  /** The role that statements run as. */
  readonly role: string
  /** Size of one result's rows as JSON. */
  readonly maxBytes: number
  readonly kinds: ColumnKinds
  readonly exports: ExportPlaces
  readonly withRoutes: boolean
}

const sampleRows = 3

/** What one caller may ask of the datasets and of its own imports. */
export function createPostgresReader(options: PostgresReaderOptions): DeskReader {
  const { database, datasets, imported, placed, role, maxBytes, kinds, exports, withRoutes } = options
  const all = new Map<string, Dataset>([...datasets, ...imported].sort(([a], [b]) => (a < b ? -1 : 1)))
  const names = { datasets: new Set(datasets.keys()), imported: new Set(placed.keys()) }

  function read(sql: string, tables: Iterable<string>, rows: number): Promise<QueryResult> {
    const schemas = [...tables].flatMap((table) => placed.get(table)?.schema ?? [])
    const statement = {
      sql,
      role,
      schemas,
      limits: { rows, bytes: maxBytes },
      columns: () => [...all.values()].flatMap(({ columns }) => columns.map(({ name }) => name)),
    }
    return readStatement(database, statement, kinds)
  }

  /** The table of a dataset, for SQL of our own. */
  function tableOf(name: string, wanted?: readonly string[]): TableToRead | undefined {
    const dataset = all.get(name)
    if (dataset === undefined) return undefined
    const schema = imported.has(name) ? placed.get(name)?.schema : dataSchema
    if (schema === undefined) return undefined
    const { rows, columns } = dataset
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
    return { table, rows, columns: wanted === undefined ? columns : inOrder(columns, wanted) }
  }

  return {
    datasets: all,
    async describe(name) {
      const dataset = all.get(name)
      const table = tableOf(name)?.table
      const columns = placed.get(name)?.columns ?? datasets.get(name)?.columns
      if (dataset === undefined || table === undefined || columns === undefined) return undefined
      const { rows } = await read(
        `select * from ${table} limit ${sampleRows}`,
        imported.has(name) ? [name] : [],
        sampleRows,
      )
      return { name, sql: dataset.sql, file: dataset.file, rows: dataset.rows, columns, sample: rows }
    },
    async query(sql, limit = defaultRows) {
      const { sql: guarded, imports } = await guardStatement(sql, names)
      return read(guarded, imports, Math.min(limit, maxRows))
    },
    async sampleColumns(name, { columns, limits = sampleLimits } = {}) {
      const table = tableOf(name, columns)
      return table === undefined ? undefined : sampleTable(database, table, limits)
    },
    streamRows(name, { columns, limit }) {
      const table = tableOf(name, columns)
      return table === undefined ? undefined : exports.hold(() => streamTable(database, table, limit))
    },
    airports: withRoutes ? airportDesk(database) : undefined,
    near: (name) => nearNames(name, all.keys()),
  }
}

/** The columns of these names, in the order of the names. */
function inOrder(columns: readonly ColumnInfo[], names: readonly string[]): readonly ColumnInfo[] {
  return [...new Set(names)].flatMap((wanted) => columns.filter(({ name }) => name === wanted))
}
