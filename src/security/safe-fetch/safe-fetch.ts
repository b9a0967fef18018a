import type { Agent, Response as UndiciResponse } from 'undici'
import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Fetch } from '../../contracts/fetch.js'
import { ToolError } from '../../errors/tool-error.js'
import { boundedBody, refuseDeclaredLength } from './bounded-body.js'
import { shownHost } from './check-url.js'
import { checkedConnector, type TunnelProxy } from './connector.js'
import { Destinations } from './destinations.js'
import { checkSafeFetchOptions, defaults, proxyUrl, type SafeFetchOptions } from './options.js'
import { type Hop, nextHop, redirectOf } from './redirects.js'
import { fetchError, notAllowed } from './refusals.js'
import { readRequest } from './request.js'

type Undici = typeof import('undici')

const nullBodyStatus: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])
/** A kept connection that is not used closes soon; a server's own hint cannot hold it for longer. */
const keepAliveMs = 4000

/** A `fetch` with its limits to look at, and an end. */
export interface SafeFetch extends Fetch, Bounded {
  /** Ends what runs and closes all connections; later fetches are refused. */
  close(): Promise<void>
}

/**
 * Makes a `fetch` for URLs that come from strangers: a model, a user, a feed. It connects only to the public internet, and
 * to what `allow` names; each redirect is checked like the first URL; it is bounded in bytes, time, redirects and number.
 *
 * It rejects with a `ToolError` whose code says why: `url_not_allowed`, `fetch_failed`, `fetch_timed_out`,
 * `response_too_large`, `too_many_redirects` or `overloaded`; with the signal's own reason when the caller aborts.
 * There is no switch that turns the checks off.
 *
 * Needs Node: it checks addresses as it connects.
 * @throws TypeError for an option that cannot work.
 */
export function createSafeFetch(options: SafeFetchOptions = {}): SafeFetch {
  checkSafeFetchOptions(options)
  const { fetch, stats, close } = createFetchTo(new Destinations(options), options)
  return Object.assign((input: string | URL | Request, init?: RequestInit) => fetch(input, init), {
    stats,
    close,
  })
}

/** A safe fetch for who has destinations of his own, and counts what is under way. */
export interface FetchTo extends Bounded {
  /** `onOver` is called once: when the body has been read, cancelled or broken off, and when there is none. */
  fetch(input: string | URL | Request, init?: RequestInit, onOver?: () => void): Promise<Response>
  close(): Promise<void>
}

/** What connections are kept for and how many, beyond the policy. */
export interface Connections {
  /** To one origin at once. Default: as many as there are fetches. */
  readonly perOrigin?: number
}

/** The same for given destinations; options are checked already. */
export function createFetchTo(
  destinations: Destinations,
  options: SafeFetchOptions,
  { perOrigin }: Connections = {},
): FetchTo {
  const { maxBytes, timeoutMs, maxRedirects, maxHeaderBytes, maxConcurrent } = { ...defaults, ...options }
  /** What ends each fetch: a signal of all of them would keep something of each, on Node 20 for ever. */
  const running = new Set<AbortController>()
  let refused = 0
  let closed = false
  let opening: Promise<{ undici: Undici; agent: Agent }> | undefined

  /** Loaded with the first fetch: it takes longer to load than the rest of a server. */
  async function open(): Promise<{ undici: Undici; agent: Agent }> {
    const undici = await import('undici')
    const agent = new undici.Agent({
      connect: checkedConnector(undici, {
        destinations,
        lookup: options.lookup,
        timeoutMs,
        proxy: proxyOf(undici, options.proxy),
      }),
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      ...(perOrigin !== undefined && { connections: perOrigin }),
    })
    return { undici, agent }
  }

  async function safeFetch(
    input: string | URL | Request,
    init: RequestInit = {},
    onOver: () => void = () => undefined,
  ): Promise<Response> {
    if (closed) throw fetchError('fetch_failed', 'The server is closing and fetches no more.')
    if (running.size >= maxConcurrent) {
      refused += 1
      throw fetchError('overloaded', `${maxConcurrent} fetches are running already.`, { retryAfterMs: 1000 })
    }
    const ends = new AbortController()
    running.add(ends)
    let all: AbortSignal | undefined
    const onEnd = (): void => {
      if (!running.delete(ends)) return
      clearTimeout(timer)
      all?.removeEventListener('abort', onEnd)
      onOver()
    }
    const timer = setTimeout(() => {
      ends.abort(fetchError('fetch_timed_out', `The fetch took longer than ${timeoutMs} ms.`))
      onEnd()
    }, timeoutMs)
    timer.unref()
    try {
      const { first, redirect, signal } = await readRequest(input, init, destinations)
      all = signal ? AbortSignal.any([ends.signal, signal]) : ends.signal
      all.throwIfAborted()
      // A body that nobody reads would hold its place for ever.
      all.addEventListener('abort', onEnd, { once: true })
      opening ??= open()
      return await follow(await opening, first, redirect, all, onEnd)
    } catch (error) {
      onEnd()
      throw error
    }
  }

  async function follow(
    { undici, agent }: { undici: Undici; agent: Agent },
    first: Hop,
    redirect: Request['redirect'],
    signal: AbortSignal,
    onEnd: () => void,
  ): Promise<Response> {
    let hop = first
    for (let hops = 0; ; hops += 1) {
      const response = await send(undici, agent, hop, signal)
      const location = redirectOf(response.status, response.headers)
      if (location === undefined || redirect === 'manual') {
        return finished(response, hop, hops, signal, onEnd)
      }
      await response.body?.cancel()
      if (redirect === 'error') throw notAllowed('The URL redirects, and redirects are not followed here.')
      if (hops === maxRedirects) {
        throw fetchError('too_many_redirects', `The URL redirects more than ${maxRedirects} times.`)
      }
      hop = nextHop(hop, response.status, location, destinations)
    }
  }

  async function send(undici: Undici, agent: Agent, hop: Hop, signal: AbortSignal): Promise<UndiciResponse> {
    const { url, method, headers, body } = hop
    try {
      return await undici.fetch(url, {
        method,
        headers: [...headers],
        redirect: 'manual',
        signal,
        dispatcher: agent,
        ...(body !== undefined && { body: untilAborted(body, signal), duplex: 'half' as const }),
      })
    } catch (error) {
      throw explain(error, url, signal)
    }
  }

  function finished(
    response: UndiciResponse,
    { url, method }: Hop,
    hops: number,
    signal: AbortSignal,
    onEnd: () => void,
  ): Response {
    const hasBody = method !== 'HEAD' && response.body !== null && !nullBodyStatus.has(response.status)
    if (hasBody) {
      try {
        refuseDeclaredLength(response.headers, maxBytes)
      } catch (error) {
        void response.body?.cancel().catch(() => undefined)
        throw error
      }
    }
    const body = hasBody
      ? boundedBody(response.body as ReadableStream<Uint8Array>, {
          maxBytes,
          explain: (error) => explain(error, url, signal),
          onEnd,
        })
      : null
    if (!hasBody) onEnd()
    const made = new Response(body, {
      status: response.status === 101 || response.status === 103 ? 502 : response.status,
      statusText: response.statusText,
      headers: [...response.headers],
    })
    // A response that is made by hand knows neither.
    Object.defineProperty(made, 'url', { value: withoutHash(url) })
    Object.defineProperty(made, 'redirected', { value: hops > 0 })
    return made
  }

  return {
    fetch: safeFetch,
    stats: (): BoundedStats => ({
      name: 'fetches',
      size: running.size,
      limit: maxConcurrent,
      unit: 'entries' as const,
      dropped: refused,
    }),
    async close(): Promise<void> {
      closed = true
      const reason = fetchError('fetch_failed', 'The server closed while it fetched.')
      for (const ends of running) ends.abort(reason)
      if (opening !== undefined) await (await opening).agent.destroy()
    },
  }
}

/** What went wrong on the way, as the caller is told: never an address, a path or a stack. */
function explain(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (ToolError.is(error)) return error
  const cause = error instanceof Error ? error.cause : undefined
  if (ToolError.is(cause)) return cause
  const code = codeOf(cause) ?? codeOf(error)
  if (
    code === 'UND_ERR_CONNECT_TIMEOUT' ||
    code === 'UND_ERR_HEADERS_TIMEOUT' ||
    code === 'UND_ERR_BODY_TIMEOUT'
  ) {
    return fetchError('fetch_timed_out', `${shownHost(url.host)} did not answer in time.`, { cause: error })
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return fetchError('response_too_large', `The head of ${shownHost(url.host)}'s response is too large.`)
  }
  const why = code === undefined ? '' : ` (${code})`
  return fetchError('fetch_failed', `Fetching from ${shownHost(url.host)} failed${why}.`, { cause: error })
}

/** undici goes on reading what nobody is sent any more; a source that never waits and never ends would then block the process. */
function untilAborted<Bytes>(body: Bytes, signal: AbortSignal): Bytes | ReadableStream<Uint8Array> {
  if (!(body instanceof ReadableStream)) return body
  const source = body as ReadableStream<Uint8Array>
  return source.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal })
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : undefined
}

function proxyOf(undici: Undici, text: string | undefined): TunnelProxy | undefined {
  const url = proxyUrl(text)
  if (url === undefined) return undefined
  const secret = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return {
    dispatcher: new undici.Pool(url.origin),
    authorization: url.username === '' ? undefined : `Basic ${Buffer.from(secret).toString('base64')}`,
  }
}

function withoutHash(url: URL): string {
  const bare = new URL(url)
  bare.hash = ''
  return bare.href
}
