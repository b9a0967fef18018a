import { Pool } from '../concurrency/pool/pool.js'
import type { Borrowed } from '../concurrency/pool/pool-options.js'
import type { PoolUsage } from '../concurrency/pool/pool-usage.js'
import type { Service, ServiceCall } from '../contracts/service.js'
import { type Duration, toMs } from '../engine/duration.js'
import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import { checkSafeFetchOptions, type SafeFetchOptions } from '../security/safe-fetch/options.js'
import { OriginDestinations } from '../security/safe-fetch/origin-destinations.js'
import { notAllowed } from '../security/safe-fetch/refusals.js'
import type { Lookup } from '../security/safe-fetch/resolve-host.js'
import { createFetchTo, type FetchTo } from '../security/safe-fetch/safe-fetch.js'
import { defineService } from './define-service.js'
import { endsMs, type PoolLimitOptions, poolLimits } from './pool.js'

export interface HttpPoolOptions {
  /** In messages, logs and `server.stats()`. Default: `http`. */
  readonly name?: string
  /** `https://api.example.com`: all that is connected to, scheme and port included, also by redirects. */
  readonly origins: readonly string[]
  /** Connections to each origin, and so requests under way. Default: 10. */
  readonly connections?: number
  /** Calls that wait for one, for each origin; more are refused at once as `pool_exhausted`. Default: 20 for each connection. */
  readonly maxWaiting?: number
  /** The longest wait for a connection; the call's deadline may come before. Default: 5 s. */
  readonly acquireTimeout?: Duration
  /** The longest time of a request, until its body is read; the call's deadline may come before. Default: 30 s. */
  readonly timeout?: Duration
  /** Bytes of one response's body, after decompression. Default: 10 MiB. */
  readonly maxBytes?: number
  /** Redirects that are followed, to listed origins only. Default: 5. */
  readonly maxRedirects?: number
  /** Sent with each request that does not have its own; to another origin no redirect takes what identifies the caller. */
  readonly headers?: Readonly<Record<string, string>>
  /** Private places that listed origins may be at, as `allow` of `createSafeFetch`: `localhost:3000`. Default: none. */
  readonly allow?: readonly string[]
  /** How names become addresses; its answers are checked. Default: `dns.lookup`. */
  readonly lookup?: Lookup
  /** How long calls may keep what they have when the server stops. Default: 5 s. */
  readonly stopTimeout?: Duration
}

/** What a handler sees of an HTTP backend: tied to its call, whose end closes its requests. */
export interface HttpClient {
  /**
   * Fetches `/path` of the first origin, or a URL of any listed one. A connection is held until the response's body was read or
   * cancelled.
   * @throws ToolError `pool_exhausted`, and what `createSafeFetch` rejects with; the signal's reason when the call ends.
   */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>
  /** One line for each origin, in their order. */
  usage(): readonly PoolUsage[]
}

interface Running {
  readonly http: FetchTo
  /** By origin: who may have a request under way there. */
  readonly places: ReadonlyMap<string, Pool<Place>>
}

/** The right to one connection. */
type Place = Readonly<Record<never, never>>

/**
 * HTTP backends for the server's `services`: a bounded number of kept connections to listed origins and to nothing else, with the checks
 * of `createSafeFetch`. @throws DefinitionError for an option that cannot work.
 */
export function httpPool(options: HttpPoolOptions): Service<unknown, HttpClient> {
  const { name = 'http', connections = 10, headers = {}, allow = [] } = options ?? {}
  const origins = readOrigins(options?.origins)
  const limits = poolLimits(name, { ...placeLimits(options), max: connections })
  const stopMs = toMs(options.stopTimeout ?? '5s', '"stopTimeout" of httpPool()')
  const policy = readPolicy(options, 2 * connections * origins.length)
  const own = readHeaders(headers)
  const makeDestinations = (): OriginDestinations => new OriginDestinations(origins, allow)
  asDefinition(makeDestinations)
  const [first = new URL('http://localhost')] = origins

  return defineService({
    ...(options.name !== undefined && { name }),
    stopTimeout: stopMs + endsMs,
    start(_needs, { name: known, clock, logger, stats }): Running {
      const places = new Map(
        origins.map(({ origin }) => {
          const called = origins.length === 1 ? known : `${known} ${origin}`
          const made = new Pool<Place>({
            ...limits,
            name: called,
            clock,
            logger,
            create: () => ({}),
            destroy: () => undefined,
          })
          for (const bounded of made.bounded) stats.add(bounded)
          return [origin, made] as const
        }),
      )
      return { http: createFetchTo(makeDestinations(), policy, { perOrigin: connections }), places }
    },
    async stop({ http, places }: Running) {
      await Promise.all([...places.values()].map((made) => made.close(stopMs)))
      await http.close()
    },
    degraded: ({ places }) =>
      [...places.values()].map((made) => made.degraded()).find((sentence) => sentence !== undefined),
    forCall: ({ http, places }, call: ServiceCall): HttpClient => ({
      async fetch(input, init = {}) {
        const url = asUrl(input, first)
        const place = places.get(url?.origin ?? '')
        if (url === undefined || place === undefined) {
          throw notAllowed(
            `The URL is not of an origin that "${name}" connects to.`,
            `Give a path, or a URL of ${origins.map(({ origin }) => origin).join(', ')}.`,
          )
        }
        call.noteQuery(shapeOf(init.method, url))
        let loan: Borrowed<Place> | undefined
        const over = (): void => loan?.release()
        loan = await place.acquire(call, { onAbort: over })
        try {
          const signals = init.signal ? [call.signal, init.signal] : [call.signal]
          const request = { ...init, headers: withOwn(own, init.headers), signal: AbortSignal.any(signals) }
          return await http.fetch(url, request, over)
        } catch (error) {
          over()
          throw error
        }
      },
      usage: () => [...places.values()].map((made) => made.usage()),
    }),
  })
}

function placeLimits({ maxWaiting, acquireTimeout }: HttpPoolOptions): PoolLimitOptions {
  return {
    ...(maxWaiting !== undefined && { maxWaiting }),
    ...(acquireTimeout !== undefined && { acquireTimeout }),
  }
}

function readOrigins(given: unknown): readonly URL[] {
  const isList = Array.isArray(given) && given.length > 0 && given.length <= 100
  const urls = isList
    ? given.map((entry: unknown) => (URL.canParse(String(entry)) ? new URL(String(entry)) : undefined))
    : []
  const isOrigin = (url: URL | undefined): url is URL =>
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    `${url.pathname}${url.search}${url.hash}${url.username}${url.password}` === '/'
  if (urls.length > 0 && urls.every(isOrigin)) return urls
  throw new DefinitionError(
    `"origins" of httpPool() must be a list of 1 to 100 origins such as "https://api.example.com", received ${shown(given)}.`,
  )
}

/** Twice as many as have a place: who was aborted gives that back before all of it has ended. */
function readPolicy(options: HttpPoolOptions, maxConcurrent: number): SafeFetchOptions {
  const { timeout, maxBytes, maxRedirects, lookup } = options
  const policy: SafeFetchOptions = {
    maxConcurrent,
    ...(timeout !== undefined && { timeoutMs: Math.ceil(toMs(timeout, '"timeout" of httpPool()')) }),
    ...(maxBytes !== undefined && { maxBytes }),
    ...(maxRedirects !== undefined && { maxRedirects }),
    ...(lookup !== undefined && { lookup }),
  }
  asDefinition(() => checkSafeFetchOptions(policy))
  return policy
}

function readHeaders(headers: unknown): Headers {
  try {
    return new Headers(headers as Record<string, string>)
  } catch {
    // The platform's own sentence shows the value, which may be a secret.
    throw new DefinitionError('"headers" of httpPool() must be names and values that HTTP can carry.')
  }
}

/** What the parts below throw as a TypeError is a mistake of the definition here. */
function asDefinition<Value>(make: () => Value): Value {
  try {
    return make()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'an option cannot be read.'
    throw new DefinitionError(`httpPool(): ${why}`, { cause })
  }
}

function asUrl(input: string | URL, first: URL): URL | undefined {
  const text = String(input)
  return URL.canParse(text, first.href) ? new URL(text, first) : undefined
}

function withOwn(own: Headers, given: RequestInit['headers']): Headers {
  const all = new Headers(own)
  for (const [name, value] of new Headers(given)) all.set(name, value)
  return all
}

/** What a request asks for, without what it names one thing of many by: steps of the path with a digit in them, and the query's values. */
function shapeOf(method: string | undefined, { origin, pathname, searchParams }: URL): string {
  const path = pathname
    .split('/')
    .map((step) => (/\d/.test(step) ? '*' : step))
    .join('/')
  const names = [...new Set(searchParams.keys())].sort().join('&')
  return `${method ?? 'GET'} ${origin}${path}${names === '' ? '' : `?${names}`}`
}
