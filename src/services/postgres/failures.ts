import type { ServiceCall } from '../../contracts/service.js'
import { ToolError } from '../../errors/tool-error.js'

/** The server ended a statement: because it took too long, or because somebody asked for it. */
const queryCanceled = '57014'
/** The connection is over: class 08, and what the server says when it ends one. */
const endings: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'])

/** The SQLSTATE of an error of the database; undefined for every other error. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Whether an error says that the server has ended the connection. */
export function endsConnection(error: unknown): boolean {
  const state = sqlStateOf(error)
  return state !== undefined && (state.startsWith('08') || endings.has(state))
}

/**
 * What a handler is told. A call that has ended ends with its own reason, whatever the database made of it. Other errors of the
 * database pass as they are: they are for the log, and callers do not see them.
 */
export function explain(error: unknown, name: string, call: ServiceCall, isLost: boolean): unknown {
  if (call.signal.aborted) return call.signal.reason
  if (ToolError.is(error)) return error
  if (isLost || endsConnection(error)) {
    return new ToolError('backend_unavailable', {
      message: `The connection to "${name}" was lost while it was used.`,
      hint: call.repeatable ? 'Try again.' : 'Look whether it was done before you try again.',
      retryable: true,
      retryAfterMs: 1000,
      cause: error,
    })
  }
  if (sqlStateOf(error) !== queryCanceled) return error
  return new ToolError('timed_out', {
    message: `"${name}" took longer than it may for one statement.`,
    retryable: true,
    cause: error,
  })
}
