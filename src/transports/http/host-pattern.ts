import { DefinitionError } from '../../errors/definition-error.js'
import { shown } from '../../errors/shown.js'

/** A host as it stands in Host and Origin headers, in lower case; IPv6 in brackets. */
export interface HostAndPort {
  readonly host: string
  /** The decimal digits, or empty when the header names none. */
  readonly port: string
}

/**
 * uri-host [ ":" port ] as clients really send it (RFC 9110 §7.2): dot-separated labels or a bracketed IPv6
 * address. No userinfo, no percent-encoding, no trailing dot, no empty port.
 */
const hostAndPort = /^([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/i

/** Undefined when the text is no host. At most 300 characters: a name has 253 (RFC 1035 §2.3.4). */
export function parseHostAndPort(text: string): HostAndPort | undefined {
  if (text.length > 300) return undefined
  const match = hostAndPort.exec(text)
  if (match === null) return undefined
  return { host: (match[1] ?? '').toLowerCase(), port: match[2] ?? '' }
}

/** Splits an Origin (RFC 6454 §6.1) of http or https; anything else, `null` too, gives undefined. */
export function parseOrigin(origin: string): { scheme: string; at: HostAndPort } | undefined {
  const match = /^(https?):\/\//i.exec(origin)
  if (match === null) return undefined
  const at = parseHostAndPort(origin.slice(match[0].length))
  return at === undefined ? undefined : { scheme: (match[1] ?? '').toLowerCase(), at }
}

/** Exact hosts and `*.` suffixes, each with the ports it is for. */
export interface HostPatterns {
  readonly exact: ReadonlyMap<string, ReadonlySet<string>>
  readonly suffixes: readonly { readonly suffix: string; readonly ports: ReadonlySet<string> }[]
}

export interface HostPattern {
  /** `mcp.example.com`, or `.example.com` when it stands for every name below. */
  readonly host: string
  readonly wildcard: boolean
  readonly port: string
}

/** Stands in a set of ports for any port at all, none included. */
export const anyPort = '*'

/**
 * Reads `mcp.example.com`, `mcp.example.com:8443`, `[2001:db8::1]`, `*.example.com`. The name is brought to the
 * form clients send (punycode, canonical IPv6). Throws DefinitionError for anything else, also for `*` alone.
 */
export function parseHostPattern(text: string, option: string): HostPattern {
  const wildcard = text.startsWith('*.')
  const rest = wildcard ? text.slice(2) : text
  const forbidden = rest === '' || rest.endsWith(':') || /[\s/@?#\\%*]/.test(rest)
  const url = forbidden ? undefined : tryUrl(`ws://${rest}`)
  const colon = /:(\d{1,5})$/.exec(rest)
  const at = url === undefined ? undefined : parseHostAndPort(url.hostname)
  if (at === undefined || (rest.split(':').length > 2 && !rest.startsWith('['))) {
    throw new DefinitionError(
      `${option} must hold host names such as "mcp.example.com", "mcp.example.com:8443" or "*.example.com", received ${shown(text)}.`,
    )
  }
  if (wildcard && (at.host.startsWith('[') || !(at.host.includes('.') || at.host === 'localhost'))) {
    throw new DefinitionError(
      `${option}: ${shown(text)} is too wide; put at least a whole domain behind "*.", such as "*.example.com".`,
    )
  }
  return { host: wildcard ? `.${at.host}` : at.host, wildcard, port: colon?.[1] ?? '' }
}

export function matchesHost(patterns: HostPatterns, at: HostAndPort): boolean {
  const ports = patterns.exact.get(at.host)
  if (ports !== undefined && takesPort(ports, at.port)) return true
  for (const { suffix, ports } of patterns.suffixes) {
    // Longer than the suffix: `.example.com` alone is no name below example.com.
    if (at.host.length > suffix.length && at.host.endsWith(suffix) && takesPort(ports, at.port)) return true
  }
  return false
}

/** Collects patterns; the caller says which ports each stands for. */
export function hostPatterns(all: readonly (readonly [HostPattern, readonly string[]])[]): HostPatterns {
  const exact = new Map<string, Set<string>>()
  const suffixes: { suffix: string; ports: Set<string> }[] = []
  for (const [{ host, wildcard }, ports] of all) {
    if (wildcard) suffixes.push({ suffix: host, ports: new Set(ports) })
    else exact.set(host, new Set([...(exact.get(host) ?? []), ...ports]))
  }
  return { exact, suffixes }
}

export function tryUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

function takesPort(ports: ReadonlySet<string>, port: string): boolean {
  return ports.has(anyPort) || ports.has(port)
}
