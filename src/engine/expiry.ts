import type { Deadlines } from '../concurrency/deadlines.js'
import type { Clock } from '../contracts/clock.js'
import type { Principal } from '../contracts/principal.js'

export interface ExpiryOptions {
  readonly clock: Clock
  /** One timer for all that lasts until a credential's time is over. */
  readonly expiries: Deadlines
}

/**
 * Calls `listener` once when the caller's credential counts no more, however long what it opened would last; never for one without
 * an end. It must not throw. Returns what takes the listener away again.
 */
export function whenExpired(
  { expiresAt }: Principal,
  { clock, expiries }: ExpiryOptions,
  listener: () => void,
): () => void {
  if (expiresAt === undefined) return () => undefined
  const wait = (): ReturnType<Deadlines['add']> =>
    expiries.add(clock.monotonic(), Math.max(0, expiresAt - clock.now()), look)
  const look = (): void => {
    // A credential ends by the clock on the wall, and that may have been set back meanwhile.
    if (clock.now() < expiresAt) waiting = wait()
    else listener()
  }
  let waiting = wait()
  return () => expiries.cancel(waiting)
}
