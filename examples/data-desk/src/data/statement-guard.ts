import { type DuckDBConnection, StatementType } from '@duckdb/node-api'
import { type BoundedStatement, boundStatement } from './bounded-columns.js'
import type { FunctionPolicy } from './function-policy.js'
import { whyNotAllowed } from './function-policy.js'
import { nearNames } from './near-names.js'
import { QueryRefusal } from './refusal.js'
import { toSqlRefusal } from './sql-error.js'
import { isNode, type Node, nodesOf } from './syntax-tree.js'

/** Longer statements are refused before they reach the parser. */
export const maxSqlCharacters = 20_000

export interface GuardRules {
  readonly functions: FunctionPolicy
  /** The datasets' names. */
  readonly datasets: ReadonlySet<string>
  /** DuckDB's own catalogue views, in lower case. */
  readonly systemViews: ReadonlySet<string>
}

const readOnlyHint =
  'Send one SELECT (WITH, FROM, VALUES, DESCRIBE and SUMMARIZE work too) over the datasets of list-datasets.'

function refuse(message: string, hint = readOnlyHint): QueryRefusal {
  return new QueryRefusal('not_read_only', message, hint)
}

/** The statement's first word, for the message only: nothing is decided by it. */
function firstWord(sql: string): string {
  const bare = sql.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|;)+/, '')
  return /^[A-Za-z]{1,20}/.exec(bare)?.[0].toUpperCase() ?? 'This'
}

function textOf(node: Node, key: string): string {
  const value = node[key]
  return typeof value === 'string' ? value.toLowerCase() : ''
}

function checkFunction(name: string, allowed: ReadonlySet<string>, rules: GuardRules): void {
  if (name === '' || allowed.has(name)) return
  if (rules.functions.known.has(name)) {
    throw refuse(`The function ${name}() is not allowed here: ${whyNotAllowed(name)}.`)
  }
  const near = nearNames(name, allowed)
  throw new QueryRefusal(
    'sql_error',
    `There is no function named ${JSON.stringify(name.slice(0, 60))}.`,
    near.length > 0 ? `Similar functions: ${near.join(', ')}.` : undefined,
  )
}

function checkTable(node: Node, cteNames: ReadonlySet<string>, rules: GuardRules): void {
  const name = textOf(node, 'table_name')
  const schema = textOf(node, 'schema_name')
  const catalog = textOf(node, 'catalog_name')
  if (schema === 'information_schema' && (name === 'tables' || name === 'columns')) return
  const home = (schema === '' || schema === 'main') && (catalog === '' || catalog === 'memory')
  const shown = [catalog, schema, name]
    .filter((part) => part !== '')
    .join('.')
    .slice(0, 120)
  const engineSchema = ['pg_catalog', 'information_schema', 'system', 'temp'].some(
    (s) => s === schema || s === catalog,
  )
  // A CTE may share a system view's name in one place and not in another, so such names are refused throughout.
  if (engineSchema || (home && !rules.datasets.has(name) && rules.systemViews.has(name))) {
    throw refuse(`The table ${shown} is not allowed here: it shows the engine, not the data.`)
  }
  if (home && (rules.datasets.has(name) || cteNames.has(name))) return
  if (/[/\\]|\.(csv|tsv|json|ndjson|parquet|txt|db|duckdb)\b|^[a-z]+:/.test(name)) {
    throw refuse('Reading files is not allowed: only the loaded datasets are served.')
  }
  const near = nearNames(name, rules.datasets)
  throw new QueryRefusal(
    'sql_error',
    `There is no dataset named ${JSON.stringify(shown)}.`,
    near.length > 0 ? `Similar datasets: ${near.join(', ')}.` : 'list-datasets shows the names there are.',
  )
}

function checkTree(tree: unknown, rules: GuardRules): void {
  const cteNames = new Set<string>()
  const tableFunctionCalls = new Set<unknown>()
  for (const node of nodesOf(tree)) {
    if (isNode(node['cte_map']) && Array.isArray(node['cte_map']['map'])) {
      for (const entry of node['cte_map']['map']) if (isNode(entry)) cteNames.add(textOf(entry, 'key'))
    }
    if (node['type'] === 'TABLE_FUNCTION') tableFunctionCalls.add(node['function'])
  }
  for (const node of nodesOf(tree)) {
    if (typeof node['function_name'] === 'string') {
      const allowed = tableFunctionCalls.has(node) ? rules.functions.tables : rules.functions.scalars
      checkFunction(textOf(node, 'function_name'), allowed, rules)
    }
    if (node['type'] === 'BASE_TABLE') checkTable(node, cteNames, rules)
    if (node['type'] === 'SHOW_REF' && textOf(node, 'table_name') !== '')
      checkShow(textOf(node, 'table_name'))
  }
}

function checkShow(name: string): void {
  if (name === '"tables"' || name === '__show_tables_expanded') return
  throw refuse(
    `SHOW ${name.replaceAll('"', '').slice(0, 60)} is not allowed here.`,
    'SHOW TABLES works, and list-datasets says more.',
  )
}

interface Serialized {
  readonly error: boolean
  readonly error_type?: string
  readonly error_message?: string
  readonly statements?: readonly unknown[]
}

/**
 * DuckDB's own parser's view of a text that holds only SELECT statements, as JSON.
 * (`json_serialize_sql` parses its argument; it runs nothing and looks nothing up.)
 */
async function parse(connection: DuckDBConnection, sql: string): Promise<Serialized> {
  const reader = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql])
  return JSON.parse(String(reader.getRows()[0]?.[0])) as Serialized
}

async function describeRefusedText(connection: DuckDBConnection, sql: string): Promise<QueryRefusal> {
  const word = firstWord(sql)
  if (word === 'PIVOT' || word === 'UNPIVOT') {
    return refuse(
      `${word} as a statement creates a type first, so it is not allowed.`,
      'Write it as a SELECT with its values listed: FROM (PIVOT t ON column IN (1, 2) USING count(*)).',
    )
  }
  if (word === 'EXPLAIN') return refuse('EXPLAIN is not allowed: this tool returns data, not plans.')
  const count = await connection.extractStatements(sql).then(
    (all) => all.count,
    () => 1,
  )
  if (count > 1) return refuse(`${count} statements were sent; one is allowed.`)
  return refuse(`${word === 'THIS' ? 'This' : word} statements are not allowed: this server only reads.`)
}

/**
 * Prepares a statement if, and only if, DuckDB's own parser says it is one SELECT that names nothing but the
 * datasets and functions of the allow-list. Throws a {@link QueryRefusal} (`not_read_only` or `sql_error`) otherwise.
 */
export async function prepareReadOnly(
  connection: DuckDBConnection,
  sql: string,
  rules: GuardRules,
): Promise<BoundedStatement> {
  // A parser written in C may stop reading at NUL and judge only what stands before it.
  if (sql.includes('\0')) throw new QueryRefusal('sql_error', 'The statement contains a NUL character.')
  if (sql.length > maxSqlCharacters) {
    throw new QueryRefusal(
      'sql_error',
      `The statement has ${sql.length} characters; ${maxSqlCharacters} are allowed.`,
    )
  }
  const parsed = await parse(connection, sql)
  if (parsed.error) {
    if (parsed.error_type === 'not implemented') throw await describeRefusedText(connection, sql)
    throw toSqlRefusal(`Parser Error: ${parsed.error_message ?? 'the statement cannot be read'}`)
  }
  const count = parsed.statements?.length ?? 0
  if (count === 0) throw new QueryRefusal('sql_error', 'The statement is empty.')
  if (count > 1) throw refuse(`${count} statements were sent; one is allowed.`)
  checkTree(parsed.statements, rules)

  const extracted = await connection.extractStatements(sql)
  if (extracted.count !== 1) throw refuse(`${extracted.count} statements were sent; one is allowed.`)
  const prepared = await extracted.prepare(0)
  const type = prepared.statementType
  const parameters = prepared.parameterCount
  if (type !== StatementType.SELECT || parameters > 0) {
    prepared.destroySync()
    if (parameters > 0) {
      throw new QueryRefusal(
        'sql_error',
        'The statement has parameters (? or $1), and there are no values for them.',
        'Write the values into the SQL.',
      )
    }
    throw refuse(`${StatementType[type]} statements are not allowed: this server only reads.`)
  }
  return boundStatement(connection, sql, prepared)
}
