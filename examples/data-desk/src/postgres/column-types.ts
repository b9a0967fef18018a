import { quoteIdentifier } from '../data/table-names.js'

const sameMeaning: ReadonlyMap<string, string> = new Map([
  ['BOOLEAN', 'boolean'],
  ['TINYINT', 'smallint'],
  ['UTINYINT', 'smallint'],
  ['SMALLINT', 'smallint'],
  ['USMALLINT', 'integer'],
  ['INTEGER', 'integer'],
  ['UINTEGER', 'bigint'],
  ['BIGINT', 'bigint'],
  ['UBIGINT', 'numeric'],
  ['HUGEINT', 'numeric'],
  ['UHUGEINT', 'numeric'],
  ['FLOAT', 'real'],
  ['DOUBLE', 'double precision'],
  ['VARCHAR', 'text'],
  ['BLOB', 'bytea'],
  ['UUID', 'uuid'],
  ['DATE', 'date'],
  ['TIME', 'time without time zone'],
  ['TIMESTAMP', 'timestamp without time zone'],
  ['TIMESTAMP_S', 'timestamp without time zone'],
  ['TIMESTAMP_MS', 'timestamp without time zone'],
  ['TIMESTAMP_NS', 'timestamp without time zone'],
  ['TIMESTAMP WITH TIME ZONE', 'timestamp with time zone'],
  ['INTERVAL', 'interval'],
])

/** The type in PostgreSQL of a column of DuckDB; lists, structs and maps are JSON there, and what it does not have is text. */
export function postgresType(type: string): string {
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(type)
  if (decimal !== null) return `numeric(${decimal[1]},${decimal[2]})`
  return sameMeaning.get(type) ?? (isNested(type) ? 'jsonb' : 'text')
}

function isNested(type: string): boolean {
  return type === 'JSON' || /\[\d*\]$|^(STRUCT|MAP|UNION)\(/.test(type)
}

/** What DuckDB is to select so that PostgreSQL reads the text as its {@link postgresType}. */
export function textForPostgres(column: string, type: string): string {
  const name = quoteIdentifier(column)
  if (type === 'BLOB') return `'\\x' || hex(${name})`
  if (isNested(type)) return `to_json(${name})::VARCHAR`
  // PostgreSQL has no character NUL.
  return type === 'VARCHAR' ? `replace(${name}, chr(0), '')` : `${name}::VARCHAR`
}
