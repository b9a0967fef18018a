import type { Column, Database, Queries } from 'holdfast/services/postgres'
import { BoundedRows, type Row } from '../data/bounded-rows.js'
import { type CutCount, textLimit } from '../data/json-value.js'
import type { QueryLimits, QueryResult } from '../data/run-query.js'
import { quoteIdentifier } from '../data/table-names.js'
import { cellValue } from './cell-value.js'
import { boundedText, type ColumnKind, type ColumnKinds } from './column-kinds.js'
import { dataSchema } from './names.js'
import { toSqlRefusal } from './sql-refusal.js'

/** About what one portion of rows may have in memory, in characters, if every value were as long as it may be. */
const portionCharacters = 8_000_000

export interface ReadStatement {
  /** One SELECT that can stand in brackets. */
  readonly sql: string
  /** The role it runs as, which may read the datasets. */
  readonly role: string
  /** Schemas that it needs besides: nobody but this transaction may read them. */
  readonly schemas: readonly string[]
  readonly limits: Omit<QueryLimits, 'timeoutMs'>
  /** Names of columns that may have been meant. */
  readonly columns: () => Iterable<string>
}

/** Ends a transaction that has worked and must leave nothing. */
const undo = new Error('Undone, as it was meant to be.')

/** Runs work in a transaction of which nothing is kept. */
async function undone<T>(
  database: Database,
  readOnly: boolean,
  work: (queries: Queries) => Promise<T>,
): Promise<T> {
  let outcome: { readonly value: T } | undefined
  try {
    await database.transaction(
      async (transaction) => {
        outcome = { value: await work(transaction) }
        throw undo
      },
      { readOnly },
    )
  } catch (error) {
    if (error !== undo) throw error
  }
  if (outcome === undefined) throw new Error('The transaction ended without an outcome.')
  return outcome.value
}

/**
 * Makes the transaction one of the reader's role, over the datasets and these schemas. That role has no right to the schemas: it is
 * given within this transaction, seen by nobody else and undone with it.
 */
async function becomeReader(queries: Queries, { role, schemas }: ReadStatement): Promise<void> {
  for (const schema of schemas) {
    const name = quoteIdentifier(schema)
    await queries.query(`grant usage on schema ${name} to ${quoteIdentifier(role)}`)
    await queries.query(`grant select on all tables in schema ${name} to ${quoteIdentifier(role)}`)
  }
  const settings = {
    // Temporary tables would be found first unless they are named.
    search_path: ['pg_catalog', dataSchema, ...schemas, 'pg_temp'].map(quoteIdentifier).join(', '),
    timezone: 'UTC',
    datestyle: 'ISO, YMD',
    intervalstyle: 'postgres',
    standard_conforming_strings: 'on',
    lock_timeout: '2s',
    idle_in_transaction_session_timeout: '30s',
    // Nothing can be set after this that the role may not set.
    role,
  }
  const names = Object.keys(settings)
  const set = names.map((name, index) => `set_config('${name}', $${index + 1}, true)`)
  await queries.query(`select ${set.join(', ')}`, Object.values(settings))
  if (schemas.length > 0) await queries.query('set transaction read only')
}

/** Names for the columns: one that occurs twice gets `:1`, `:2`... */
function distinctNames(columns: readonly Column[]): string[] {
  const taken = new Set<string>()
  return columns.map(({ name: wanted }) => {
    let name = wanted
    for (let n = 1; taken.has(name); n += 1) name = `${wanted}:${n}`
    taken.add(name)
    return name
  })
}

/**
 * The second layer: runs one statement in a read-only transaction that is undone, as a role that may only read, through a cursor.
 * Long values are cut in the database, so that a huge one never reaches JavaScript. The time is the service's.
 * @throws {QueryRefusal} with what PostgreSQL or the pool said, or `result_too_large`
 */
export async function readStatement(
  database: Database,
  statement: ReadStatement,
  kinds: ColumnKinds,
): Promise<QueryResult> {
  const { schemas, limits, columns: meant } = statement
  // On a line of its own, because the statement may end with a comment.
  const opening = 'select * from ('
  const shape = `${opening}${statement.sql}\n) as q limit 0`
  try {
    return await undone(database, schemas.length === 0, async (queries) => {
      await becomeReader(queries, statement)
      const { columns } = await queries.query(shape)
      if (columns.length === 0) return { columns: [], rows: [], truncatedBy: undefined, cutCells: 0 }
      const types = await kinds.of(columns, queries)
      const names = distinctNames(columns)
      const cells = names.map((_, index) => `c${index}`)
      const texts = types.map((kind, index) => `${boundedText(`c${index}`, kind)} as c${index}`)
      const bounded = `select ${texts.join(', ')} from (${statement.sql}\n) as q(${cells.join(', ')})`
      const portion = Math.floor(portionCharacters / (columns.length * textLimit(0)))
      const batch = Math.max(1, Math.min(limits.rows + 1, portion))
      const found = queries.stream<Record<string, string | null>>(bounded, [], { batch })
      const { rows, cut } = await takeRows(found, names, types, limits)
      return {
        columns: names.map((name, index) => ({ name, type: types[index]?.type ?? 'unknown' })),
        rows: rows.rows,
        truncatedBy: rows.truncatedBy,
        cutCells: cut.cells,
      }
    })
  } catch (error) {
    throw toSqlRefusal(error, { text: statement.sql, before: opening.length, columns: meant })
  }
}

async function takeRows(
  found: AsyncIterable<Record<string, string | null>>,
  names: readonly string[],
  kinds: readonly ColumnKind[],
  limits: ReadStatement['limits'],
): Promise<{ rows: BoundedRows; cut: CutCount }> {
  const cut: CutCount = { cells: 0 }
  const rows = new BoundedRows(limits)
  for await (const values of found) {
    const row = (): Row =>
      Object.fromEntries(
        names.map((name, index) => {
          const kind = kinds[index]
          return [name, kind === undefined ? null : cellValue(values[`c${index}`] ?? null, kind, cut)]
        }),
      )
    if (!rows.add(row)) break
  }
  return { rows, cut }
}
