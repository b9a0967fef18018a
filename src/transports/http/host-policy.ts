import { DefinitionError } from '../../errors/definition-error.js'
import { shown } from '../../errors/shown.js'
import { StartError } from '../../errors/start-error.js'
import {
  anyPort,
  type HostPattern,
  type HostPatterns,
  hostPatterns,
  matchesHost,
  parseHostAndPort,
  parseHostPattern,
  parseOrigin,
  tryUrl,
} from './host-pattern.js'
import { isLoopback, parseIp } from './ip-address.js'
import { invalidRequestCode, type Refusal } from './refusal.js'

export interface HostPolicyOptions {
  /** Where the server listens, or is meant to. An address, or `localhost`. */
  readonly bind: { readonly host: string; readonly port?: number }
  /** Further Host values: `mcp.example.com` (any port), `mcp.example.com:8443`, `*.example.com` (names below it). */
  readonly allowedHosts?: readonly string[]
  /** Further web origins: `https://app.example.com`, `https://*.example.com`, with the port if not the usual one. */
  readonly allowedOrigins?: readonly string[]
  /** The address clients know, when the server stands behind a proxy: `https://mcp.example.com/mcp`. */
  readonly publicUrl?: string
}

export interface HostPolicy {
  /** The first defence against DNS rebinding: the name the client believes it talks to must be ours. */
  checkHost(host: string | undefined): Refusal | undefined
  /**
   * Every transport page of the specification: Origin must be validated, and an invalid one is a 403.
   * Absent is fine: only browsers send it. With `host`, a Host that `checkHost` has let pass, a page of
   * that very host is let in too.
   */
  checkOrigin(origin: string | undefined, host?: string): Refusal | undefined
  /** The value for Access-Control-Allow-Origin, or undefined when the origin is not on the list. */
  corsOrigin(origin: string | undefined): string | undefined
}

/**
 * On a loopback address the names of loopback are served and pages from loopback are let in, on any port;
 * `publicUrl`, `allowedHosts` and `allowedOrigins` add to that. On any other address only what is named counts.
 *
 * A wrong Host is a 403, not a 421: a 421 (RFC 9110 §15.5.20) invites the client to try again on another
 * connection, which cannot help here, and clients of MCP know 403 for this (2025-11-25, "Security Warning").
 * A Host that is missing or no host at all is a 400 (RFC 9112 §3.2).
 *
 * Throws StartError when another address than loopback is bound without a named host, DefinitionError for an
 * entry that cannot be read.
 */
export function createHostPolicy(options: HostPolicyOptions): HostPolicy {
  const { bind, allowedHosts = [], allowedOrigins = [] } = options
  const publicUrl = options.publicUrl === undefined ? undefined : parsePublicUrl(options.publicUrl)
  const loopback = loopbackNames(bind.host)
  if (loopback === undefined && allowedHosts.length === 0 && publicUrl === undefined) {
    throw new StartError(
      `Listening on ${bind.host === '' ? 'every address' : bind.host} lets other machines in: name the hosts this server answers to in http.allowedHosts, such as ["mcp.example.com"], or set http.publicUrl.`,
    )
  }
  const hosts = servedHosts(loopback ?? [], allowedHosts, publicUrl)
  const origins = letInOrigins(loopback ?? [], allowedOrigins, publicUrl)

  // The headers of one deployment hardly vary. Only accepted values are kept, one of each, so a stranger
  // can neither fill memory nor push out more than the next request pays to look up again.
  let lastHost: string | undefined
  let lastOrigin: string | undefined

  function isLetIn(origin: string): boolean {
    if (origin === lastOrigin) return true
    const parsed = parseOrigin(origin)
    if (parsed === undefined) return false
    const patterns = parsed.scheme === 'https' ? origins.https : origins.http
    if (!matchesHost(patterns, parsed.at)) return false
    lastOrigin = origin
    return true
  }

  return {
    checkHost(host) {
      if (host !== undefined && host === lastHost) return undefined
      const parsed = host === undefined ? undefined : parseHostAndPort(host)
      if (host === undefined || parsed === undefined) {
        const received = host === undefined || host === '' ? 'none' : shown(host)
        return refusal(
          400,
          `The Host header must hold one host name and at most a port, received ${received}.`,
        )
      }
      if (!matchesHost(hosts, parsed)) {
        return refusal(
          403,
          `The host ${shown(host)} is not served here; name it in http.allowedHosts if it should be.`,
        )
      }
      lastHost = host
      return undefined
    },
    checkOrigin(origin, host) {
      if (origin === undefined || isLetIn(origin)) return undefined
      if (host !== undefined && isOwnOrigin(origin, host)) return undefined
      return refusal(
        403,
        `Pages from the origin ${shown(origin)} may not use this server; name it in http.allowedOrigins if they should.`,
      )
    },
    corsOrigin(origin) {
      return origin !== undefined && isLetIn(origin) ? origin : undefined
    },
  }
}

/** The names a loopback bind answers to, undefined for any other bind. */
function loopbackNames(bound: string): readonly string[] | undefined {
  const names = ['localhost', '127.0.0.1', '[::1]']
  const host = bound.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (host === 'localhost') return names
  const address = parseIp(host)
  if (address === undefined || !isLoopback(address)) return undefined
  // 127.0.0.2 and its like: reachable only there, so its own name belongs to it.
  return host.startsWith('127.') ? [...new Set([...names, host])] : names
}

function servedHosts(
  loopback: readonly string[],
  allowed: readonly string[],
  publicUrl: URL | undefined,
): HostPatterns {
  const all: (readonly [HostPattern, readonly string[]])[] = loopback.map((host) => [
    exactly(host),
    [anyPort],
  ])
  for (const text of allowed) {
    const pattern = parseHostPattern(text, 'http.allowedHosts')
    all.push([pattern, hostPorts(pattern.port)])
  }
  // Proxies disagree on whether the port stands in the Host they pass on, and it is the name that protects.
  if (publicUrl !== undefined) all.push([exactly(publicUrl.hostname), [anyPort]])
  return hostPatterns(all)
}

/** Clients leave out the port that is usual for the scheme (RFC 9110 §4.2), and Host does not name the scheme. */
function hostPorts(port: string): readonly string[] {
  if (port === '') return [anyPort]
  return port === '80' || port === '443' ? [port, ''] : [port]
}

function letInOrigins(
  loopback: readonly string[],
  allowed: readonly string[],
  publicUrl: URL | undefined,
): { http: HostPatterns; https: HostPatterns } {
  const http: (readonly [HostPattern, readonly string[]])[] = []
  const https: (readonly [HostPattern, readonly string[]])[] = []
  for (const host of loopback) {
    http.push([exactly(host), [anyPort]])
    https.push([exactly(host), [anyPort]])
  }
  if (publicUrl !== undefined) {
    const secure = publicUrl.protocol === 'https:'
    const list = secure ? https : http
    list.push([exactly(publicUrl.hostname), originPorts(publicUrl.port, secure)])
  }
  for (const text of allowed) {
    const match = /^(https?):\/\/(.+)$/i.exec(text)
    if (match === null) {
      throw new DefinitionError(
        `http.allowedOrigins must hold origins such as "https://app.example.com" or "https://*.example.com", received ${shown(text)}.`,
      )
    }
    const secure = match[1]?.toLowerCase() === 'https'
    const pattern = parseHostPattern(match[2] ?? '', 'http.allowedOrigins')
    const list = secure ? https : http
    list.push([pattern, originPorts(pattern.port, secure)])
  }
  return { http: hostPatterns(http), https: hostPatterns(https) }
}

/** An origin has one port; the usual one is left out of its text (RFC 6454 §6.1). */
function originPorts(port: string, secure: boolean): readonly string[] {
  const usual = secure ? '443' : '80'
  return port === '' || port === usual ? ['', usual] : [port]
}

/** Same host and port as the request itself: the page came from this server. */
function isOwnOrigin(origin: string, host: string): boolean {
  const parsed = parseOrigin(origin)
  const own = parseHostAndPort(host)
  return (
    parsed !== undefined && own !== undefined && parsed.at.host === own.host && parsed.at.port === own.port
  )
}

function exactly(host: string): HostPattern {
  return { host, wildcard: false, port: '' }
}

function parsePublicUrl(text: string): URL {
  const url = tryUrl(text)
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new DefinitionError(
      `http.publicUrl must be the http or https address that clients use, such as "https://mcp.example.com/mcp", received ${shown(text)}.`,
    )
  }
  return url
}

function refusal(status: number, message: string): Refusal {
  return { status, code: invalidRequestCode, message }
}
