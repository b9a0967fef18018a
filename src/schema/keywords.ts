/**
 * Where JSON Schema keeps its subschemas, for draft 2020-12 and draft-07 together. Whoever walks a schema walks it by
 * these tables, so that a property called `items` or a default value that looks like a schema is never mistaken.
 */

/** Keywords whose value is one subschema. `items` may also be an array of them (draft-07). */
export const SINGLE: readonly string[] = [
  'items',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'contentSchema',
  'not',
  'if',
  'then',
  'else',
]

/** Keywords whose value is a list of subschemas. */
export const LISTS: readonly string[] = ['allOf', 'anyOf', 'oneOf', 'prefixItems']

/** Keywords whose value maps names to subschemas. In `dependencies` (draft-07) a value may be a list of names. */
export const MAPS: readonly string[] = [
  '$defs',
  'definitions',
  'properties',
  'patternProperties',
  'dependentSchemas',
  'dependencies',
]

/** How a keyword holds its subschemas; one look-up for each keyword of a walk. */
const FORMS: ReadonlyMap<string, 'single' | 'list' | 'map'> = new Map([
  ...SINGLE.map((keyword) => [keyword, 'single'] as const),
  ...LISTS.map((keyword) => [keyword, 'list'] as const),
  ...MAPS.map((keyword) => [keyword, 'map'] as const),
])

/** Keywords that apply to the same value as the schema they stand in, not to a part of it. */
export const IN_PLACE: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
  'dependencies',
])

/** Every other keyword that means something to a validator or to our sentences. */
const OTHERS: readonly string[] = [
  ...[
    '$ref',
    '$dynamicRef',
    '$anchor',
    '$dynamicAnchor',
    'type',
    'const',
    'enum',
    'format',
    'pattern',
    'multipleOf',
  ],
  ...[
    'minimum',
    'maximum',
    'exclusiveMinimum',
    'exclusiveMaximum',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
  ],
  ...[
    'uniqueItems',
    'minContains',
    'maxContains',
    'minProperties',
    'maxProperties',
    'required',
    'dependentRequired',
  ],
  ...['title', 'description', 'examples', 'writeOnly'],
]

const KNOWN: ReadonlySet<string> = new Set([...SINGLE, ...LISTS, ...MAPS, ...OTHERS])

/** A schema as the walkers see it: own, plain, string keys. */
export type SchemaNode = Readonly<Record<string, unknown>>

/** One subschema: the keyword it stands under and the JSON Pointer tokens that lead to it. */
export interface Child {
  readonly keyword: string
  readonly tokens: readonly string[]
  readonly value: unknown
}

/** Whether a value is an object that is not an array. */
export function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The own value of a key, so that `constructor` or `toString` never come from the prototype. */
export function own(node: SchemaNode, key: string): unknown {
  return Object.hasOwn(node, key) ? node[key] : undefined
}

/** The direct subschemas of a schema, in no promised order; values are as found and may be wrong in kind. */
export function children(node: SchemaNode): Child[] {
  const found: Child[] = []
  for (const keyword of Object.keys(node)) {
    const form = FORMS.get(keyword)
    if (form === undefined) continue
    const value = node[keyword]
    if (value === undefined) continue
    if (form === 'list' || (keyword === 'items' && Array.isArray(value))) {
      if (!Array.isArray(value)) continue
      value.forEach((item: unknown, index) => {
        found.push({ keyword, tokens: [keyword, String(index)], value: item })
      })
    } else if (form === 'single') {
      found.push({ keyword, tokens: [keyword], value })
    } else if (isNode(value)) {
      for (const name of Object.keys(value)) {
        const item = value[name]
        if (keyword === 'dependencies' && Array.isArray(item)) continue
        found.push({ keyword, tokens: [keyword, name], value: item })
      }
    }
  }
  return found
}

/**
 * A copy of a schema with the keywords of the two drafts only. An unknown keyword is an annotation and must change
 * nothing, but validators give some of them meanings of their own (`id`, `$async`) or look for schemas inside them.
 */
export function vocabularyOnly(node: SchemaNode): SchemaNode {
  const kept: Record<string, unknown> = {}
  const child = (value: unknown): unknown => (isNode(value) ? vocabularyOnly(value) : value)
  for (const [keyword, value] of Object.entries(node)) {
    if (!KNOWN.has(keyword)) continue
    if (Array.isArray(value) && (LISTS.includes(keyword) || keyword === 'items'))
      kept[keyword] = value.map(child)
    else if (SINGLE.includes(keyword)) kept[keyword] = child(value)
    else if (MAPS.includes(keyword) && isNode(value)) {
      kept[keyword] = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, child(item)]))
    } else kept[keyword] = value
  }
  return kept
}
