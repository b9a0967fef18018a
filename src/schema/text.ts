import { clean } from '../errors/shown.js'

const PLAIN_NAME = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u

/** A path as a model reads it: `filter.limit`, `items[2].id`, `filter["a b"]`; empty for the root. Cut at 200. */
export function fieldOf(path: readonly (string | number)[]): string {
  let field = ''
  for (const key of path.slice(0, 40)) {
    if (typeof key === 'number') field += `[${key}]`
    else {
      const name = clean(key, 60)
      if (!PLAIN_NAME.test(name)) field += `[${JSON.stringify(name)}]`
      else field += field === '' ? name : `.${name}`
    }
  }
  return clean(field, 200)
}

/** `a`, `a or b`, `a, b or c`. */
export function either(items: readonly string[], word = 'or'): string {
  if (items.length <= 1) return items[0] ?? ''
  return `${items.slice(0, -1).join(', ')} ${word} ${items[items.length - 1] ?? ''}`
}

/** The first letter in upper case. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
