import { ToolError } from '../errors/tool-error.js'
import type { Overload } from './bulkhead.js'

/** What a call is told that was not let in; `busy` says what is full, with how much in it. */
export function overloaded(
  name: string,
  busy: string,
  { reason, retryAfterMs, queued, limit }: Overload,
): ToolError {
  return new ToolError('overloaded', {
    message:
      reason === 'queue'
        ? `"${name}" was not begun because ${busy}.`
        : `"${name}" was not begun because ${busy}, so that it could not be done in time.`,
    hint: 'Try again later, and with fewer calls at once.',
    retryable: true,
    retryAfterMs,
    data: { queued, limit },
  })
}
