import type { Rate } from '../contracts/rate-store.js'
import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import { type Duration, toMs } from './duration.js'

/** A rate as people write it: `{ limit: 60, per: '1m' }`. */
export interface RateOptions {
  /** Units in `per`; a call takes its `cost`, 1 by default. */
  readonly limit: number
  readonly per: Duration
  /** Units that may be taken at once after a pause. Default: `limit`. */
  readonly burst?: number
}

export interface RateLimitOptions extends RateOptions {
  /** Whether each caller has the limit to itself. Default: `principal`. */
  readonly by?: 'principal' | 'everyone'
}

export interface ConcurrencyOptions {
  /** Calls that run at once on this node. */
  readonly limit: number
  /** Calls that may wait for their turn; more are refused. Default: ten times `limit`. */
  readonly queue?: number
  /** Whether each caller has the limit to itself. Default: `everyone`. */
  readonly by?: 'principal' | 'everyone'
}

export interface CacheOptions {
  /** How long an answer is served again, here and by clients that keep it (`ttlMs`). */
  readonly ttl: Duration
  /** Who is served the same answer. `public` only where every caller gets the same. Default: `principal`. */
  readonly scope?: 'principal' | 'public'
  /** How long after `ttl` an old answer is still served, while a new one is made. Default: not at all. */
  readonly staleWhileRevalidate?: Duration
}

export interface LimitOptions {
  /** How often it may be called. Counted before the arguments are looked at. Default: as often as the server's own limits let. */
  readonly rateLimit?: RateLimitOptions
  /** How many calls run at once, and how many wait. Default: as many as come. */
  readonly concurrency?: number | ConcurrencyOptions
}

export interface RateLimit {
  readonly rate: Rate
  readonly by: 'principal' | 'everyone'
}

export interface ConcurrencyLimit {
  readonly limit: number
  readonly queue: number
  readonly by: 'principal' | 'everyone'
}

export interface CacheSetting {
  readonly ttlMs: number
  readonly scope: 'principal' | 'public'
  readonly staleMs: number
  /** What the answer to this input is known by when it is to be forgotten. */
  tags(input: unknown): readonly string[]
}

/** @throws DefinitionError for a duration that is none. */
export function toRate({ limit, per, burst = limit }: RateOptions, option: string): Rate {
  return { intervalMs: toMs(per, `${option}.per"`) / limit, burst }
}

export function toRateLimit(options: RateLimitOptions | undefined, option: string): RateLimit | undefined {
  if (options === undefined) return undefined
  return { rate: toRate(options, option), by: options.by ?? 'principal' }
}

export function toConcurrency(
  options: number | ConcurrencyOptions | undefined,
): ConcurrencyLimit | undefined {
  if (options === undefined) return undefined
  const {
    limit,
    queue = limit * 10,
    by = 'everyone',
  } = typeof options === 'number' ? { limit: options } : options
  return { limit, queue, by }
}

/** @throws DefinitionError for an answer that may not be shared, and for a duration that is none. */
export function toCacheSetting(
  options: CacheOptions & { tags?(input: never): readonly string[] },
  owner: string,
): CacheSetting {
  const { ttl, scope = 'principal', staleWhileRevalidate } = options
  return {
    ttlMs: Math.round(toMs(ttl, `The ${owner}: "cache.ttl"`)),
    scope,
    staleMs:
      staleWhileRevalidate === undefined
        ? 0
        : Math.round(toMs(staleWhileRevalidate, `The ${owner}: "cache.staleWhileRevalidate"`)),
    tags: (input) => tagsOf(options.tags?.(input as never), owner),
  }
}

/** @throws TypeError for what is no list of texts: an answer under wrong tags would outlive what it was made from. */
function tagsOf(tags: unknown, owner: string): readonly string[] {
  if (tags === undefined) return []
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags
  if (tags instanceof Promise) tags.catch(() => undefined)
  throw new TypeError(
    `The ${owner}: "cache.tags" must return a list of texts, received ${shown(tags)}; write ({ id }) => [\`order:\${id}\`].`,
  )
}

/** @throws DefinitionError where a `public` answer could show one caller what only another may see. */
export function refusePublicCache(cache: CacheSetting | undefined, restricted: boolean, owner: string): void {
  if (cache?.scope !== 'public' || !restricted) return
  throw new DefinitionError(
    `The ${owner}: "cache.scope" cannot be "public" where "permissions", "visible" or "authorize" tell callers apart; leave it out for "principal".`,
  )
}
