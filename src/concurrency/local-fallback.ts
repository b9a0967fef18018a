import type { RateClaim, RateDecision, RateStore } from '../contracts/rate-store.js'
import type { HealthCheck } from '../contracts/stores.js'

/** Rates that go on counting when what is shared is out of reach, and say so. */
export interface FallbackRates extends RateStore {
  health(): HealthCheck
}

/**
 * Counts with `shared`, and with `local` while that rejects: each node then lets through what the limit says, so the fleet
 * lets through that many times the number of nodes, and nobody is locked out by a store that is down. `shared` is asked
 * first every time, so it must reject within a short time. Both count by themselves; what one took the other does not know.
 * @param onFallback told once for each outage, with what `shared` rejected with.
 */
export function withLocalFallback(
  shared: RateStore,
  local: RateStore,
  onFallback: (error: unknown) => void,
): FallbackRates {
  let away = false
  const fallBack = (claims: readonly RateClaim[], error: unknown): RateDecision | Promise<RateDecision> => {
    if (!away) {
      away = true
      onFallback(error)
    }
    return local.take(claims)
  }
  return {
    take(claims) {
      let decision: RateDecision | Promise<RateDecision>
      try {
        decision = shared.take(claims)
      } catch (error) {
        return fallBack(claims, error)
      }
      if (!(decision instanceof Promise)) {
        away = false
        return decision
      }
      return decision.then(
        (taken) => {
          away = false
          return taken
        },
        (error: unknown) => fallBack(claims, error),
      )
    },
    health() {
      if (!away) return { name: 'rates', status: 'ok' }
      const message =
        'The shared rates were out of reach when they were last asked: each node counts by itself.'
      return { name: 'rates', status: 'degraded', message }
    },
  }
}
