import { isSensitiveName } from '../../errors/secrets.js'
import { checkUrl } from './check-url.js'
import type { Destinations } from './destinations.js'
import { notAllowed } from './refusals.js'

const redirectStatus: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** What is asked for; a redirect makes the next of it. */
export interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: Body
}

/** Bytes can be sent again where a redirect asks for it; a stream is gone once it was read. */
export type Body = Uint8Array | ReadableStream<Uint8Array> | undefined

/** Headers that say who asks, whatever a site's own header for that is called. */
const credentialHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'host',
])

/** Where a response redirects to; undefined when it does not. */
export function redirectOf(
  status: number,
  headers: { get(name: string): string | null },
): string | undefined {
  return redirectStatus.has(status) ? (headers.get('location') ?? undefined) : undefined
}

/**
 * The next request after a redirect, by the Fetch standard's "HTTP-redirect fetch": the method becomes GET where browsers make it
 * GET, and what identifies the caller goes to no other origin.
 * @throws ToolError `url_not_allowed` for a place that may not be fetched from, and for a body that cannot be sent twice.
 */
export function nextHop(hop: Hop, status: number, location: string, destinations: Destinations): Hop {
  const url = checkUrl(location, destinations, hop.url)
  // A fragment is the reader's own, and goes on when the new place names none.
  if (url.hash === '') url.hash = hop.url.hash
  const { method } = hop
  const becomesGet =
    ((status === 301 || status === 302) && method === 'POST') ||
    (status === 303 && method !== 'GET' && method !== 'HEAD')
  const headers = new Headers(hop.headers)
  if (url.origin !== hop.url.origin) {
    for (const name of [...headers.keys()]) {
      if (credentialHeaders.has(name) || isSensitiveName(name)) headers.delete(name)
    }
  }
  if (becomesGet) {
    for (const name of [...headers.keys()]) if (name.startsWith('content-')) headers.delete(name)
    return { url, method: 'GET', headers, body: undefined }
  }
  if (hop.body instanceof ReadableStream) {
    throw notAllowed('The request was redirected, and its body is a stream that cannot be sent twice.')
  }
  return { url, method, headers, body: hop.body }
}
