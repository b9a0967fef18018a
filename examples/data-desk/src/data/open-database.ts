import { availableParallelism, totalmem } from 'node:os'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { ColumnInfo } from './describe.js'
import type { FunctionPolicy } from './function-policy.js'
import { readFunctionPolicy } from './function-policy.js'
import { loadTable } from './load-table.js'
import type { SkippedFile, SourceFile } from './source-files.js'
import { quoteIdentifier, sqlName } from './table-names.js'

export interface Dataset {
  readonly name: string
  /** The name as one writes it in SQL, quoted where it must be. */
  readonly sql: string
  /** The file it came from, without its directory; of an import, the last part of its address. */
  readonly file: string
  readonly rows: number
  readonly columns: readonly ColumnInfo[]
}

export interface OpenedDatabase {
  readonly instance: DuckDBInstance
  readonly datasets: ReadonlyMap<string, Dataset>
  /** Files whose content was not what their name promised. */
  readonly failed: readonly SkippedFile[]
  readonly functions: FunctionPolicy
  readonly systemViews: ReadonlySet<string>
  /** Words that a table's name must be quoted for. */
  readonly keywords: ReadonlySet<string>
  /** What the engine may use, in bytes. */
  readonly memoryBytes: number
}

/** A quarter of the machine's memory, between 256 MB and 2 GB. */
function allowedMegabytes(): number {
  return Math.max(256, Math.min(2048, Math.floor(totalmem() / 4 / 1024 / 1024)))
}

/** A database in memory that never writes to disk and uses at most 4 threads. */
async function createInstance(megabytes: number): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    memory_limit: `${megabytes}MB`,
    threads: String(Math.min(4, availableParallelism())),
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
}

async function textColumn(connection: DuckDBConnection, sql: string): Promise<Set<string>> {
  const reader = await connection.runAndReadAll(sql)
  return new Set(reader.getRows().map(([name]) => String(name)))
}

async function inspect(
  connection: DuckDBConnection,
  name: string,
  file: string,
  keywords: ReadonlySet<string>,
): Promise<Dataset> {
  const count = await connection.runAndReadAll(`SELECT count(*) FROM ${quoteIdentifier(name)}`)
  const columns = await connection.runAndReadAll(
    `SELECT column_name, data_type FROM duckdb_columns()
     WHERE schema_name = 'main' AND NOT internal AND table_name = $1 ORDER BY column_index`,
    [name],
  )
  return {
    name,
    sql: sqlName(name, keywords),
    file,
    rows: Number(count.getRows()[0]?.[0] ?? 0),
    columns: columns.getRows().map(([column, type]) => ({ name: String(column), type: String(type) })),
  }
}

/** DuckDB's reason for not reading a file, in one line, with the file's name in place of its path. */
function reasonOf(error: unknown, source: SourceFile): string {
  const text = error instanceof Error ? error.message : String(error)
  const line = text.split('\n')[0]?.replaceAll(source.path, source.file).trim() ?? ''
  return `it could not be read as a table: ${line.slice(0, 200)}`
}

/**
 * Loads the files into a new database and then closes it off: no file, no network, no extension, and no setting
 * can be changed any more, by anybody, until the process ends.
 */
export async function openDatabase(
  files: ReadonlyMap<string, SourceFile>,
  onProgress: (line: string) => void,
): Promise<OpenedDatabase> {
  const megabytes = allowedMegabytes()
  const instance = await createInstance(megabytes)
  const connection = await instance.connect()
  try {
    await connection.run(`SET GLOBAL TimeZone = 'UTC'`)
    const keywords = await textColumn(
      connection,
      `SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'`,
    )
    const datasets = new Map<string, Dataset>()
    const failed: SkippedFile[] = []
    for (const [name, source] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const start = performance.now()
      try {
        await loadTable(connection, source, name)
        const dataset = await inspect(connection, name, source.file, keywords)
        datasets.set(name, dataset)
        const ms = Math.round(performance.now() - start)
        onProgress(
          `loaded ${name} from ${source.file}: ${dataset.rows.toLocaleString('en-US')} rows, ${ms} ms`,
        )
      } catch (error) {
        await connection.run(`DROP TABLE IF EXISTS ${quoteIdentifier(name)}`)
        failed.push({ file: source.file, reason: reasonOf(error, source) })
      }
    }
    const functions = await readFunctionPolicy(connection)
    const systemViews = await textColumn(
      connection,
      'SELECT lower(view_name) FROM duckdb_views() WHERE internal',
    )
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
    const memoryBytes = megabytes * 1024 * 1024
    return { instance, datasets, failed, functions, systemViews, keywords, memoryBytes }
  } catch (error) {
    instance.closeSync()
    throw error
  } finally {
    connection.closeSync()
  }
}
