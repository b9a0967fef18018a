import { checkUrl } from './check-url.js'
import type { Destinations } from './destinations.js'
import type { Body, Hop } from './redirects.js'

export interface ReadRequest {
  readonly first: Hop
  readonly redirect: Request['redirect']
  readonly signal: AbortSignal | undefined
}

/**
 * Takes what `fetch` takes. The platform's own `Request` reads it, so headers, methods and bodies are checked as they are
 * everywhere else.
 * @throws ToolError `url_not_allowed`; TypeError as `fetch` throws it for a request that is none.
 */
export async function readRequest(
  input: string | URL | Request,
  init: RequestInit,
  destinations: Destinations,
): Promise<ReadRequest> {
  const isRequest = input instanceof Request
  const url = checkUrl(isRequest ? input.url : String(input), destinations)
  const signal = init.signal ?? (isRequest ? input.signal : undefined)
  const givenBody = init.body ?? (isRequest ? input.body : undefined)
  const isStream = givenBody instanceof ReadableStream || isAsyncIterable(givenBody)
  const { signal: _signal, ...rest } = init
  const request = new Request(isRequest ? input : url, isStream ? { ...rest, duplex: 'half' } : rest)
  const body: Body =
    givenBody === undefined || givenBody === null
      ? undefined
      : isStream
        ? ((request.body as ReadableStream<Uint8Array> | null) ?? undefined)
        : new Uint8Array(await request.arrayBuffer())
  const { method, headers, redirect } = request
  return { first: { url, method, headers, body }, redirect, signal }
}

function isAsyncIterable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && Symbol.asyncIterator in value && !(value instanceof Blob)
  )
}
