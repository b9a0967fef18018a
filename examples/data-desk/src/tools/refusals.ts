import type { RefusalCode } from '../data/refusal.js'

/** The error catalogue of tools that run SQL: every {@link RefusalCode}, with what to say when nothing better is known. */
export const refusals = {
  not_read_only: { message: 'Only one read-only statement over the datasets is allowed.' },
  sql_error: {
    message: 'The SQL could not be run.',
    hint: 'describe-dataset shows the columns and their types.',
  },
  query_timeout: {
    message: 'The query ran too long and was stopped.',
    hint: 'Filter or aggregate earlier, or ask for fewer rows.',
  },
  desk_busy: { message: 'All connections are busy.', hint: 'Try again in a moment.', retryable: true },
  result_too_large: { message: 'The result is too large.', hint: 'Select fewer columns or aggregate.' },
  cancelled: { message: 'The call was cancelled.', retryable: true },
} as const satisfies Record<RefusalCode, { message: string; hint?: string; retryable?: boolean }>

/** A refusal's words as details for `ctx.error`; the hint is left to the catalogue when there is none. */
export function detailsOf(refusal: { message: string; hint: string | undefined }): {
  message: string
  hint?: string
} {
  return refusal.hint === undefined
    ? { message: refusal.message }
    : { message: refusal.message, hint: refusal.hint }
}
