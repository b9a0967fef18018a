import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Client } from 'pg'
import { chooseFiles, type FileChoice, noTables } from '../data/choose-files.js'
import { DataError } from '../data/data-error.js'
import { type Dataset, openDatabase } from '../data/open-database.js'
import { summarize } from '../data/summarize.js'
import { quoteIdentifier, sqlName } from '../data/table-names.js'
import { shownAddress } from './addresses.js'
import { readCatalogue, readKeywords, removeEntry, writeEntry } from './catalogue.js'
import { withClient } from './connect.js'
import { copyTable } from './copy-table.js'
import { dataSchema } from './names.js'
import { ensureDatabase, prepareDatabase } from './prepare-database.js'

export interface LoadOptions extends FileChoice {
  /** The databases to fill. */
  readonly targets: readonly LoadTarget[]
  /** Rows of one table at most. Default: all. */
  readonly maxRows?: number
  readonly onProgress: (line: string) => void
}

export interface LoadTarget {
  readonly address: string
  /** Datasets that it must not hold. */
  readonly without: ReadonlySet<string>
}

/** What the copies are made of changes with this, so that earlier ones are loaded again. */
const format = 1
const statementMs = 600_000
const progressRows = 500_000
const summaryLimits = { rows: 1, bytes: Number.POSITIVE_INFINITY, timeoutMs: statementMs }

interface Source {
  readonly datasets: ReadonlyMap<string, Dataset>
  readonly connection: DuckDBConnection
  /** What a table is made of, by its name. */
  readonly fingerprints: ReadonlyMap<string, string>
}

/**
 * Fills the databases with the datasets of the files. What is there already and was made of the same file is left as it is; what
 * is no dataset any more is dropped.
 * @throws {DataError} for one that cannot be reached or prepared, or files without a table.
 */
export async function loadDatabases(options: LoadOptions): Promise<void> {
  const { targets, maxRows, onProgress } = options
  for (const { address } of targets) await ensureDatabase(address, onProgress)
  const { files, skipped } = await chooseFiles(options)
  const fingerprints = new Map<string, string>()
  for (const [name, { path }] of files) {
    fingerprints.set(name, `${format} ${maxRows ?? 'all'} ${await hashOf(path)}`)
  }
  const { instance, datasets, failed } = await openDatabase(files, () => {})
  try {
    for (const { file, reason } of [...skipped, ...failed]) onProgress(`skipped ${file}: ${reason}`)
    if (datasets.size === 0) throw noTables(options.data)
    const connection = await instance.connect()
    const cut = maxRows === undefined ? datasets : await cutTables(connection, datasets, maxRows)
    const source = { datasets: cut, connection, fingerprints }
    for (const target of targets) await fill(target, source, onProgress)
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function cutTables<T extends { readonly rows: number }>(
  connection: DuckDBConnection,
  datasets: ReadonlyMap<string, T>,
  maxRows: number,
): Promise<ReadonlyMap<string, T>> {
  const cut = new Map<string, T>()
  for (const [name, dataset] of datasets) {
    cut.set(name, { ...dataset, rows: Math.min(dataset.rows, maxRows) })
    if (dataset.rows <= maxRows) continue
    const table = quoteIdentifier(name)
    await connection.run(`CREATE OR REPLACE TABLE ${table} AS SELECT * FROM ${table} LIMIT ${maxRows}`)
  }
  return cut
}

async function fill(
  { address, without }: LoadTarget,
  source: Source,
  onProgress: (line: string) => void,
): Promise<void> {
  const shown = shownAddress(address)
  const start = performance.now()
  await withClient(
    address,
    async (client) => {
      await lockAgainstOthers(client, shown)
      const role = await prepareDatabase(client, address)
      const keywords = await readKeywords(client)
      const there = new Map((await readCatalogue(client))?.map((entry) => [entry.name, entry.source]))
      const wanted = [...source.datasets.keys()].filter((name) => !without.has(name))
      await dropOthers(client, wanted, onProgress)
      let same = 0
      for (const name of wanted) {
        if (there.get(name) === source.fingerprints.get(name)) same += 1
        else await loadDataset(client, { name, role, keywords }, source, onProgress)
      }
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      const kept = same === 0 ? '' : `, ${same} of them as they were`
      onProgress(`${shown}: ${wanted.length} datasets${kept}, ${seconds} s`)
    },
    statementMs,
  )
}

/** Two loads of one database at once would drop each other's tables. The lock goes with the connection. */
async function lockAgainstOthers(client: Client, shown: string): Promise<void> {
  const { rows } = await client.query<{ got: boolean }>(
    `select pg_try_advisory_lock(hashtext('data-desk:load')) as got`,
  )
  if (rows[0]?.got === true) return
  throw new DataError(`The database ${shown} is being loaded by somebody else; wait for that to end.`)
}

/** What is in the schema and no dataset goes: the schema holds datasets and nothing else. */
async function dropOthers(
  client: Client,
  wanted: readonly string[],
  onProgress: (line: string) => void,
): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'select tablename as name from pg_tables where schemaname = $1 and tablename <> all($2)',
    [dataSchema, wanted],
  )
  for (const { name } of rows) {
    await client.query(`drop table ${dataSchema}.${quoteIdentifier(name)}`)
    await removeEntry(client, name)
    onProgress(`dropped ${name}: no dataset any more`)
  }
}

/** In one transaction: who reads sees the old table or the new one. */
async function loadDataset(
  client: Client,
  { name, role, keywords }: { name: string; role: string; keywords: ReadonlySet<string> },
  { datasets, connection, fingerprints }: Source,
  onProgress: (line: string) => void,
): Promise<void> {
  const start = performance.now()
  const dataset = datasets.get(name)
  if (dataset === undefined) return
  const connections = { acquire: async () => connection, release: () => {} }
  const described = await summarize(connections, dataset, summaryLimits)
  const to = `${dataSchema}.${quoteIdentifier(name)}`
  await client.query('begin')
  try {
    await client.query(`drop table if exists ${to}`)
    let said = 0
    const { rows, columns } = await copyTable(
      connection,
      {
        from: name,
        columns: dataset.columns,
        to,
        onRows: (count) => {
          if (count - said < progressRows) return
          said = count
          onProgress(`${name}: ${count.toLocaleString('en-US')} rows`)
        },
      },
      (text, values) => client.query(text, values === undefined ? [] : [...values]),
    )
    await client.query(`grant select on ${to} to ${quoteIdentifier(role)}`)
    await writeEntry(client, {
      name,
      sql: sqlName(name, keywords),
      file: dataset.file,
      rows,
      source: fingerprints.get(name) ?? '',
      columns: described.map((column, index) => ({ ...column, ...columns[index] })),
    })
    await client.query('commit')
    await client.query(`analyze ${to}`)
    const ms = Math.round(performance.now() - start)
    onProgress(`loaded ${name} from ${dataset.file}: ${rows.toLocaleString('en-US')} rows, ${ms} ms`)
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
