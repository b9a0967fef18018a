import { Pool } from '../concurrency/pool/pool.js'
import { type Borrowed, type PoolLimits, readLimits } from '../concurrency/pool/pool-options.js'
import type { PoolUsage } from '../concurrency/pool/pool-usage.js'
import type { Service, ServiceCall } from '../contracts/service.js'
import { type Duration, toMs } from '../engine/duration.js'
import { DefinitionError } from '../errors/definition-error.js'
import { defineService } from './define-service.js'

export interface PoolLimitOptions {
  /** In messages, logs and `server.stats()`. Default: what kind of pool it is. */
  readonly name?: string
  /** Open at once. Default: 10. */
  readonly max?: number
  /**
   * Kept open although idle. With 1 or more the server starts only when one can be made; with 0 the first is made when a call
   * wants it. Default: 0 for `pool()`, 1 for `postgres()`.
   */
  readonly min?: number
  /** Calls that wait for others; more are refused at once as `pool_exhausted`. Default: 20 for each of `max`. */
  readonly maxWaiting?: number
  /** The longest wait for one; the call's deadline may come before. Default: 5 s. */
  readonly acquireTimeout?: Duration
  /** The longest time that making or checking one may take. Default: 5 s. */
  readonly createTimeout?: Duration
  /** One that lay idle for longer is checked before it is lent; 0: always. Default: 1 s. */
  readonly validateAfter?: Duration | 0
  /** Beyond `min`, one that lay idle for so long is ended. Default: 30 s. */
  readonly idle?: Duration
  /** The longest life of one; up to a fifth is taken off at random. Default: 30 minutes. */
  readonly lifetime?: Duration
  /** Who keeps one for longer is named in the log; whose call has ended for so long loses it. Default: 60 s. */
  readonly leak?: Duration
  /** How long calls may keep what they have when the server stops. Default: 5 s. */
  readonly stopTimeout?: Duration
}

export interface PoolServiceOptions<Resource> extends PoolLimitOptions {
  /** `signal` aborts when it takes too long, and when the server stops. */
  create(signal: AbortSignal): Resource | Promise<Resource>
  destroy(resource: Resource): void | Promise<void>
  /** Whether one that lay idle is still good; a rejection is a no. */
  validate?(resource: Resource): boolean | Promise<boolean>
  /** Whether one must not be lent again after work threw `error`. Default: it may. */
  broken?(resource: Resource, error: unknown): boolean
}

/** What a handler sees of a pool: tied to its call. */
export interface CallPool<Resource> {
  /** Lends one for as long as `work` takes. `onAbort` is called when the call ends meanwhile; what it throws is logged. */
  use<Value>(
    work: (resource: Resource) => Value | Promise<Value>,
    options?: { readonly onAbort?: (resource: Resource) => void },
  ): Promise<Value>
  /** Lends one until `release()` or `destroy()` is called. Prefer `use`, which cannot forget it. */
  acquire(): Promise<Borrowed<Resource>>
  usage(): PoolUsage
}

/** Ends of resources take up to 6 s beyond the time that calls have. */
export const endsMs = 7000

/**
 * A bounded set of what is dear to make and can be used by one call at a time: sessions of a browser, connections to a mainframe,
 * licences. Handlers borrow by `ctx.services.<name>.use(work)`. @throws DefinitionError for an option that cannot work.
 */
export function pool<Resource>(
  options: PoolServiceOptions<Resource>,
): Service<Pool<Resource>, CallPool<Resource>> {
  const { name = 'pool', create, destroy } = options ?? {}
  for (const [option, given] of Object.entries({ create, destroy })) {
    if (typeof given === 'function') continue
    throw new DefinitionError(
      `pool() "${name}": "${option}" must be a function that is given what to ${option}.`,
    )
  }
  const limits = poolLimits(name, options)
  const stopMs = toMs(options.stopTimeout ?? '5s', `pool() "${name}": "stopTimeout"`)
  return defineService({
    ...(options.name !== undefined && { name }),
    stopTimeout: stopMs + endsMs,
    async start(_needs, { name: known, clock, logger, stats, signal }) {
      const made = new Pool<Resource>({ ...options, ...limits, name: known, clock, logger })
      for (const bounded of made.bounded) stats.add(bounded)
      await openOrClose(made, signal)
      return made
    },
    stop: (made: Pool<Resource>) => made.close(stopMs),
    degraded: (made) => made.degraded(),
    forCall: (made, call: ServiceCall): CallPool<Resource> => ({
      use: (work, more) => made.use(call, work, more),
      acquire: () => made.acquire(call),
      usage: () => made.usage(),
    }),
  })
}

/** Nothing is left open by a start that failed. */
export async function openOrClose<Resource>(made: Pool<Resource>, signal: AbortSignal): Promise<void> {
  try {
    await made.open(signal)
  } catch (error) {
    await made.close(1)
    throw error
  }
}

/** The limits as the pool takes them, in milliseconds. @throws DefinitionError for one that cannot work. */
export function poolLimits(name: string, options: PoolLimitOptions): PoolLimits {
  const limits: { -readonly [Limit in keyof PoolLimits]?: number } = {}
  const times = {
    acquireTimeoutMs: ['acquireTimeout', options.acquireTimeout],
    createTimeoutMs: ['createTimeout', options.createTimeout],
    idleMs: ['idle', options.idle],
    lifetimeMs: ['lifetime', options.lifetime],
    leakMs: ['leak', options.leak],
    validateAfterMs: ['validateAfter', options.validateAfter],
  } as const
  for (const key of Object.keys(times) as (keyof typeof times)[]) {
    const [option, value] = times[key]
    if (value === undefined) continue
    limits[key] =
      value === 0 && option === 'validateAfter' ? 0 : toMs(value, `The pool "${name}": "${option}"`)
  }
  for (const key of ['max', 'min', 'maxWaiting'] as const) {
    const value = options[key]
    if (value !== undefined) limits[key] = value
  }
  return readLimits({ ...limits, name })
}
