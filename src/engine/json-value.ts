/**
 * Finds what JSON cannot carry faithfully in a value that is about to be sent: JSON.stringify would turn
 * NaN into null, drop functions, throw on bigint and on cycles. Returns where and what, or undefined.
 */
export function findNonJson(value: unknown, maxDepth = 64): { path: string; what: string } | undefined {
  return find(value, '', maxDepth)
}

function find(value: unknown, path: string, depth: number): { path: string; what: string } | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : { path, what: String(value) }
    case 'object':
      break
    default:
      return { path, what: typeof value }
  }
  if (value === null) return undefined
  if (depth === 0) return { path, what: 'a value nested too deep, or a cycle' }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const found = find(value[index], `${path}[${index}]`, depth - 1)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (ArrayBuffer.isView(value)) return { path, what: 'bytes (use image(), audio(), embed() or base64)' }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    // Class instances with plain fields are fine; those that stand for something else are not.
    const type = opaque.find((candidate) => value instanceof candidate)
    if (type !== undefined) return { path, what: `a ${type.name}` }
  }
  for (const key of Object.keys(value)) {
    const inner: unknown = Reflect.get(value, key)
    // An absent optional field is often written as undefined; JSON leaves it out, which is what is meant.
    if (inner === undefined) continue
    const found = find(inner, path === '' ? key : `${path}.${key}`, depth - 1)
    if (found !== undefined) return found
  }
  return undefined
}

const opaque = [Date, Map, Set, WeakMap, WeakSet, RegExp, Promise, ArrayBuffer, Error] as const
