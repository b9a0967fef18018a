/** One structure that can grow, as `server.stats()` shows it. Every cache, queue, table and buffer has one. */
export interface BoundedStats {
  readonly name: string
  /** Entries (or bytes, as `unit` says) held now. */
  readonly size: number
  readonly limit: number
  readonly unit: 'entries' | 'bytes'
  /** How many were refused or evicted because the limit was reached, since start. */
  readonly dropped: number
}

/** What a bounded structure shows of itself. Reading it must be cheap and free of side effects. */
export interface Bounded {
  stats(): BoundedStats
}

/** Where bounded structures announce themselves, so that none can hide from `server.stats()`. */
export interface BoundedRegistry {
  add(bounded: Bounded): void
}
