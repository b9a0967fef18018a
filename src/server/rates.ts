import { Gcra } from '../concurrency/gcra.js'
import { withLocalFallback } from '../concurrency/local-fallback.js'
import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import type { RateStore } from '../contracts/rate-store.js'
import type { HealthCheck } from '../contracts/stores.js'
import type { Stats } from '../engine/stats.js'

/** Callers and definitions whose rates this node counts at once. */
const maxRateKeys = 50_000

/** Where rates are counted: on this node, or for all nodes and on this one while those are out of reach. */
export function ratesOf(
  shared: RateStore | undefined,
  { clock, stats, logger }: { readonly clock: Clock; readonly stats: Stats; readonly logger: Logger },
): { readonly rates: RateStore; health(): readonly HealthCheck[] } {
  const local = new Gcra('rate limits', maxRateKeys, clock)
  stats.add(local)
  if (shared === undefined) return { rates: local, health: () => [] }
  const rates = withLocalFallback(shared, local, (error) => {
    logger.warn('The shared rates are out of reach; this node counts by itself until they are back.', {
      error,
    })
  })
  return { rates, health: () => [rates.health()] }
}
