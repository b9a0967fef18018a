import { Abandoned } from '../concurrency/abandoned.js'
import { Deadlines } from '../concurrency/deadlines.js'
import type { Clock } from '../contracts/clock.js'
import type { MiddlewareFactory, Place } from '../engine/pipeline.js'
import type { Stats } from '../engine/stats.js'
import { authorize } from '../middleware/authorize.js'
import { cache } from '../middleware/cache/cache.js'
import { deadline } from '../middleware/deadline.js'
import { heartbeat } from '../middleware/heartbeat.js'
import { idempotency } from '../middleware/idempotency/idempotency.js'
import type { Intents } from '../middleware/idempotency/intents.js'
import { permissions } from '../middleware/permissions.js'
import { sanitize } from '../middleware/sanitize.js'
import { validateInput } from '../middleware/validate-input.js'
import { validateOutput } from '../middleware/validate-output.js'
import type { Caching } from './caching.js'

/** Shown as the limit of the deadline table; each call in flight has at most one. */
const maxCalls = 10_000
const maxAbandoned = 1000

/**
 * The order in which a call passes through its middlewares, outermost first. This list is the one place
 * that decides it. A definition gets only those that it needs.
 */
export function middlewareOrder(options: {
  clock: Clock
  stats: Stats
  development: boolean
  caching: Caching
  intents: () => Promise<Intents>
  audit: MiddlewareFactory
}): readonly Place[] {
  const { clock, stats, development, caching, intents } = options
  const deadlines = new Deadlines(clock, maxCalls)
  const abandoned = new Abandoned(maxAbandoned)
  stats.add(deadlines)
  stats.add(abandoned)
  return [
    { name: 'audit', create: options.audit },
    { name: 'deadline', create: deadline(deadlines, abandoned, stats) },
    { name: 'heartbeat', create: heartbeat(clock) },
    { user: 'edge' },
    { name: 'permissions', create: permissions },
    { user: 'authorized' },
    { name: 'validateInput', create: validateInput(stats) },
    { name: 'authorize', create: authorize },
    { name: 'idempotency', create: idempotency(intents) },
    { name: 'cache', create: cache(() => caching.answers({ deadlines, abandoned })) },
    { name: 'validateOutput', create: validateOutput({ development }) },
    { name: 'sanitize', create: sanitize(stats) },
    { user: 'validated' },
  ]
}
