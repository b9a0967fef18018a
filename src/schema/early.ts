import type { Validator } from '@cfworker/json-schema'
import { children, isNode, own, type SchemaNode } from './keywords.js'

/**
 * A first call should not wait for ajv. Until ajv is loaded a small interpreter may say "valid", and nothing else: what
 * it does not accept waits for ajv. It is asked only where both are known to agree (a property test holds them to it).
 */

const AGREED: ReadonlySet<string> = new Set([
  ...['type', 'enum', 'const', 'properties', 'required', 'additionalProperties', 'items', 'prefixItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'pattern'],
  ...['minItems', 'maxItems', 'minProperties', 'maxProperties', 'anyOf', 'allOf', 'oneOf', '$ref', '$defs'],
  ...['title', 'description', 'examples', 'writeOnly'],
])

/** Most values in the arguments the interpreter is given; it costs some microseconds for each. */
const MAX_VALUES = 1000
/** Deepest arguments it is given. */
const MAX_DEPTH = 32

/**
 * Whether the interpreter and ajv agree about a document (of known keywords, see `vocabularyOnly`): only keywords in
 * the list above, and no format but `date`.
 */
export function isAgreed(root: SchemaNode): boolean {
  const pending: unknown[] = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (!isNode(node)) continue
    for (const keyword of Object.keys(node)) {
      if (AGREED.has(keyword)) continue
      if (keyword === 'format' && (node[keyword] === 'date' || node[keyword] === 'password')) continue
      return false
    }
    // Objects in `const` and `enum` are compared by the interpreter's own rules.
    if (isNode(own(node, 'const')) || Array.isArray(own(node, 'const'))) return false
    const listed = own(node, 'enum')
    if (Array.isArray(listed) && listed.some((item) => typeof item === 'object' && item !== null))
      return false
    for (const child of children(node)) pending.push(child.value)
  }
  return true
}

/** Whether a value is small, plain JSON: what came from `JSON.parse` and holds no Infinity (which `1e400` becomes). */
export function isSmallJson(value: unknown): boolean {
  let budget = MAX_VALUES
  const visit = (item: unknown, depth: number): boolean => {
    budget -= 1
    if (budget < 0 || depth > MAX_DEPTH) return false
    if (item === null || typeof item === 'string' || typeof item === 'boolean') return true
    if (typeof item === 'number') return Number.isFinite(item)
    if (typeof item !== 'object') return false
    if (Array.isArray(item)) return item.length <= budget && item.every((member) => visit(member, depth + 1))
    for (const key in item) {
      if (key === '__proto__' || !Object.hasOwn(item, key)) return false
      if (!visit((item as SchemaNode)[key], depth + 1)) return false
    }
    return true
  }
  return visit(value, 0)
}

/** The interpreter for one document. */
export interface Interpreter {
  /** True only if the value is valid beyond doubt. */
  accepts(value: unknown): boolean
}

/** Loads the interpreter and readies it for a document; about a fifth of a bare Node start the first time. */
export async function interpreterFor(doc: SchemaNode): Promise<Interpreter> {
  const { Validator: Interpreting } = await import('@cfworker/json-schema')
  // It writes hidden properties into what it is given, so it gets a copy of its own.
  const validator: Validator = new Interpreting(structuredClone(doc), '2020-12')
  return {
    accepts(value) {
      try {
        return validator.validate(value).valid
      } catch {
        return false
      }
    },
  }
}
