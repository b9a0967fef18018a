import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceFile } from './source-files.js'
import { quoteIdentifier, quoteLiteral } from './table-names.js'

/** DuckDB expands *, ? and [ in file names; in brackets each stands for itself. */
function fileLiteral(path: string): string {
  return quoteLiteral(path.replace(/[*?[]/g, '[$&]'))
}

/** The table function that reads the file, with types judged from every row and not from a sample. */
function reader(source: SourceFile, options = ''): string {
  const file = fileLiteral(source.path)
  switch (source.kind) {
    case 'parquet':
      return `read_parquet(${file})`
    case 'csv':
      return `read_csv(${file}, sample_size=-1${options})`
    case 'tsv':
      return `read_csv(${file}, delim='\t', sample_size=-1${options})`
    case 'json':
      return `read_json(${file}, format='array', records=true, sample_size=-1)`
    case 'ndjson':
      return `read_json(${file}, format='newline_delimited', records=true, sample_size=-1)`
  }
}

/**
 * Columns of a CSV or TSV file that were read as whole numbers although their text begins with a zero: codes
 * such as the postal code 00501, which as a number would be 501.
 */
async function codeColumns(
  connection: DuckDBConnection,
  source: SourceFile,
  table: string,
): Promise<string[]> {
  const described = await connection.runAndReadAll(
    `SELECT column_name FROM duckdb_columns() WHERE table_name = $1 AND data_type IN ('BIGINT', 'INTEGER', 'HUGEINT')`,
    [table],
  )
  const columns = described.getRows().map(([name]) => String(name))
  if (columns.length === 0) return []
  const tests = columns
    .map((name) => `bool_or(regexp_matches(${quoteIdentifier(name)}, '^\\s*0\\d'))`)
    .join(', ')
  const found = await connection.runAndReadAll(
    `SELECT ${tests} FROM ${reader(source, ', header=true, all_varchar=true')}`,
  )
  const flags = found.getRows()[0] ?? []
  return columns.filter((_, index) => flags[index] === true)
}

/**
 * Columns where some rows hold text and others numbers arrive as JSON (the film "300" among the titles); where
 * no row holds an object or an array, text is what one can compare and sort.
 */
async function scalarsToText(connection: DuckDBConnection, table: string): Promise<void> {
  const described = await connection.runAndReadAll(
    `SELECT column_name FROM duckdb_columns() WHERE table_name = $1 AND data_type = 'JSON'`,
    [table],
  )
  const name = quoteIdentifier(table)
  for (const [value] of described.getRows()) {
    const column = quoteIdentifier(String(value))
    const nested = await connection.runAndReadAll(
      `SELECT count(*) FROM ${name} WHERE json_type(${column}) IN ('OBJECT', 'ARRAY')`,
    )
    if (nested.getRows()[0]?.[0] !== 0n) continue
    await connection.run(`ALTER TABLE ${name} ALTER ${column} TYPE VARCHAR USING ${column} ->> '$'`)
  }
}

/** Creates one table from one file. Throws DuckDB's own error when the file is not what its name says. */
export async function loadTable(
  connection: DuckDBConnection,
  source: SourceFile,
  table: string,
): Promise<void> {
  const name = quoteIdentifier(table)
  await connection.run(`CREATE OR REPLACE TABLE ${name} AS SELECT * FROM ${reader(source)}`)
  if (source.kind === 'json' || source.kind === 'ndjson') await scalarsToText(connection, table)
  if (source.kind !== 'csv' && source.kind !== 'tsv') return
  // A file without a header line names its columns column0, column1...; its first row is data, so the test is skipped.
  const codes = await codeColumns(connection, source, table).catch(() => [])
  if (codes.length === 0) return
  const types = codes.map((column) => `${quoteLiteral(column)}: 'VARCHAR'`).join(', ')
  await connection.run(
    `CREATE OR REPLACE TABLE ${name} AS SELECT * FROM ${reader(source, `, types={${types}}`)}`,
  )
}
