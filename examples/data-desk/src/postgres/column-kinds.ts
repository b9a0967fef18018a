import type { Column, Queries } from 'holdfast/services/postgres'
import { itemLimit, textLimit } from '../data/json-value.js'

/** Characters of what is read as JSON: an array, a composite value, a value of type json. */
export const jsonLimit = 65_536

/** How values of a type are made text in the database, and read here. */
export interface ColumnKind {
  /** PostgreSQL's name of the type. */
  readonly type: string
  readonly shape: 'plain' | 'text' | 'bytes' | 'json' | 'array'
  /** The name of the items' type, of an array. */
  readonly item: string | undefined
}

/** Types whose every value is short. */
const fixed = new Set([
  'boolean',
  'smallint',
  'integer',
  'bigint',
  'real',
  'double precision',
  'date',
  'interval',
  'uuid',
  'oid',
])

/** More types than this in one database are looked up again. */
const maxKnown = 1000

/** What the types of columns are, asked once each. */
export class ColumnKinds {
  readonly #known = new Map<number, ColumnKind>()

  async of(columns: readonly Column[], queries: Queries): Promise<ColumnKind[]> {
    const missing = [...new Set(columns.map(({ typeId }) => typeId))].filter((id) => !this.#known.has(id))
    if (missing.length > 0) await this.#ask(missing, queries)
    return columns.map(
      ({ typeId }) => this.#known.get(typeId) ?? { type: 'unknown', shape: 'text', item: undefined },
    )
  }

  async #ask(ids: readonly number[], queries: Queries): Promise<void> {
    if (this.#known.size > maxKnown) this.#known.clear()
    const { rows } = await queries.query<{
      id: number
      type: string
      category: string
      kind: string
      item: string | null
    }>(
      `select t.oid as id, format_type(t.oid, null) as type, t.typcategory as category, t.typtype as kind,
         case when t.typlen = -1 and t.typelem <> 0 then format_type(t.typelem, null) end as item
       from pg_catalog.pg_type t where t.oid = any($1::oid[])`,
      [ids],
    )
    for (const { id, type, category, kind, item } of rows) {
      const shape = shapeOf(type, category, kind)
      this.#known.set(id, { type, shape, item: shape === 'array' ? (item ?? undefined) : undefined })
    }
  }
}

function shapeOf(type: string, category: string, kind: string): ColumnKind['shape'] {
  if (fixed.has(type) || /^time[^[]*$/.test(type)) return 'plain'
  if (type === 'bytea') return 'bytes'
  if (type === 'json' || type === 'jsonb' || kind === 'c' || type === 'record') return 'json'
  return category === 'A' && /\[\]$/.test(type) ? 'array' : 'text'
}

/** The kind of a column whose type is known by its name: one of a dataset. */
export function kindOfType(type: string): ColumnKind {
  const item = /^(.*)\[\]$/.exec(type)?.[1]
  return {
    type: type.replace(/^numeric\(.*\)$/, 'numeric'),
    shape: item === undefined ? shapeOf(type, '', '') : 'array',
    item,
  }
}

/** The expression that makes a value text of bounded length, one beyond the limit so that a cut shows. */
export function boundedText(column: string, { shape }: ColumnKind): string {
  switch (shape) {
    case 'plain':
      return `${column}::text`
    case 'text':
      return `left(${column}::text, ${textLimit(0) + 1})`
    case 'bytes':
      return `encode(substring(${column} from 1 for ${textLimit(0) + 1}), 'base64')`
    case 'json':
      return `left(to_json(${column})::text, ${jsonLimit + 1})`
    case 'array':
      return `left(to_json(${column}[:${itemLimit(0) + 1}]::text[])::text, ${jsonLimit + 1})`
  }
}
