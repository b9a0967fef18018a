import { type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk, VARCHAR } from '@duckdb/node-api'
import type { ColumnInfo } from '../data/describe.js'
import { quoteIdentifier } from '../data/table-names.js'
import { columnNames } from './column-names.js'
import { cellKindsSql, columnType } from './column-types.js'
import { ImportRefusal } from './import-refusal.js'

/** Handing over a batch blocks the event loop for 5 to 50 ms, the more columns the longer. */
const cellsPerBatch = 50_000
const rowsPerChunk = 2048
/** No dataset can have this name, because of the brackets. */
const staging = quoteIdentifier('(importing)')

export interface LoadedTable {
  readonly rows: number
  readonly columns: readonly ColumnInfo[]
}

/** The connection that a table belongs to. */
export interface TableHome {
  /** Runs some work on the connection while nothing else runs there. */
  use<T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T>
}

/** As statements say it, and as the appender does. */
const outOfMemory = /^Out of Memory|(?:could not|failed to) (?:allocate|pin)/i

/** DuckDB keeps the whole table in memory; when there is no more of it, that is nobody's mistake. */
async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Error) || !outOfMemory.test(error.message)) throw error
    throw new ImportRefusal('desk_full', 'There is no memory left for another table.', 'Try again later.')
  }
}

async function createStaging(connection: DuckDBConnection, columns: number): Promise<DuckDBAppender> {
  const list = Array.from({ length: columns }, (_, index) => `c${index} VARCHAR`).join(', ')
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${staging} (${list})`)
  return connection.createAppender('(importing)', 'main', 'temp')
}

/** An empty cell is a missing value, as in DuckDB's own reader. */
function appendRows(appender: DuckDBAppender, rows: readonly (readonly string[])[], columns: number): void {
  const chunk = DuckDBDataChunk.create(Array.from({ length: columns }, () => VARCHAR))
  chunk.setRows(rows.map((row) => row.map((cell) => (cell === '' ? null : cell))))
  appender.appendDataChunk(chunk)
  appender.flushSync()
}

/** Makes the table of its final name and types; a table of that name is there, old or new, all the time. */
async function publish(
  connection: DuckDBConnection,
  table: string,
  names: readonly string[],
): Promise<readonly ColumnInfo[]> {
  const staged = names.map((_, index) => `c${index}`)
  const kinds = await connection.runAndReadAll(cellKindsSql('(importing)', staged))
  const columns = names.map((name, index) => ({
    name,
    type: columnType(Number(kinds.getRows()[0]?.[index] ?? 0)),
  }))
  const selected = columns.map(({ name, type }, index) => {
    const value = type === 'VARCHAR' ? `c${index}` : `TRY_CAST(c${index} AS ${type})`
    return `${value} AS ${quoteIdentifier(name)}`
  })
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${quoteIdentifier(table)} AS SELECT ${selected.join(', ')} FROM ${staging}`,
  )
  return columns
}

/** Waits for nobody's signal: what a cancelled import began has to go all the same. */
async function discard(home: TableHome, appender: DuckDBAppender | undefined): Promise<void> {
  await home.use(async (connection) => {
    try {
      appender?.closeSync()
    } catch {
      // It failed before, and says so again.
    }
    await connection.run(`DROP TABLE IF EXISTS ${staging}`)
  })
}

/**
 * Puts records, of which the first is the header, into a temporary table of one connection, which no other
 * connection can see. Types are judged from every row. When it fails, nothing is left, and a former table of this
 * name stays.
 * @throws {ImportRefusal} `desk_full`; and what the records and the connection reject with
 */
export async function loadCsv(
  records: AsyncGenerator<readonly string[]>,
  table: string,
  home: TableHome,
  signal: AbortSignal,
): Promise<LoadedTable> {
  const use: TableHome['use'] = (work) => explained(home.use(work, signal))
  const header = await records.next()
  const names = columnNames(header.value ?? [])
  const batchRows = Math.max(1, Math.min(rowsPerChunk, Math.floor(cellsPerBatch / names.length)))
  let appender: DuckDBAppender | undefined
  try {
    const opened = await use((connection) => createStaging(connection, names.length))
    appender = opened
    let rows = 0
    let batch: (readonly string[])[] = []
    const flush = async (): Promise<void> => {
      const full = batch
      batch = []
      rows += full.length
      await use(async () => appendRows(opened, full, names.length))
    }
    for await (const record of records) {
      batch.push(record)
      if (batch.length === batchRows) await flush()
    }
    if (batch.length > 0) await flush()
    return { rows, columns: await use((connection) => publish(connection, table, names)) }
  } finally {
    await records.return(undefined)
    await discard(home, appender).catch(() => {})
  }
}
