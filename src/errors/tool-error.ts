import { brand, familyOf } from './brand.js'
import { looksSecret } from './secrets.js'
import { clean, shown } from './shown.js'

/** What a tool error says beside its code; all of it is public. */
export interface ToolErrorDetails {
  /** One sentence: what was wrong. */
  readonly message?: string
  /** What to do next: another tool to call, another value to give. */
  readonly hint?: string
  /** The parameter at fault, as a path: `filter.limit`. */
  readonly field?: string
  /** What was received for it. Never put a secret here. */
  readonly value?: unknown
  /** What would have been right. */
  readonly expected?: string
  /** Whether the same call may succeed later. */
  readonly retryable?: boolean
  /** Milliseconds to wait before trying again. */
  readonly retryAfterMs?: number
  /** More for programs: plain JSON data. */
  readonly data?: unknown
  /** Logged, never sent. */
  readonly cause?: unknown
}

/**
 * A failure that a model can understand and mend. It becomes a tool result with `isError`: the sentence as
 * text, the fields under `_meta["dev.holdfast/error"]`. In a handler make it with `ctx.error(code, details)`.
 */
export class ToolError extends Error {
  override readonly name = 'ToolError'
  readonly code: string
  readonly details: ToolErrorDetails

  constructor(code: string, details: ToolErrorDetails & { readonly message: string }) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.details = details
    brand(this, 'tool')
  }

  /** True for tool errors of any installed copy of the package. */
  static is(value: unknown): value is ToolError {
    return familyOf(value) === 'tool'
  }
}

/** The text that a model reads: the sentence, then what was expected and received, then the hint. */
export function toolErrorText(error: ToolError): string {
  const { field, value, expected, hint, retryAfterMs } = error.details
  const parts = [error.message]
  const facts: string[] = []
  if (expected !== undefined) facts.push(`expected ${expected}`)
  if (value !== undefined) facts.push(`received ${shown(value)}`)
  if (facts.length > 0) {
    const said = facts.join(', ')
    parts.push(
      field === undefined ? `${said.charAt(0).toUpperCase()}${said.slice(1)}.` : `"${field}": ${said}.`,
    )
  } else if (field !== undefined && !error.message.includes(`"${field}"`)) {
    parts.push(`The parameter is "${field}".`)
  }
  if (hint !== undefined) parts.push(hint)
  if (retryAfterMs !== undefined) parts.push(`Try again in ${Math.ceil(retryAfterMs / 1000)} s.`)
  return parts.join(' ')
}

/** The same for programs: plain data, without the cause; `value` is as it is shown, cleaned and cut. */
export function toolErrorMeta(error: ToolError): Record<string, unknown> {
  const { hint, field, value, expected, retryable, retryAfterMs, data } = error.details
  const meta: Record<string, unknown> = { code: error.code, message: error.message }
  if (hint !== undefined) meta['hint'] = hint
  if (field !== undefined) meta['field'] = field
  if (value !== undefined) meta['value'] = plainValue(value)
  if (expected !== undefined) meta['expected'] = expected
  meta['retryable'] = retryable ?? false
  if (retryAfterMs !== undefined) meta['retryAfterMs'] = retryAfterMs
  if (data !== undefined && isPlainJson(data)) meta['data'] = data
  return meta
}

/** Programs get short values as they are; what is long, hidden or no plain value they get as it is shown. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'string') return looksSecret(value) ? shown(value) : clean(value)
  return typeof value === 'boolean' || value === null || Number.isFinite(value) ? value : shown(value)
}

/** Data that JSON cannot carry is left out: the sentence and the code must reach the caller all the same. */
function isPlainJson(data: unknown): boolean {
  try {
    return JSON.stringify(data) !== undefined
  } catch {
    return false
  }
}
