import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import type { JsonSchema } from './json-schema.js'

/** The dialects we compile. Without `$schema` a document is 2020-12, as tool schemas are (SEP-1613). */
export type Dialect = '2020-12' | 'draft-07'

const DIALECTS: Readonly<Record<string, Dialect>> = {
  'https://json-schema.org/draft/2020-12/schema': '2020-12',
  'http://json-schema.org/draft-07/schema': 'draft-07',
  'https://json-schema.org/draft-07/schema': 'draft-07',
}

/** Deepest nesting of arrays and objects in a schema document, defaults and examples included. */
const MAX_JSON_DEPTH = 128
/** Most values in a schema document, each scalar, array and object counted once. */
const MAX_JSON_VALUES = 50_000

/**
 * The dialect a document names in `$schema`, with or without the empty fragment.
 *
 * @throws DefinitionError for any dialect but 2020-12 and draft-07.
 */
export function dialectOf(doc: Readonly<Record<string, unknown>>, what: string): Dialect {
  const named = Object.hasOwn(doc, '$schema') ? doc['$schema'] : undefined
  if (named === undefined) return '2020-12'
  const dialect = typeof named === 'string' ? ownDialect(named.replace(/#$/, '')) : undefined
  if (dialect === undefined) {
    throw new DefinitionError(
      `${what} is written in an unknown dialect (\`$schema\`: ${shown(named)}); write it in JSON Schema 2020-12 and leave \`$schema\` out, or use draft-07.`,
    )
  }
  return dialect
}

function ownDialect(name: string): Dialect | undefined {
  return Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined
}

/**
 * A private copy of a document in plain JSON, so that what is listed, what is checked and what the author holds cannot
 * drift apart. `undefined` members and `~standard` at the root are left out.
 *
 * @throws DefinitionError for what JSON cannot say (functions, NaN, bigint, class instances such as Date), for the
 *   key `__proto__`, for cycles, and beyond 128 levels or 50,000 values.
 */
export function plainCopy(doc: object, what: string): JsonSchema {
  let values = 0
  const copy = (value: unknown, at: string, depth: number): unknown => {
    values += 1
    if (values > MAX_JSON_VALUES) {
      throw new DefinitionError(`${what} has more than ${MAX_JSON_VALUES} values; make it smaller.`)
    }
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'number' && Number.isFinite(value)) return value
    if (typeof value !== 'object') {
      throw new DefinitionError(`${what} holds ${shown(value)} at ${at}, which JSON cannot say; remove it.`)
    }
    if (depth >= MAX_JSON_DEPTH) {
      throw new DefinitionError(
        `${what} nests deeper than ${MAX_JSON_DEPTH} levels or contains itself at ${at.slice(0, 80)}; use \`$defs\` and \`$ref\` for what repeats.`,
      )
    }
    if (Array.isArray(value)) return value.map((item: unknown, i) => copy(item, `${at}/${i}`, depth + 1))
    const proto: unknown = Object.getPrototypeOf(value)
    if (proto !== Object.prototype && proto !== null && depth > 0) {
      throw new DefinitionError(
        `${what} holds a class instance at ${at}, which JSON cannot say; use plain values.`,
      )
    }
    const result: Record<string, unknown> = {}
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined || (depth === 0 && key === '~standard')) continue
      if (key === '__proto__') {
        throw new DefinitionError(`${what} names a key "__proto__" at ${at}; give it another name.`)
      }
      result[key] = copy(member, `${at}/${key}`, depth + 1)
    }
    return result
  }
  return copy(doc, '#', 0) as JsonSchema
}
