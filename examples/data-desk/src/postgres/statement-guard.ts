import { checkReadOnly } from 'holdfast/security'
import { parse } from 'libpg-query'
import { nearNames } from '../data/near-names.js'
import { QueryRefusal } from '../data/refusal.js'
import { maxSqlCharacters } from '../data/statement-guard.js'
import { isNode, type Node, nodesOf } from '../data/syntax-tree.js'
import { isAboutTheServer, isCallAsField, isCatalogueType } from './engine-names.js'
import { dataSchema } from './names.js'

/** What a statement may be about. */
export interface GuardedNames {
  /** Tables in {@link dataSchema}. */
  readonly datasets: ReadonlySet<string>
  /** The caller's own imports; they are written without a schema. */
  readonly imported: ReadonlySet<string>
}

export interface GuardedStatement {
  /** The one statement, without a semicolon, so that it can stand in brackets. */
  readonly sql: string
  /** The caller's imports that it needs. */
  readonly imports: ReadonlySet<string>
}

const readOnlyHint = 'Send one SELECT (WITH, VALUES and TABLE work too) over the datasets of list-datasets.'
const dialectHint =
  'The dialect is PostgreSQL; names with spaces, capitals or keywords go into double quotes, text into single quotes.'
/** What `checkReadOnly` says of a text that is no statement, or has a name that it does not know. */
const mistake =
  /^The statement is not valid|^There is no statement|nested too deeply|too much for the parser|NUL|bytes/
const unknownName = /is not among the (functions|operators) that are allowed/

/**
 * The first of three layers: one statement that only reads, as PostgreSQL's own parser reads it; functions of the list of
 * `checkReadOnly`, less those about the server; and no tables but the datasets and the caller's imports.
 * @throws {QueryRefusal} that says what is not allowed
 */
export async function guardStatement(sql: string, names: GuardedNames): Promise<GuardedStatement> {
  if (sql.length > maxSqlCharacters) {
    throw new QueryRefusal(
      'sql_error',
      `The statement has ${sql.length} characters; ${maxSqlCharacters} are allowed.`,
    )
  }
  const verdict = await checkReadOnly(sql, { dialect: 'postgres' })
  if (!verdict.ok) throw refusalOf(verdict.reason)
  const tree = await parse(sql)
  const [statement] = tree.stmts ?? []
  if (statement?.stmt === undefined) throw refusalOf('There is no statement.')
  const [kind = ''] = Object.keys(statement.stmt)
  if (kind === 'ExplainStmt') throw refuse('EXPLAIN is not allowed: this tool returns data, not plans.')
  if (kind === 'VariableShowStmt') {
    throw refuse(
      'SHOW is not allowed: it shows the server, not the data.',
      'list-datasets shows the datasets.',
    )
  }
  const imports = checkTree(statement.stmt, names)
  const bytes = Buffer.from(sql)
  const from = statement.stmt_location ?? 0
  // Without a length it goes on to the end.
  const length = statement.stmt_len === undefined || statement.stmt_len === 0 ? undefined : statement.stmt_len
  return {
    sql: bytes.subarray(from, length === undefined ? bytes.length : from + length).toString('utf8'),
    imports,
  }
}

function refuse(message: string, hint = readOnlyHint): QueryRefusal {
  return new QueryRefusal('not_read_only', message, hint)
}

function refusalOf(reason: string): QueryRefusal {
  if (mistake.test(reason)) return new QueryRefusal('sql_error', reason, dialectHint)
  if (unknownName.test(reason)) {
    return new QueryRefusal('sql_error', reason, 'The built-in functions that only read are allowed.')
  }
  return refuse(reason)
}

function textsOf(list: unknown): string[] {
  if (!Array.isArray(list)) return []
  return list.map((item: unknown) => {
    const text = isNode(item) && isNode(item['String']) ? item['String']['sval'] : undefined
    return typeof text === 'string' ? text : ''
  })
}

/** Nodes are known by the fields that only they have: some stand in the tree without the name of their kind. */
function checkTree(root: unknown, names: GuardedNames): ReadonlySet<string> {
  const ctes = new Set<string>()
  for (const { ctename } of nodesOf(root)) if (typeof ctename === 'string') ctes.add(ctename)
  const imports = new Set<string>()
  for (const node of nodesOf(root)) {
    if ('relname' in node) for (const name of checkTable(node, ctes, names)) imports.add(name)
    if ('funcname' in node) checkFunction(textsOf(node['funcname']).at(-1) ?? '')
    if ('names' in node) checkType(textsOf(node['names']))
    if ('SQLValueFunction' in node) checkValueFunction(node['SQLValueFunction'])
    if ('fields' in node) for (const field of textsOf(node['fields']).slice(1)) checkField(field)
    if ('indirection' in node) for (const field of textsOf(node['indirection'])) checkField(field)
    if ('ParamRef' in node) {
      throw new QueryRefusal(
        'sql_error',
        'The statement has parameters ($1), and there are no values for them.',
        'Write the values into the SQL.',
      )
    }
  }
  return imports
}

function checkFunction(name: string): void {
  if (!isAboutTheServer(name)) return
  throw refuse(`The function ${name}() is not allowed here: it shows the server, not the data.`)
}

/** Clocks are values too; names of users, roles and schemas are the server's. */
function checkValueFunction(node: unknown): void {
  const name = String(isNode(node) ? node['op'] : '').replace(/^SVFOP_/, '')
  if (/USER|ROLE|CATALOG|SCHEMA/.test(name)) {
    throw refuse(`${name} is not allowed here: it shows the server, not the data.`)
  }
}

/** Tables are types too, so a type of another schema would show whether that has a table of this name. */
function checkType(parts: readonly string[]): void {
  const name = parts.at(-1) ?? ''
  if (parts.length <= 1 ? !isCatalogueType(name) : parts[0] === 'pg_catalog' && !isCatalogueType(name)) return
  throw refuse(
    `The type ${parts.join('.').slice(0, 120)} is not allowed here: it shows the server, not the data.`,
  )
}

function checkField(name: string): void {
  if (!isCallAsField(name)) return
  throw refuse(`The function ${name}() is not allowed here, also when it is written as a field.`)
}

/** The imports that a table needs: itself, or all where the tables are listed. */
function checkTable(
  node: Node,
  ctes: ReadonlySet<string>,
  { datasets, imported }: GuardedNames,
): Iterable<string> {
  const part = (key: string): string | undefined => {
    const value = node[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const [catalog, schema, name = ''] = [part('catalogname'), part('schemaname'), part('relname')]
  const shown = [catalog, schema, name].filter((text) => text !== undefined).join('.')
  if (catalog === undefined && schema === 'information_schema' && (name === 'tables' || name === 'columns')) {
    return imported
  }
  // Without a schema, PostgreSQL looks into its catalogue first, and all names there begin so.
  if (/^pg_/.test(name) || /^pg_|^information_schema$/.test(schema ?? '')) {
    throw refuse(`The table ${shown.slice(0, 120)} is not allowed here: it shows the server, not the data.`)
  }
  if (catalog === undefined && schema === undefined && imported.has(name)) return [name]
  if (catalog === undefined && schema === undefined && ctes.has(name)) return []
  if (catalog === undefined && (schema === undefined || schema === dataSchema) && datasets.has(name))
    return []
  const near = nearNames(name, [...datasets, ...imported])
  throw new QueryRefusal(
    'sql_error',
    `There is no dataset named ${JSON.stringify(shown.slice(0, 120))}.`,
    near.length > 0 ? `Similar datasets: ${near.join(', ')}.` : 'list-datasets shows the names there are.',
  )
}
