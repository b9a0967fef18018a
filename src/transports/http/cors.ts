import type { HostPolicy } from './host-policy.js'

export interface PreflightAnswer {
  readonly status: 204
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

export interface Cors {
  /**
   * The answer to OPTIONS. The origin has passed `checkOrigin` before; one that is not on the list (or none)
   * gets the allowed methods and no permission. `requestedHeaders` is Access-Control-Request-Headers.
   */
  preflight(origin: string | undefined, requestedHeaders: string | undefined): PreflightAnswer
  /** What every other answer carries, refusals too: a page could not read the reason otherwise. */
  responseHeaders(origin: string | undefined): Readonly<Record<string, string>>
}

export interface CorsOptions {
  readonly corsOrigin: HostPolicy['corsOrigin']
  /** How long a browser may keep the preflight's answer, in seconds; default 7200, the most that Chromium keeps. */
  readonly maxAgeSeconds?: number
}

const methods = 'GET, POST, DELETE, OPTIONS'

const requestHeaders = [
  'accept',
  'authorization',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'baggage',
  'traceparent',
  'tracestate',
  'x-api-key',
].join(', ')

const exposedHeaders = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After'

/** The prefix is fixed, the rest belongs to the tools, so these are allowed by name as they are asked for. */
const mirroredHeader = /^mcp-param-[!#$%&'*+\-.^_`|~0-9a-z]{1,128}$/
const mostMirrored = 64

/**
 * Cross-origin access (Fetch standard, "CORS protocol") for the origins of the host policy. Answers vary on
 * Origin and name it only when it is on the list. Credentials are never allowed: MCP sends its token in
 * Authorization, and a cookie must not be enough to call a tool.
 */
export function createCors({ corsOrigin, maxAgeSeconds = 7200 }: CorsOptions): Cors {
  const vary: Readonly<Record<string, string>> = Object.freeze({ vary: 'Origin' })
  const preflightVary = 'Origin, Access-Control-Request-Headers'
  const noPermission: PreflightAnswer = Object.freeze({
    status: 204,
    headers: Object.freeze({ allow: methods, vary: preflightVary }),
  })
  let last: { readonly origin: string; readonly headers: Readonly<Record<string, string>> } | undefined

  return {
    preflight(origin, requested) {
      const allowed = corsOrigin(origin)
      if (allowed === undefined) return noPermission
      return {
        status: 204,
        headers: {
          'access-control-allow-origin': allowed,
          'access-control-allow-methods': methods,
          'access-control-allow-headers': requestHeaders + mirroredHeaders(requested),
          'access-control-max-age': String(maxAgeSeconds),
          vary: preflightVary,
        },
      }
    },
    responseHeaders(origin) {
      if (origin === undefined) return vary
      if (last !== undefined && last.origin === origin) return last.headers
      const allowed = corsOrigin(origin)
      if (allowed === undefined) return vary
      const headers = Object.freeze({
        'access-control-allow-origin': allowed,
        'access-control-expose-headers': exposedHeaders,
        vary: 'Origin',
      })
      last = { origin, headers }
      return headers
    },
  }
}

/** The Mcp-Param-* names among those asked for, each as `, name`. Nothing else of the request comes back. */
function mirroredHeaders(requested: string | undefined): string {
  if (requested === undefined) return ''
  const names = new Set<string>()
  for (const part of requested.split(',')) {
    const name = part.trim().toLowerCase()
    if (mirroredHeader.test(name)) names.add(name)
    if (names.size === mostMirrored) break
  }
  return [...names].map((name) => `, ${name}`).join('')
}
