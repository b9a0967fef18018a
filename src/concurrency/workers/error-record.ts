import type { ToolErrorDetails } from '../../errors/tool-error.js'

// Loaded in threads too, so it stands on nothing: the classes of our errors would bring the whole library with them.

/** An error as data: what a structured clone drops of one (own names, codes, causes) is kept. */
export interface ErrorRecord {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | undefined
  readonly cause: ErrorRecord | undefined
}

/** A tool error as data; the cause is logged where it arrives. */
export interface ThrownToolError {
  readonly code: string
  readonly message: string | undefined
  readonly details: Omit<ToolErrorDetails, 'cause' | 'message'>
  readonly cause: ErrorRecord | undefined
}

const mostCauses = 5
const mostCharacters = 20_000
/** The mark of our errors, whatever copy of the package made them (src/errors/brand.ts). */
const family = Symbol.for('holdfast.error')

/** Anything that was thrown as a record; it never throws, whatever it is given. */
export function errorRecord(thrown: unknown, depth = 0): ErrorRecord {
  if (typeof thrown !== 'object' || thrown === null) {
    return {
      name: 'Error',
      message: cut(said(thrown)),
      stack: undefined,
      code: undefined,
      cause: undefined,
    }
  }
  const cause = property(thrown, 'cause')
  return {
    name: textOf(thrown, 'name') ?? 'Error',
    message: textOf(thrown, 'message') ?? 'something that is no error was thrown',
    stack: textOf(thrown, 'stack'),
    code: textOf(thrown, 'code'),
    cause: cause === undefined || depth >= mostCauses ? undefined : errorRecord(cause, depth + 1),
  }
}

/** The error again, with the stack of the thread. */
export function errorOf({ name, message, stack, code, cause }: ErrorRecord): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: errorOf(cause) })
  error.name = name
  if (stack !== undefined) error.stack = stack
  if (code !== undefined) Object.defineProperty(error, 'code', { value: code, enumerable: true })
  return error
}

/** What `ctx.error` of a worker makes: an error that bears the mark of a tool error. */
export function markedToolError(code: string, details: ToolErrorDetails): Error {
  const { message, cause } = details
  const error = new Error(message ?? code, cause === undefined ? undefined : { cause })
  error.name = 'ToolError'
  Object.defineProperties(error, {
    code: { value: code, enumerable: true },
    details: { value: details, enumerable: true },
    [family]: { value: 'tool' },
  })
  return error
}

/** What was thrown as a tool error, or undefined when it is none. What of its details is no data is left out. */
export function thrownToolError(thrown: unknown): ThrownToolError | undefined {
  if (typeof thrown !== 'object' || thrown === null || property(thrown, family) !== 'tool') return undefined
  const code = textOf(thrown, 'code')
  if (code === undefined) return undefined
  const given = property(thrown, 'details')
  const details: Readonly<Record<string, unknown>> =
    typeof given === 'object' && given !== null ? { ...given } : {}
  const { message, cause, ...rest } = details
  const kept = Object.entries(rest).filter(([, value]) => isData(value))
  return {
    code,
    message: typeof message === 'string' ? message : undefined,
    details: Object.fromEntries(kept),
    cause: cause === undefined ? undefined : errorRecord(cause),
  }
}

function isData(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

/** Functions have a `toString` of their own, or a trap in its place. */
function said(thrown: unknown): string {
  return typeof thrown === 'function' ? 'a function was thrown' : String(thrown)
}

function textOf(thrown: object, name: string): string | undefined {
  const value = property(thrown, name)
  return typeof value === 'string' ? cut(value) : undefined
}

/** Even looking may throw, at a Proxy or a getter. */
function property(thrown: object, name: string | symbol): unknown {
  try {
    return Reflect.get(thrown, name)
  } catch {
    return undefined
  }
}

function cut(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}...` : text
}
