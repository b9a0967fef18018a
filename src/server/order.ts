import { Abandoned } from '../concurrency/abandoned.js'
import { Deadlines } from '../concurrency/deadlines.js'
import type { Clock } from '../contracts/clock.js'
import type { RateStore } from '../contracts/rate-store.js'
import type { CallWatch } from '../engine/call-watch.js'
import type { MiddlewareFactory, Place } from '../engine/pipeline.js'
import { toConcurrency, toRate } from '../engine/policies.js'
import type { Spilling } from '../engine/spilling.js'
import type { Stats } from '../engine/stats.js'
import { authorize } from '../middleware/authorize.js'
import { cache } from '../middleware/cache/cache.js'
import { concurrency } from '../middleware/concurrency.js'
import { deadline } from '../middleware/deadline.js'
import { heartbeat } from '../middleware/heartbeat.js'
import { idempotency } from '../middleware/idempotency/idempotency.js'
import type { Intents } from '../middleware/idempotency/intents.js'
import { limitResult } from '../middleware/limit-result/limit-result.js'
import { permissions } from '../middleware/permissions.js'
import { rateLimit, type ServerRates } from '../middleware/rate-limit.js'
import { sanitize } from '../middleware/sanitize.js'
import { validateInput } from '../middleware/validate-input.js'
import { validateOutput } from '../middleware/validate-output.js'
import { watched } from '../middleware/watched.js'
import type { Caching } from './caching.js'
import type { ConcurrencyLimits, RateLimits } from './options.js'

/** Shown as the limit of the deadline table; each call in flight has at most one. */
const maxCalls = 10_000
const maxAbandoned = 1000
const defaultCompletions = { limit: 50, per: '1s' } as const

/**
 * The order in which a call passes through its middlewares, outermost first. This list is the one place
 * that decides it. A definition gets only those that it needs.
 */
export function middlewareOrder(options: {
  clock: Clock
  /** Lets calls wait until what they stand on runs. */
  services: MiddlewareFactory
  stats: Stats
  development: boolean
  caching: Caching
  intents: () => Promise<Intents>
  audit: MiddlewareFactory
  rateLimit?: RateLimits | undefined
  concurrency?: ConcurrencyLimits | undefined
  rates: RateStore
  watch: CallWatch
  spilling: Spilling
}): readonly Place[] {
  const { clock, stats, development, caching, intents, rates, spilling } = options
  const { principal, server } = options.concurrency ?? {}
  const deadlines = new Deadlines(clock, maxCalls)
  const abandoned = new Abandoned(maxAbandoned)
  stats.add(deadlines)
  stats.add(abandoned)
  return [
    { name: 'audit', create: options.audit },
    { name: 'deadline', create: deadline(deadlines, abandoned, stats) },
    { name: 'heartbeat', create: heartbeat(clock) },
    { name: 'services', create: options.services },
    { name: 'watched', create: watched(options.watch) },
    { user: 'edge' },
    { name: 'permissions', create: permissions },
    { name: 'rateLimit', create: rateLimit(toServerRates(options.rateLimit), rates) },
    { user: 'authorized' },
    { name: 'validateInput', create: validateInput(stats) },
    { name: 'authorize', create: authorize },
    { name: 'idempotency', create: idempotency(intents) },
    { name: 'cache', create: cache(() => caching.answers({ deadlines, abandoned })) },
    {
      name: 'concurrency',
      create: concurrency(
        { principal: toConcurrency(principal), server: toConcurrency(server) },
        clock,
        stats,
      ),
    },
    { name: 'validateOutput', create: validateOutput({ development }) },
    { name: 'limitResult', create: limitResult(stats, spilling) },
    { name: 'sanitize', create: sanitize(stats) },
    { user: 'validated' },
  ]
}

/** @throws DefinitionError for a duration that is none. */
function toServerRates({ principal, server, completion = defaultCompletions }: RateLimits = {}): ServerRates {
  return {
    principal: principal && toRate(principal, '"rateLimit.principal'),
    server: server && toRate(server, '"rateLimit.server'),
    completion: toRate(completion, '"rateLimit.completion'),
  }
}
