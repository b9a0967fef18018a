import type { Bounded, BoundedStats } from '../../contracts/bounded.js'

/** How full a pool is, and what it has been through since it was made. */
export interface PoolUsage {
  /** Open now, lent or not. */
  readonly size: number
  readonly inUse: number
  readonly idle: number
  readonly waiting: number
  readonly max: number
  /** Milliseconds that 95 of the last 100 or so did not wait longer than. */
  readonly waitP95Ms: number
  /** Waited in vain for as long as they could. */
  readonly timeouts: number
  /** Sent away at once. */
  readonly refused: number
  /** Kept for longer than `leakMs`. */
  readonly leaked: number
  /** Taken away from calls that had ended long before, and when the pool closed. */
  readonly takenAway: number
}

/** One line of a table of limits; `read` is asked whenever somebody looks. */
export function boundedBy(
  name: string,
  limit: number,
  read: () => { readonly size: number; readonly dropped: number },
): Bounded {
  return { stats: (): BoundedStats => ({ name, limit, unit: 'entries', ...read() }) }
}
