import { clean } from '../errors/shown.js'
import { isNode, own, type SchemaNode } from './keywords.js'
import { resolveRef } from './resolve.js'
import { either } from './text.js'

/** Most values of an `enum` that a sentence lists. */
const MAX_LISTED = 10
/** Most branches of a union that a sentence lists. */
const MAX_BRANCHES = 5

const FORMATS: Readonly<Record<string, string>> = {
  date: 'a date (YYYY-MM-DD)',
  'date-time': 'a date and time (RFC 3339, such as 2026-01-31T12:00:00Z)',
  time: 'a time (RFC 3339, such as 12:00:00Z)',
  duration: 'a duration (ISO 8601, such as PT30M)',
  uuid: 'a UUID',
  email: 'an email address',
  uri: 'a URI (such as https://example.com/)',
  url: 'a URL (such as https://example.com/)',
  hostname: 'a host name',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  regex: 'a regular expression',
}

/** What a schema takes, in words: `an integer from 1 to 100`, `one of "asc" and "desc"`, `an array of strings`. */
export function expectation(root: SchemaNode, schema: unknown, depth = 0): string {
  if (schema === false) return 'nothing'
  if (!isNode(schema) || depth > 4) return 'a valid value'
  if (own(schema, 'const') !== undefined) return listed(own(schema, 'const'))
  const values = own(schema, 'enum')
  if (Array.isArray(values)) return oneOf(values)
  const type = own(schema, 'type')
  const ref = own(schema, '$ref')
  if (typeof ref === 'string' && type === undefined)
    return expectation(root, resolveRef(root, ref), depth + 1)
  const union = own(schema, 'anyOf') ?? own(schema, 'oneOf')
  if (Array.isArray(union) && (type === undefined || depth === 0)) {
    const branches = [
      ...new Set(
        union.slice(0, MAX_BRANCHES * 2).map((branch: unknown) => expectation(root, branch, depth + 1)),
      ),
    ]
    const named = branches.filter((branch) => branch !== 'a valid value')
    if (named.length > 0) return either(cut(named, MAX_BRANCHES))
  }
  const types = Array.isArray(type) ? type : [type ?? impliedType(schema)]
  return either(types.map((name: unknown) => ofType(root, schema, name, depth)))
}

function impliedType(schema: SchemaNode): string | undefined {
  const has = (keywords: readonly string[]): boolean =>
    keywords.some((keyword) => own(schema, keyword) !== undefined)
  if (has(['minLength', 'maxLength', 'pattern', 'format'])) return 'string'
  if (has(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'])) return 'number'
  if (has(['minItems', 'maxItems', 'items', 'prefixItems', 'uniqueItems'])) return 'array'
  if (has(['properties', 'required', 'minProperties', 'maxProperties', 'additionalProperties']))
    return 'object'
  return undefined
}

function ofType(root: SchemaNode, schema: SchemaNode, type: unknown, depth: number): string {
  switch (type) {
    case 'integer':
      return `an integer${range(schema)}`
    case 'number':
      return `a number${range(schema)}`
    case 'string':
      return ofString(schema)
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    case 'array':
      return ofArray(root, schema, depth)
    case 'object':
      return `an object${sized(schema, 'minProperties', 'maxProperties', 'property', 'properties')}`
    default:
      return 'a valid value'
  }
}

function range(schema: SchemaNode): string {
  const at = (keyword: string): number | undefined => {
    const value = own(schema, keyword)
    return typeof value === 'number' ? value : undefined
  }
  const [min, max, above, below, step] = [
    at('minimum'),
    at('maximum'),
    at('exclusiveMinimum'),
    at('exclusiveMaximum'),
    at('multipleOf'),
  ]
  const safe = (value: number | undefined): number | undefined =>
    // zod writes the safe integers as bounds of every integer; nobody wants to read them.
    value !== undefined && Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value
  const [low, high] = [safe(min), safe(max)]
  const parts: string[] = []
  if (low !== undefined && high !== undefined)
    parts.push(low === high ? `equal to ${low}` : `from ${low} to ${high}`)
  else if (low !== undefined) parts.push(`of at least ${low}`)
  else if (high !== undefined) parts.push(`of at most ${high}`)
  if (above !== undefined) parts.push(`above ${above}`)
  if (below !== undefined) parts.push(`below ${below}`)
  if (step !== undefined && step !== 1) parts.push(`that is a multiple of ${step}`)
  return parts.length === 0 ? '' : ` ${either(parts, 'and')}`
}

function sized(schema: SchemaNode, minKey: string, maxKey: string, one: string, many: string): string {
  const [min, max] = [own(schema, minKey), own(schema, maxKey)]
  if (typeof min === 'number' && typeof max === 'number') {
    return min === max ? ` of ${min} ${min === 1 ? one : many}` : ` of ${min} to ${max} ${many}`
  }
  if (typeof min === 'number' && min > 0) return ` of at least ${min} ${min === 1 ? one : many}`
  if (typeof max === 'number') return ` of at most ${max} ${max === 1 ? one : many}`
  return ''
}

function ofString(schema: SchemaNode): string {
  const format = own(schema, 'format')
  const size = sized(schema, 'minLength', 'maxLength', 'character', 'characters')
  if (typeof format === 'string' && Object.hasOwn(FORMATS, format))
    return `${FORMATS[format] ?? format}${size}`
  const pattern = own(schema, 'pattern')
  const base = size === ' of at least 1 character' ? 'a string that is not empty' : `a string${size}`
  if (typeof pattern === 'string') return `${base} matching ${clean(pattern, 100)}`
  if (typeof format === 'string' && format !== 'password')
    return `${base} in the format ${JSON.stringify(format)}`
  return base
}

const PLURALS: Readonly<Record<string, string>> = {
  'a string': 'strings',
  'an integer': 'integers',
  'a number': 'numbers',
  'an object': 'objects',
  'an array': 'arrays',
  'true or false': 'booleans',
}

function ofArray(root: SchemaNode, schema: SchemaNode, depth: number): string {
  const size = sized(schema, 'minItems', 'maxItems', 'item', 'items')
  const items = own(schema, 'items')
  if (!isNode(items)) return `an array${size}`
  const each = expectation(root, items, depth + 1)
  if (each === 'a valid value' || each === 'nothing') return `an array${size}`
  const plural = Object.hasOwn(PLURALS, each) ? PLURALS[each] : undefined
  if (plural !== undefined && size === '') return `an array of ${plural}`
  return `an array${size}, each ${each}`
}

function oneOf(values: readonly unknown[]): string {
  if (values.length === 1) return listed(values[0])
  return `one of ${either(cut(values.map(listed), MAX_LISTED))}`
}

function cut(items: readonly string[], max: number): string[] {
  return items.length <= max ? [...items] : [...items.slice(0, max), `${items.length - max} more`]
}

function listed(value: unknown): string {
  return clean(JSON.stringify(value) ?? 'nothing', 60)
}

/**
 * What the author says about a parameter, for the brackets after an expectation: its description up to the first
 * sentence, and an example if the description has none. Empty when nothing is said.
 */
export function explanation(root: SchemaNode, schemas: readonly unknown[], hidden: boolean): string {
  const described = first(root, schemas, 'description')
  const said = typeof described === 'string' ? firstSentence(described) : ''
  const examples = first(root, schemas, 'examples')
  const example: unknown = Array.isArray(examples) ? examples[0] : undefined
  if (example === undefined || hidden || typeof example === 'object') return said
  const shown = listed(example)
  if (said.includes(String(example))) return said
  return said === '' ? `such as ${shown}` : `${said}, such as ${shown}`
}

function first(root: SchemaNode, schemas: readonly unknown[], keyword: string): unknown {
  for (const schema of schemas) {
    if (!isNode(schema)) continue
    const direct = own(schema, keyword)
    if (direct !== undefined) return direct
    const ref = own(schema, '$ref')
    const target = typeof ref === 'string' ? resolveRef(root, ref) : undefined
    if (isNode(target) && own(target, keyword) !== undefined) return own(target, keyword)
  }
  return undefined
}

function firstSentence(text: string): string {
  const cleaned = clean(text, 160)
  const end = cleaned.search(/(?<!e\.g|i\.e|etc)\.\s/)
  return (end === -1 ? cleaned : cleaned.slice(0, end)).replace(/\.$/, '').trim()
}
