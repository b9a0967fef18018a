import { DefinitionError } from '../errors/definition-error.js'

/**
 * The part of RFC 6570 that resource templates need: `{name}` stands for one path segment, `{+name}` may
 * hold reserved characters such as slashes. Values are decoded once, and one that climbs out of its place
 * does not match: handlers join values to paths (2026-07-28, server/resources, "Security Considerations").
 */
export class UriTemplate {
  readonly text: string
  readonly variables: readonly string[]
  readonly #pattern: RegExp
  /** The variables written `{+name}`. */
  readonly #paths = new Set<string>()

  /** @throws DefinitionError for expressions beyond that, repeated names and unbalanced braces. */
  constructor(text: string) {
    const variables: string[] = []
    let pattern = ''
    for (const part of text.split(/(\{[^{}]*\})/)) {
      const expression = /^\{(\+?)([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(part)
      const name = expression?.[2]
      if (expression === null || name === undefined) {
        if (/[{}]/.test(part)) {
          throw new DefinitionError(
            `The URI template ${JSON.stringify(text)} holds ${JSON.stringify(part)}; use {name} for one segment or {+name} for a path.`,
          )
        }
        pattern += part.replace(/[.*+?^$()|[\]\\/]/g, '\\$&')
        continue
      }
      if (variables.includes(name)) {
        throw new DefinitionError(
          `The URI template ${JSON.stringify(text)} names {${name}} twice; give each variable its own name.`,
        )
      }
      variables.push(name)
      if (expression[1] === '+') this.#paths.add(name)
      pattern += expression[1] === '+' ? '([^?#]+)' : '([^/?#]+)'
    }
    if (variables.length === 0) {
      throw new DefinitionError(
        `The URI template ${JSON.stringify(text)} has no variable; use "uri" for a fixed resource.`,
      )
    }
    this.text = text
    this.variables = variables
    this.#pattern = new RegExp(`^${pattern}$`)
  }

  /** The variables' values, or undefined when the URI is not of this template. */
  match(uri: string): Record<string, string> | undefined {
    const found = this.#pattern.exec(uri)
    if (found === null) return undefined
    const values: Record<string, string> = {}
    for (const [index, name] of this.variables.entries()) {
      const decoded = decode(found[index + 1] ?? '')
      if (decoded === undefined || climbs(decoded, this.#paths.has(name))) return undefined
      values[name] = decoded
    }
    return values
  }
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
