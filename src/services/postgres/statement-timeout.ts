/** What the server's own clock may be late by, so that the call's end comes first. */
const slackMs = 250

/**
 * The time limit, in milliseconds, that the database is given for a statement of a call that has `remainingMs` left; 0: none. It is the
 * call's time rounded up to a power of two, so that most statements on a connection have the same and it need not be set
 * again: the call ends them in time, and this ends what that does not reach.
 */
export function statementTimeout(remainingMs: number, limitMs: number | undefined): number {
  const most = limitMs ?? 0
  if (!Number.isFinite(remainingMs)) return most
  const rounded = Math.min(2 ** Math.ceil(Math.log2(Math.max(0, remainingMs) + slackMs)), 2 ** 31 - 1)
  return most === 0 ? rounded : Math.min(rounded, most)
}
