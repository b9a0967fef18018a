import { children, isNode, own, type SchemaNode } from './keywords.js'

/**
 * The subschema that a reference inside the same document names, or undefined. Takes `#`, a JSON Pointer (RFC 6901,
 * percent-encoded as in RFC 3986) and a plain name given by `$anchor` or `$dynamicAnchor`. Nothing is ever fetched.
 */
export function resolveRef(root: SchemaNode, ref: string): unknown {
  if (ref === '#') return root
  if (!ref.startsWith('#')) return undefined
  if (!ref.startsWith('#/')) return findAnchor(root, ref.slice(1))
  let current: unknown = root
  for (const raw of ref.slice(2).split('/')) {
    const token = pointerToken(raw)
    if (token === undefined) return undefined
    if (Array.isArray(current))
      current = /^(?:0|[1-9]\d{0,5})$/.test(token) ? current[Number(token)] : undefined
    else if (isNode(current)) current = own(current, token)
    else return undefined
  }
  return current
}

function pointerToken(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return undefined
  }
}

function findAnchor(root: SchemaNode, name: string): unknown {
  const pending: unknown[] = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (!isNode(node)) continue
    if (own(node, '$anchor') === name || own(node, '$dynamicAnchor') === name) return node
    for (const child of children(node)) pending.push(child.value)
  }
  return undefined
}

/** A JSON Pointer fragment made of tokens, as messages show it: `#/properties/limit`. */
export function pointer(tokens: readonly string[]): string {
  return `#${tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`
}

const MAX_CANDIDATES = 500

/**
 * All schemas that speak about the same value as `node`: itself and what it reaches through `$ref`, `allOf`, `anyOf`,
 * `oneOf`, `if`, `then`, `else`. `not` is left out, since it says what the value is not. At most 500.
 */
export function alternatives(root: SchemaNode, node: unknown): SchemaNode[] {
  const seen = new Set<SchemaNode>()
  const pending: unknown[] = [node]
  while (pending.length > 0 && seen.size < MAX_CANDIDATES) {
    const next = pending.pop()
    if (!isNode(next) || seen.has(next)) continue
    seen.add(next)
    for (const keyword of ['$ref', '$dynamicRef']) {
      const ref = own(next, keyword)
      if (typeof ref === 'string') pending.push(resolveRef(root, ref))
    }
    for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
      const list = own(next, keyword)
      if (Array.isArray(list)) pending.push(...list)
    }
    for (const keyword of ['if', 'then', 'else']) pending.push(own(next, keyword))
    const dependent = own(next, 'dependentSchemas')
    if (isNode(dependent)) pending.push(...Object.values(dependent))
  }
  return [...seen]
}

/** The schemas that speak about one member of a value that all of `nodes` speak about. At most 500. */
export function step(root: SchemaNode, nodes: readonly SchemaNode[], key: string | number): SchemaNode[] {
  const found = new Set<SchemaNode>()
  for (const node of nodes) {
    for (const next of memberSchemas(node, key)) {
      for (const alternative of alternatives(root, next)) {
        if (found.size < MAX_CANDIDATES) found.add(alternative)
      }
    }
  }
  return [...found]
}

function memberSchemas(node: SchemaNode, key: string | number): unknown[] {
  if (typeof key === 'number') {
    const items = own(node, 'items')
    const prefix = own(node, 'prefixItems') ?? (Array.isArray(items) ? items : undefined)
    const placed: unknown = Array.isArray(prefix) ? prefix[key] : undefined
    if (placed !== undefined) return [placed, own(node, 'contains')]
    return [Array.isArray(items) ? own(node, 'additionalItems') : items, own(node, 'contains')]
  }
  const found: unknown[] = []
  const properties = own(node, 'properties')
  const named = isNode(properties) ? own(properties, key) : undefined
  if (named !== undefined) found.push(named)
  const patterns = own(node, 'patternProperties')
  if (isNode(patterns)) found.push(...Object.values(patterns))
  if (named === undefined) found.push(own(node, 'additionalProperties'), own(node, 'unevaluatedProperties'))
  return found
}

/** The schemas that speak about the value at each step of a path, the root's first: `path.length + 1` lists. */
export function schemasAlong(root: SchemaNode, path: readonly (string | number)[]): SchemaNode[][] {
  let here = alternatives(root, root)
  const all = [here]
  for (const key of path) {
    here = step(root, here, key)
    all.push(here)
  }
  return all
}
