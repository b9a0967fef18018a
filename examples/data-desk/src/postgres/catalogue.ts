import type { ColumnSummary } from '../data/describe.js'
import type { Dataset } from '../data/open-database.js'
import { catalogueSchema } from './names.js'

export const datasetsTable = `${catalogueSchema}.datasets`
export const importsTable = `${catalogueSchema}.imports`

/** A dataset as the loader wrote it down: its columns have been described once, when its rows were at hand. */
export interface StoredDataset extends Dataset {
  readonly columns: readonly ColumnSummary[]
  /** What the table was made of; the same again need not be loaded. */
  readonly source: string
}

/** What can be asked: a client, or a call's database. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
}

export const catalogueStatements: readonly string[] = [
  `create schema if not exists ${catalogueSchema}`,
  `create table if not exists ${datasetsTable} (name text primary key, sql text not null, file text not null,
     rows bigint not null, source text not null, columns jsonb not null)`,
  `create table if not exists ${importsTable} (schema text primary key, expires timestamptz not null)`,
]

/** Undefined where no catalogue is. */
export async function readCatalogue(client: Queryable): Promise<readonly StoredDataset[] | undefined> {
  const { rows: found } = await client.query('select to_regclass($1) is not null as there', [datasetsTable])
  if (found[0]?.['there'] !== true) return undefined
  const { rows } = await client.query(
    `select name, sql, file, rows::float8 as rows, source, columns from ${datasetsTable} order by name collate "C"`,
  )
  return rows as unknown as StoredDataset[]
}

export async function writeEntry(client: Queryable, entry: StoredDataset): Promise<void> {
  const { name, sql, file, rows, source, columns } = entry
  await client.query(
    `insert into ${datasetsTable} (name, sql, file, rows, source, columns) values ($1, $2, $3, $4, $5, $6)
     on conflict (name) do update set (sql, file, rows, source, columns) =
       (excluded.sql, excluded.file, excluded.rows, excluded.source, excluded.columns)`,
    [name, sql, file, rows, source, JSON.stringify(columns)],
  )
}

export async function removeEntry(client: Queryable, name: string): Promise<void> {
  await client.query(`delete from ${datasetsTable} where name = $1`, [name])
}

/** Words that a table's name must be quoted for. */
export async function readKeywords(client: Queryable): Promise<ReadonlySet<string>> {
  const { rows } = await client.query(`select word from pg_get_keywords() where catcode <> 'U'`)
  return new Set(rows.map(({ word }) => String(word)))
}
