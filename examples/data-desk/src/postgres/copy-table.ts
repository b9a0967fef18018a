import type { DuckDBConnection } from '@duckdb/node-api'
import type { ColumnInfo } from '../data/describe.js'
import { quoteIdentifier } from '../data/table-names.js'
import { postgresType, textForPostgres } from './column-types.js'
import { postgresColumnNames } from './names.js'

/** Runs one statement in PostgreSQL. */
export type Run = (text: string, values?: readonly unknown[]) => Promise<unknown>

/** Cells in one statement; a chunk of DuckDB has 2,048 rows. */
const maxCells = 50_000

export interface CopyRequest {
  /** The table in DuckDB. */
  readonly from: string
  readonly columns: readonly ColumnInfo[]
  /** The table in PostgreSQL, quoted; it must not exist. */
  readonly to: string
  /** Told after each batch how many rows are over there. */
  readonly onRows?: (rows: number) => void
}

export interface CopiedTable {
  readonly rows: number
  readonly columns: readonly ColumnInfo[]
}

/**
 * Makes a table in PostgreSQL of one in DuckDB, batch by batch: each is one INSERT of whole columns as arrays of texts, which
 * PostgreSQL casts to the columns' types.
 */
export async function copyTable(
  connection: DuckDBConnection,
  { from, columns, to, onRows }: CopyRequest,
  run: Run,
): Promise<CopiedTable> {
  const types = columns.map(({ type }) => postgresType(type))
  const names = postgresColumnNames(columns.map(({ name }) => name))
  const made = names.map((name, index) => ({ name, type: types[index] ?? 'text' }))
  await run(
    `create table ${to} (${made.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(', ')})`,
  )
  const casts = types.map((type, index) => `c${index}::${type}`).join(', ')
  const arrays = types.map((_, index) => `$${index + 1}::text[]`).join(', ')
  const cells = types.map((_, index) => `c${index}`).join(', ')
  const insert = `insert into ${to} select ${casts} from unnest(${arrays}) as given(${cells})`
  const selected = columns.map(({ name, type }) => textForPostgres(name, type)).join(', ')
  const result = await connection.stream(`SELECT ${selected} FROM ${quoteIdentifier(from)}`)
  const batch = Math.max(1, Math.floor(maxCells / Math.max(1, columns.length)))
  let rows = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return { rows, columns: made }
    const values = chunk.getColumns()
    for (let at = 0; at < chunk.rowCount; at += batch) {
      await run(
        insert,
        values.map((column) => column.slice(at, at + batch)),
      )
    }
    rows += chunk.rowCount
    onRows?.(rows)
  }
}
