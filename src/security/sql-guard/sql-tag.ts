import { shown } from '../../errors/shown.js'

/** What the protocol of PostgreSQL can number (Int16, unsigned in practice). SQLite takes 32,766. */
const MAX_VALUES = 65_535

/** A statement, or a part of one, with the values that belong to its placeholders. It cannot be changed. */
export interface SqlQuery {
  /** With `$1`, `$2`… as PostgreSQL has them; with `values` this is what the `query` of pg takes. */
  readonly text: string
  /** In the order of the placeholders. Frozen. */
  readonly values: unknown[]
  /** The same statement with `?`, as the drivers of SQLite and MySQL have them. */
  readonly sqlite: string
}

/** The tag, and the two ways of putting something else than a value into a statement. */
export interface SqlTag {
  (strings: TemplateStringsArray, ...parts: readonly unknown[]): SqlQuery
  /**
   * A quoted name of a table or column that is only known at run time.
   *
   * @param allowed every name that it may be, as the database spells it
   * @throws RangeError when the name is not among them
   */
  identifier(name: string, allowed: readonly string[]): SqlQuery
  /**
   * Values and parts, one after the other, for lists that are only as long as the input: `in (${sql.join(ids)})`.
   *
   * @param separator what stands between two of them; default sql`, `
   * @throws TypeError when there is none, because nothing is rarely what a statement means
   */
  join(parts: readonly unknown[], separator?: SqlQuery): SqlQuery
}

/** One more text than values: a value stands between two texts. */
class Fragment implements SqlQuery {
  readonly text: string
  readonly values: unknown[]
  readonly #texts: readonly string[]

  constructor(texts: readonly string[], values: unknown[]) {
    if (values.length > MAX_VALUES) {
      throw new RangeError(
        `A statement can have ${MAX_VALUES} values, got ${values.length}; bind a list as one array.`,
      )
    }
    this.#texts = texts
    this.text = texts.map((text, index) => (index === 0 ? text : `$${index}${text}`)).join('')
    this.values = values
    Object.freeze(values)
    Object.freeze(this)
  }

  get sqlite(): string {
    return this.#texts.join('?')
  }

  /** Known by its private field, which no object from outside can have. */
  static textsOf(value: unknown): readonly string[] | undefined {
    return typeof value === 'object' && value !== null && #texts in value ? value.#texts : undefined
  }
}

/**
 * A statement whose values are bound, never written into it:
 *
 * ```ts
 * const { rows } = await pool.query(sql`select * from orders where id = ${id}`)
 * ```
 *
 * Whatever stands in `${}` is a value, also an array or an object; only another sql`…`, `sql.identifier` and
 * `sql.join` are parts of the statement.
 *
 * @throws TypeError for a value that no database has: undefined, a function, a symbol, a promise
 */
export const sql: SqlTag = Object.assign(
  (strings: TemplateStringsArray, ...parts: readonly unknown[]): SqlQuery => {
    if (!Array.isArray(strings) || !Array.isArray(strings.raw)) {
      throw new TypeError(
        'sql is a tag and takes no string; write sql`select …` with the values as parts of the template.',
      )
    }
    if (strings.some((text: unknown) => typeof text !== 'string')) {
      throw new TypeError(
        'The statement has an escape that JavaScript does not know; write a backslash as \\\\.',
      )
    }
    return compose(strings, parts)
  },
  { identifier, join },
)

/** A part stands between two texts. */
function compose(strings: readonly string[], parts: readonly unknown[]): SqlQuery {
  const texts = [strings[0] ?? '']
  const values: unknown[] = []
  const write = (text: string): void => {
    texts[texts.length - 1] += text
  }
  for (const [index, part] of parts.entries()) {
    const inner = Fragment.textsOf(part)
    if (inner === undefined) {
      values.push(checkValue(part, index + 1))
      texts.push('')
    } else {
      write(inner[0] ?? '')
      texts.push(...inner.slice(1))
      values.push(...(part as SqlQuery).values)
    }
    write(strings[index + 1] ?? '')
  }
  return new Fragment(texts, values)
}

function checkValue(value: unknown, position: number): unknown {
  const kind = typeof value
  const isPromise = value instanceof Promise
  if (kind !== 'undefined' && kind !== 'function' && kind !== 'symbol' && !isPromise) return value
  const got = isPromise
    ? 'a promise; await it'
    : kind === 'undefined'
      ? 'undefined; use null for no value'
      : `a ${kind}`
  throw new TypeError(`Value ${position} of the statement cannot be bound, got ${got}.`)
}

function identifier(name: string, allowed: readonly string[]): SqlQuery {
  if (!Array.isArray(allowed) || allowed.some((entry: unknown) => typeof entry !== 'string')) {
    throw new TypeError(
      `sql.identifier needs the list of names that are allowed, such as ['id', 'name'], got ${shown(allowed)}.`,
    )
  }
  if (typeof name !== 'string' || !allowed.includes(name)) {
    throw new RangeError(
      `The name ${shown(name)} is not allowed here; use one of ${shown(allowed.join(', '), 200)}.`,
    )
  }
  if (name === '' || name.includes('\0')) {
    throw new RangeError(`The name ${shown(name)} cannot be a name in a database; give one with characters.`)
  }
  return new Fragment([`"${name.replaceAll('"', '""')}"`], [])
}

function join(parts: readonly unknown[], separator: SqlQuery = sql`, `): SqlQuery {
  if (!Array.isArray(parts) || parts.length === 0) {
    throw new TypeError(`sql.join needs a list with at least one value or part, got ${shown(parts)}.`)
  }
  if (Fragment.textsOf(separator) === undefined) {
    throw new TypeError(
      `The separator of sql.join must be a part of a statement such as sql\` and \`, got ${shown(separator)}.`,
    )
  }
  const [first, ...rest] = parts
  const all = [first, ...rest.flatMap((part) => [separator, part])]
  return compose(
    Array.from({ length: all.length + 1 }, () => ''),
    all,
  )
}
