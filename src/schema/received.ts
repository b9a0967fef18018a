import { isSensitiveName, looksSecret } from '../errors/secrets.js'
import { clean } from '../errors/shown.js'
import { own, type SchemaNode } from './keywords.js'
import { alternatives, schemasAlong, step } from './resolve.js'

/**
 * What came, in words: `the string "ten"`, `the number 5`, `an array of 3 items`, `an object`. Members of arrays and
 * objects are never shown. Strings are cleaned and cut at 80 characters.
 *
 * @param hidden whether only the kind may be named
 */
export function describeReceived(value: unknown, hidden: boolean): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `an array of ${value.length} ${value.length === 1 ? 'item' : 'items'}`
  if (typeof value === 'string') {
    if (hidden || looksSecret(value)) return 'a string (not shown)'
    return value === '' ? 'an empty string' : `the string ${JSON.stringify(clean(value))}`
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return hidden ? 'a number (not shown)' : `the number ${clean(String(value))}`
  }
  if (typeof value === 'boolean') return hidden ? 'true or false (not shown)' : String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/**
 * Whether the value at a path must not be shown: it, or anything around it, is `writeOnly`, has the format `password`,
 * or has a name like `token`. A count such as `maxTokens: 5` has such a name and is a number: shown.
 */
export function isHidden(root: SchemaNode, path: readonly (string | number)[], value: unknown): boolean {
  const named = path.findIndex((key) => typeof key === 'string' && isSensitiveName(key))
  if (named !== -1) {
    const last = path[path.length - 1]
    const counts = typeof value === 'number' && named === path.length - 1 && /tokens$/i.test(String(last))
    if (!counts) return true
  }
  return schemasAlong(root, path).some((nodes) => nodes.some(isWriteOnly))
}

function isWriteOnly(node: SchemaNode): boolean {
  return own(node, 'writeOnly') === true || own(node, 'format') === 'password'
}

const MAX_HIDDEN = 50
const MAX_VISITS = 2000

/** The strings inside a value that must not be shown, to look for in the messages of others. At most 50 of them. */
export function hiddenStrings(root: SchemaNode, value: unknown): string[] {
  const found: string[] = []
  let visits = 0
  const visit = (item: unknown, nodes: readonly SchemaNode[], above: boolean, depth: number): void => {
    visits += 1
    if (visits > MAX_VISITS || found.length >= MAX_HIDDEN || depth > 32) return
    const hidden = above || nodes.some(isWriteOnly)
    if (typeof item === 'string') {
      if (item.length >= 3 && (hidden || looksSecret(item))) found.push(item)
    } else if (Array.isArray(item)) {
      for (let i = 0; i < item.length && visits <= MAX_VISITS; i += 1) {
        visit(item[i], step(root, nodes, i), hidden, depth + 1)
      }
    } else if (typeof item === 'object' && item !== null) {
      for (const key of Object.keys(item)) {
        if (visits > MAX_VISITS) return
        visit((item as SchemaNode)[key], step(root, nodes, key), hidden || isSensitiveName(key), depth + 1)
      }
    }
  }
  visit(value, alternatives(root, root), false, 0)
  return found
}
