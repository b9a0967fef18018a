import type { BoundedStats } from 'holdfast'
import type { Database } from 'holdfast/services/postgres'
import type { ImportLimits } from '../import/import-limits.js'
import type { ImportedTable, ImportRequest } from '../import/imported-tables.js'
import type { DeskReader } from './desk-reader.js'
import type { Dataset } from './open-database.js'

/** The desk as one caller sees it: the datasets of all, and what the caller imported. */
export interface CallerDesk extends DeskReader {
  readonly imported: ReadonlyMap<string, ImportedTable>
  /** Downloads a CSV file into a dataset of the caller's own; {@link ImportedTables.import} says what it throws. */
  importCsv(request: ImportRequest): Promise<ImportedTable>
}

/** The databases of the server's desks as one call has them; undefined where a desk is its own database. */
export interface DeskDatabases {
  readonly database: Database | undefined
  /** Of the desk for callers who may not see all, where there is one. */
  readonly readersDatabase: Database | undefined
}

/** What the server needs of a desk, whatever database it stands on. */
export interface ServedDesk {
  /** The datasets of all callers, by name in alphabetical order. */
  readonly datasets: ReadonlyMap<string, Dataset>
  /** Whether callers may import files of their own. */
  readonly canImport: boolean
  readonly importLimits: ImportLimits
  /** Whether it has flights and airports. */
  readonly hasRoutes: boolean
  /** `caller` is any string that is one caller's alone; what it sees is as it is at this moment. */
  forCaller(caller: string, databases: DeskDatabases): CallerDesk
  /** What runs, waits and is held, against the limits. */
  stats(): BoundedStats[]
  /** Ends what runs, and leaves nothing behind that callers imported. */
  close(): void | Promise<void>
}
