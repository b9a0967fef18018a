import type { JsonSchema } from './json-schema.js'
import { isNode, own, type SchemaNode } from './keywords.js'
import { alternatives, step } from './resolve.js'
import { fieldOf } from './text.js'

/** Bounds of a repair; what goes beyond them is left as it came, and validation says so. */
export interface RepairLimits {
  /** Longest string that is parsed, in UTF-16 units. Default 65,536. */
  readonly maxLength?: number
  /** Deepest nesting of a parsed value, where `[]` is 1. Default 16. */
  readonly maxDepth?: number
  /** Most values (scalars, arrays, objects) in a parsed value. Default 10,000. */
  readonly maxValues?: number
  /** Most values of the arguments that are looked at. Default 10,000. */
  readonly maxVisited?: number
}

export interface Repaired {
  /** The arguments to validate; the same object as given if nothing was repaired. */
  readonly value: unknown
  /** The fields that were strings and now are what the schema takes, as `filter.limit`; `` for the whole. */
  readonly repaired: readonly string[]
}

/** As a key it would set the prototype of a copy; the engine refuses it, and so does this. */
const FORBIDDEN_KEY = '__proto__'
/** Deepest place in the arguments where a string is still looked at. */
const MAX_LEVEL = 32

/**
 * Some models send arguments as strings of JSON: `"limit": "10"`, `"tags": "[\"a\"]"`, or all arguments in one string.
 * Where the schema takes no string at all, such a string is parsed once, as strict JSON, and taken if it is of a kind
 * the schema takes there. Integers must be safe integers, `__proto__` keys and values beyond the limits are refused,
 * and inside a parsed value nothing is repaired again. Valid arguments are never changed, since a string that the
 * schema may take is left alone; whether the result is valid is for the validator to say.
 *
 * @param args the arguments as received; never changed, the result shares what was not repaired
 * @param schema the compiled document of the tool's input
 */
export function repairArguments(args: unknown, schema: JsonSchema, limits: RepairLimits = {}): Repaired {
  const repaired: string[] = []
  let visits = limits.maxVisited ?? 10_000
  const root: SchemaNode = schema
  const visit = (
    value: unknown,
    nodes: readonly SchemaNode[],
    path: readonly (string | number)[],
  ): unknown => {
    visits -= 1
    if (visits < 0 || path.length > MAX_LEVEL || nodes.length === 0) return value
    if (typeof value === 'string') {
      const kinds = kindsOf(root, nodes)
      if (kinds === undefined || kinds.has('string')) return value
      const parsed = parseAs(value, kinds, limits)
      if (parsed === undefined) return value
      repaired.push(fieldOf(path))
      return parsed.value
    }
    if (Array.isArray(value)) {
      let copy: unknown[] | undefined
      for (let i = 0; i < value.length && visits >= 0; i += 1) {
        const item: unknown = value[i]
        if (!mayHold(item)) {
          visits -= 1
          continue
        }
        const next = visit(item, step(root, nodes, i), [...path, i])
        if (next !== item) {
          copy ??= [...(value as unknown[])]
          copy[i] = next
        }
      }
      return copy ?? value
    }
    if (!isNode(value) || Object.hasOwn(value, FORBIDDEN_KEY)) return value
    let copy: Record<string, unknown> | undefined
    for (const key of Object.keys(value)) {
      if (visits < 0) break
      const member = value[key]
      if (!mayHold(member)) {
        visits -= 1
        continue
      }
      const next = visit(member, step(root, nodes, key), [...path, key])
      if (next !== member) {
        copy ??= { ...value }
        copy[key] = next
      }
    }
    return copy ?? value
  }
  return { value: visit(args, alternatives(root, root), []), repaired }
}

/** Only a string can be repaired, and only these can hold one. */
function mayHold(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null)
}

type Kind = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object'

/**
 * The kinds that some schema at this place takes; undefined if one of them may take anything. All of `nodes` count,
 * also the parts of an `allOf`, so a string is only touched where nothing allows one.
 */
function kindsOf(root: SchemaNode, nodes: readonly SchemaNode[]): ReadonlySet<Kind> | undefined {
  const kinds = new Set<Kind>()
  for (const node of nodes) {
    const type = own(node, 'type')
    const literals =
      own(node, 'enum') ?? (own(node, 'const') === undefined ? undefined : [own(node, 'const')])
    if (type !== undefined) {
      for (const name of Array.isArray(type) ? type : [type]) kinds.add(name as Kind)
    } else if (Array.isArray(literals)) {
      for (const literal of literals) kinds.add(kindOf(literal))
    } else if (!isTransparent(root, node)) {
      return undefined
    }
  }
  return kinds.size === 0 ? undefined : kinds
}

/** A node without a type that only passes on to others, which stand in the list themselves. */
function isTransparent(root: SchemaNode, node: SchemaNode): boolean {
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const list = own(node, keyword)
    if (Array.isArray(list) && list.length > 0 && list.every((branch) => isNode(branch))) return true
  }
  const ref = own(node, '$ref')
  return typeof ref === 'string' && alternatives(root, node).length > 1
}

function kindOf(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const kind = typeof value
  return kind === 'string' || kind === 'number' || kind === 'boolean' ? kind : 'object'
}

function parseAs(
  text: string,
  kinds: ReadonlySet<Kind>,
  limits: RepairLimits,
): { value: unknown } | undefined {
  if (text.length === 0 || text.length > (limits.maxLength ?? 65_536)) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const kind = kindOf(value)
  if (kind === 'string' || !takes(kinds, kind, value)) return undefined
  return isBounded(value, limits) ? { value } : undefined
}

function takes(kinds: ReadonlySet<Kind>, kind: Kind, value: unknown): boolean {
  if (kind !== 'number') return kinds.has(kind)
  if (!kinds.has('number')) return kinds.has('integer') && Number.isSafeInteger(value)
  // A whole number beyond the safe ones has already lost digits: "9007199254740993" must not become ...992.
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
}

function isBounded(value: unknown, limits: RepairLimits): boolean {
  const maxDepth = limits.maxDepth ?? 16
  let budget = limits.maxValues ?? 10_000
  const visit = (item: unknown, depth: number): boolean => {
    budget -= 1
    if (budget < 0) return false
    if (typeof item === 'number')
      return Number.isFinite(item) && (!Number.isInteger(item) || Number.isSafeInteger(item))
    if (typeof item !== 'object' || item === null) return true
    if (depth >= maxDepth) return false
    if (Array.isArray(item)) return item.every((member) => visit(member, depth + 1))
    return Object.entries(item).every(([key, member]) => key !== FORBIDDEN_KEY && visit(member, depth + 1))
  }
  return visit(value, 0)
}
