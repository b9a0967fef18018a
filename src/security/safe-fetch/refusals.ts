import { catalogue } from '../../errors/catalogue.js'
import { ToolError, type ToolErrorDetails } from '../../errors/tool-error.js'

/** What a safe fetch fails with. Each is a tool error: a tool may let it through, and the model reads why. */
export type FetchErrorCode =
  | 'url_not_allowed'
  | 'fetch_failed'
  | 'fetch_timed_out'
  | 'response_too_large'
  | 'too_many_redirects'
  | 'overloaded'

export function fetchError(
  code: FetchErrorCode,
  message: string,
  details: Omit<ToolErrorDetails, 'message'> = {},
): ToolError {
  return new ToolError(code, { retryable: catalogue[code].retryable, ...details, message })
}

/** A URL, or where it leads, is not one that this server may fetch. */
export function notAllowed(message: string, hint?: string): ToolError {
  return fetchError('url_not_allowed', message, hint === undefined ? {} : { hint })
}
