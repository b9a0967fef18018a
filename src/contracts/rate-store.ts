/** How much of something may be taken over time: `burst` at once, and one more every `intervalMs`. */
export interface Rate {
  /** Milliseconds in which one unit comes back. */
  readonly intervalMs: number
  /** Units that may be taken at once after a pause. */
  readonly burst: number
}

/** One limit that a call has to pass. */
export interface RateClaim {
  readonly key: string
  readonly rate: Rate
  /** Units that the call takes. More than `burst` never passes. */
  readonly cost: number
}

export type RateDecision =
  | { readonly allowed: true }
  | {
      readonly allowed: false
      /** Which claim refused, by its place. */
      readonly refused: number
      /** Milliseconds after which the same claims would pass if nobody else came. */
      readonly retryAfterMs: number
    }

/**
 * Counts rates by GCRA (generic cell rate algorithm), shared between nodes when its implementation is. It takes from all
 * claims or from none: a call that one limit refuses costs nothing at the others. It may reject when it is out of reach.
 */
export interface RateStore {
  take(claims: readonly RateClaim[]): RateDecision | Promise<RateDecision>
}
