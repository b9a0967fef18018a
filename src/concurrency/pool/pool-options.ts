import type { Clock } from '../../contracts/clock.js'
import type { Logger } from '../../contracts/logger.js'
import { DefinitionError } from '../../errors/definition-error.js'
import { shown } from '../../errors/shown.js'

/** What is lent, how it is made and ended, and within which limits. Times are milliseconds. */
export interface PoolOptions<Resource> {
  /** In messages, in log records and in `server.stats()`. */
  readonly name: string
  /** `signal` aborts when it takes longer than `createTimeoutMs`, and when the pool closes. */
  create(signal: AbortSignal): Resource | Promise<Resource>
  /** Ends one; waited for 5 s at most. What it throws is logged. */
  destroy(resource: Resource): void | Promise<void>
  /** Whether one that lay idle for `validateAfterMs` is still good; a rejection is a no. Default: all are. */
  validate?(resource: Resource): boolean | Promise<boolean>
  /** Whether one must not be lent again after its work threw `error`. Default: none is. */
  broken?(resource: Resource, error: unknown): boolean
  /** Open at once, whatever for: lent, idle, being made or being ended. Default: 10. */
  readonly max?: number
  /** Kept open although idle. Default: 0. */
  readonly min?: number
  /** Callers that wait for others; more are refused at once. Default: 20 for each of `max`. */
  readonly maxWaiting?: number
  /** The longest wait for one; the caller's deadline may come before. Default: 5,000. */
  readonly acquireTimeoutMs?: number
  /** The longest time that making or checking one may take. Default: 5,000. */
  readonly createTimeoutMs?: number
  /** One that lay idle for longer is checked before it is lent; 0: always. Default: 1,000. */
  readonly validateAfterMs?: number
  /** Beyond `min`, one that lay idle for so long is ended. Default: 30,000. */
  readonly idleMs?: number
  /** The longest life of one; up to a fifth is taken off at random, so that they do not all end at once. Default: 30 minutes. */
  readonly lifetimeMs?: number
  /**
   * Who keeps one for longer is named in the log, with the place where it was borrowed. Whose call has ended for so long loses
   * it. Default: 60,000.
   */
  readonly leakMs?: number
  readonly clock: Clock
  readonly logger: Logger
}

/** What a pool must know of the call that borrows. `ctx` of every handler is one. */
export interface PoolCall {
  readonly name: string
  readonly signal: AbortSignal
  /** Milliseconds until the deadline. */
  remaining(): number
}

export interface LoanOptions<Resource> {
  /** Called when the call ends before the resource was given back. What it throws is logged. */
  readonly onAbort?: (resource: Resource) => void
}

/** One resource on loan. */
export interface Borrowed<Resource> {
  readonly resource: Resource
  /** Gives it back; a second time, or after it was taken away, does nothing. */
  release(): void
  /** Gives it back to be ended, because it is not good any more. */
  destroy(): void
}

export type PoolLimits = Readonly<
  Record<
    | 'max'
    | 'min'
    | 'maxWaiting'
    | 'acquireTimeoutMs'
    | 'createTimeoutMs'
    | 'validateAfterMs'
    | 'idleMs'
    | 'lifetimeMs'
    | 'leakMs',
    number
  >
>

/** The longest that a timer can wait. */
const longestMs = 2 ** 31 - 1
/** More than any server has of what is worth pooling. */
const mostResources = 10_000
const mostWaiting = 1_000_000

/** The limits with their defaults. @throws DefinitionError for one that cannot work. */
export function readLimits(options: Partial<PoolLimits> & { readonly name: string }): PoolLimits {
  const owner = `pool "${options.name}"`
  const max = whole(owner, 'max', options.max, 10, 1, mostResources)
  return {
    max,
    min: whole(owner, 'min', options.min, 0, 0, max),
    maxWaiting: whole(owner, 'maxWaiting', options.maxWaiting, 20 * max, 0, mostWaiting),
    acquireTimeoutMs: time(owner, 'acquireTimeoutMs', options.acquireTimeoutMs, 5000),
    createTimeoutMs: time(owner, 'createTimeoutMs', options.createTimeoutMs, 5000),
    validateAfterMs: time(owner, 'validateAfterMs', options.validateAfterMs, 1000, 0),
    idleMs: time(owner, 'idleMs', options.idleMs, 30_000),
    lifetimeMs: time(owner, 'lifetimeMs', options.lifetimeMs, 1_800_000),
    leakMs: time(owner, 'leakMs', options.leakMs, 60_000),
  }
}

function whole(
  owner: string,
  option: string,
  value: number | undefined,
  usual: number,
  least: number,
  most: number,
): number {
  if (value === undefined) return usual
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new DefinitionError(
    `The ${owner}: "${option}" must be a whole number from ${least} to ${most}, received ${shown(value)}; leave it out for ${usual}.`,
  )
}

function time(owner: string, option: string, value: number | undefined, usual: number, least = 1): number {
  if (value === undefined) return usual
  if (value >= least && value <= longestMs) return value
  throw new DefinitionError(
    `The ${owner}: "${option}" must be milliseconds from ${least}, received ${shown(value)}; leave it out for ${usual}.`,
  )
}
