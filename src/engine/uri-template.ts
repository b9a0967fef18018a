import { DefinitionError } from '../errors/definition-error.js'

/** One variable, and the text that stands between it and the next (or the end). */
interface Variable {
  readonly name: string
  /** `{+name}`: may hold slashes. */
  readonly isPath: boolean
  readonly until: string
}

/**
 * The part of RFC 6570 that resource templates need: `{name}` stands for one path segment, `{+name}` may
 * hold reserved characters such as slashes. A value goes up to the first occurrence of the text behind it, the
 * last one up to the end. Values are decoded once, and one that climbs out of its place does not match:
 * handlers join values to paths (2026-07-28, server/resources, "Security Considerations").
 */
export class UriTemplate {
  readonly text: string
  readonly variables: readonly string[]
  readonly #prefix: string
  readonly #parts: readonly Variable[]

  /** @throws DefinitionError for expressions beyond that, repeated names, neighbours and unbalanced braces. */
  constructor(text: string) {
    const [prefix = '', ...rest] = text.split(/(\{[^{}]*\})/)
    const parts: Variable[] = []
    for (let at = 0; at < rest.length; at += 2) {
      const [expression = '', until = ''] = rest.slice(at, at + 2)
      const [, plus, name] = /^\{(\+?)([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(expression) ?? []
      if (name === undefined || name === '__proto__' || /[{}]/.test(until))
        throw unreadable(text, name === undefined ? expression : until)
      if (parts.some((part) => part.name === name)) {
        throw new DefinitionError(
          `The URI template ${JSON.stringify(text)} names {${name}} twice; give each variable its own name.`,
        )
      }
      if (until === '' && at + 2 < rest.length) {
        throw new DefinitionError(
          `The URI template ${JSON.stringify(text)} has nothing between {${name}} and the next variable; put a "/" or the like there.`,
        )
      }
      parts.push({ name, isPath: plus === '+', until })
    }
    if (/[{}]/.test(prefix)) throw unreadable(text, prefix)
    if (parts.length === 0) {
      throw new DefinitionError(
        `The URI template ${JSON.stringify(text)} has no variable; use "uri" for a fixed resource.`,
      )
    }
    this.text = text
    this.variables = parts.map((part) => part.name)
    this.#prefix = prefix
    this.#parts = parts
  }

  /**
   * The variables' values, or undefined when the URI is not of this template. Linear in the URI's length: a
   * pattern with two variables would try every way to share the text out between them.
   */
  match(uri: string): Record<string, string> | undefined {
    if (!uri.startsWith(this.#prefix)) return undefined
    const values: Record<string, string> = {}
    let at = this.#prefix.length
    for (const [index, { name, isPath, until }] of this.#parts.entries()) {
      const isLast = index === this.#parts.length - 1
      const end = isLast ? uri.length - until.length : uri.indexOf(until, at + 1)
      if (end <= at || (isLast && !uri.endsWith(until))) return undefined
      const value = uri.slice(at, end)
      if ((isPath ? /[?#]/ : /[/?#]/).test(value)) return undefined
      const decoded = decode(value)
      if (decoded === undefined || climbs(decoded, isPath)) return undefined
      values[name] = decoded
      at = end + until.length
    }
    return values
  }
}

function unreadable(text: string, part: string): DefinitionError {
  return new DefinitionError(
    `The URI template ${JSON.stringify(text)} holds ${JSON.stringify(part)}; use {name} for one segment or {+name} for a path.`,
  )
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/** Whether a value, once decoded, is more than the segment it stands for, or holds a step upwards. */
function climbs(value: string, isPath: boolean): boolean {
  if (value.includes('\0')) return true
  if (!isPath) return value === '.' || value === '..' || /[\\/]/.test(value)
  return value.split(/[\\/]/).includes('..')
}
