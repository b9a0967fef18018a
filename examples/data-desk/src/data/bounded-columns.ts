import {
  DuckDBArrayType,
  type DuckDBConnection,
  DuckDBListType,
  DuckDBMapType,
  type DuckDBPreparedStatement,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api'
import { itemLimit, textLimit } from './json-value.js'
import { quoteIdentifier, quoteLiteral } from './table-names.js'

export interface ResultColumn {
  readonly name: string
  /** DuckDB's type, as written in SQL. */
  readonly type: string
  /** Whether the column's text is JSON. */
  readonly isJson: boolean
}

export interface BoundedStatement {
  readonly statement: DuckDBPreparedStatement
  readonly columns: readonly ResultColumn[]
}

const sizedByText = new Set([
  DuckDBTypeId.BIT,
  DuckDBTypeId.BIGNUM,
  DuckDBTypeId.UNION,
  DuckDBTypeId.VARIANT,
  DuckDBTypeId.GEOMETRY,
])

/**
 * The expression that cuts a value to the limits of {@link itemLimit} and {@link textLimit}, one beyond them so that a cut shows;
 * undefined for types of fixed size.
 */
function bounded(expression: string, type: DuckDBType, depth: number): string | undefined {
  const text = (value: string): string => `left(${value}, ${textLimit(depth) + 1})`
  if (type.typeId === DuckDBTypeId.VARCHAR) return text(expression)
  if (sizedByText.has(type.typeId)) return text(`${expression}::VARCHAR`)
  if (type.typeId === DuckDBTypeId.BLOB)
    return `unhex(left(hex(${expression}), ${(textLimit(depth) + 1) * 2}))`
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const items = `${expression}[1:${itemLimit(depth) + 1}]`
    const item = bounded(`x${depth}`, type.valueType, depth + 1)
    return item === undefined ? items : `list_transform(${items}, lambda x${depth}: ${item})`
  }
  if (type instanceof DuckDBMapType) {
    const entries = `map_entries(${expression})[1:${itemLimit(depth) + 1}]`
    const key = bounded(`x${depth}.key`, type.keyType, depth + 1) ?? `x${depth}.key`
    const value = bounded(`x${depth}.value`, type.valueType, depth + 1) ?? `x${depth}.value`
    return `list_transform(${entries}, lambda x${depth}: {'key': ${key}, 'value': ${value}})`
  }
  if (type instanceof DuckDBStructType) {
    let changed = false
    const entries = type.entryNames.map((name, index) => {
      // Fields without a name (a row) are reached by their place.
      const field = `struct_extract(${expression}, ${name === '' ? index + 1 : quoteLiteral(name)})`
      const entry = type.entryTypes[index]
      const cut = entry === undefined ? undefined : bounded(field, entry, depth + 1)
      changed ||= cut !== undefined
      return `${quoteIdentifier(name === '' ? `v${index + 1}` : name)}: ${cut ?? field}`
    })
    return changed ? `CASE WHEN ${expression} IS NOT NULL THEN {${entries.join(', ')}} END` : undefined
  }
  return undefined
}

/** The columns of a prepared statement; a name that occurs twice gets `:1`, `:2`... as DuckDB does. */
function columnsOf(statement: DuckDBPreparedStatement): ResultColumn[] {
  const taken = new Set<string>()
  return Array.from({ length: statement.columnCount }, (_, index) => {
    const wanted = statement.columnName(index)
    let name = wanted
    for (let n = 1; taken.has(name); n += 1) name = `${wanted}:${n}`
    taken.add(name)
    const type = statement.columnType(index)
    return { name, type: type.alias ?? String(type), isJson: type.alias === 'JSON' }
  })
}

/**
 * Makes a prepared SELECT return values of bounded size only, by cutting long ones inside DuckDB: a single list of
 * a hundred million numbers fits into the memory limit there, and would end the process as a JavaScript array.
 * Takes over the statement, which must be the one made from `sql`.
 */
export async function boundStatement(
  connection: DuckDBConnection,
  sql: string,
  statement: DuckDBPreparedStatement,
): Promise<BoundedStatement> {
  const columns = columnsOf(statement)
  const cuts = columns.map((_, index) => bounded(`c${index}`, statement.columnType(index), 0))
  if (cuts.every((cut) => cut === undefined)) return { statement, columns }
  statement.destroySync()
  const selected = cuts.map((cut, index) => cut ?? `c${index}`).join(', ')
  const names = cuts.map((_, index) => `c${index}`).join(', ')
  // query() has DuckDB's parser take the text as one SELECT, whatever comments or semicolons stand at its end.
  const wrapped = await connection.prepare(
    `SELECT ${selected} FROM query(${quoteLiteral(sql)}) AS q(${names})`,
  )
  return { statement: wrapped, columns }
}
