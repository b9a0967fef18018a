/**
 * Who is at work on what. A lease that its holder does not renew in time has run out, and goes to one other that asks for
 * such; so of many nodes exactly one finds what a dead one left behind.
 */
export interface Leases {
  /**
   * Takes those that nobody has, and renews the holder's own for `ttlMs` from now. Resolves with the ids that somebody
   * else has meanwhile.
   */
  hold(ids: readonly string[], holder: string, ttlMs: number): Promise<readonly string[]>
  /** Gives up leases of this holder. */
  release(ids: readonly string[], holder: string): Promise<void>
  /** Makes up to `limit` leases that have run out the holder's own, for `ttlMs`. Resolves with their ids. */
  claim(holder: string, limit: number, ttlMs: number): Promise<readonly string[]>
}
