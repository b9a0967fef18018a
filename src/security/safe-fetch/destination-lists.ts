import { shown } from '../../errors/shown.js'
import { type Address, parseAddress } from './address.js'

/** A list is compared entry by entry for each connection. */
const maxEntries = 100

export interface HostPort {
  readonly host: string
  readonly port: number
}

export interface AddressRange {
  readonly base: Address
  readonly bits: number
}

export interface EgressRule {
  readonly host: string
  readonly subdomains: boolean
  /** Undefined: the scheme's own port. */
  readonly port: number | undefined
}

/** @throws TypeError for what is no list of texts, or too long a one. */
export function checkList(name: string, list: unknown): void {
  if (!Array.isArray(list) || list.length > maxEntries || !list.every((entry) => typeof entry === 'string')) {
    throw new TypeError(`"${name}" must be a list of at most ${maxEntries} texts, received ${shown(list)}.`)
  }
}

/** @throws TypeError with the sentence that mends the entry. */
export function readAllow(entry: string): HostPort | AddressRange {
  return entry.includes('/') ? readRange(entry) : readHostPort(entry)
}

function readRange(entry: string): AddressRange {
  const [, text = '', digits = ''] = /^([^/]{1,64})\/(\d{1,3})$/.exec(entry) ?? []
  const base = parseAddress(text)
  const bits = Number(digits)
  if (base === undefined || digits === '' || bits > base.length * 8) {
    throw new TypeError(`${shown(entry)} in "allow" is no address range; write one such as "10.20.0.0/16".`)
  }
  const least = leastBits(base)
  if (bits < least) {
    throw new TypeError(
      `${shown(entry)} in "allow" opens too much; a range there has at least ${least} bits, and nothing opens all.`,
    )
  }
  return { base, bits }
}

/** Wide enough for each private range as a whole, and too narrow for the internet. */
function leastBits(base: Address): number {
  if (base.length === 4) return 8
  return ((base[0] ?? 0) & 0xfe) === 0xfc ? 7 : 32
}

function readHostPort(entry: string): HostPort {
  const [, host = '', digits = ''] = /^(.{1,260}):(\d{1,5})$/.exec(entry) ?? []
  const read = readHost(host)
  const port = Number(digits)
  if (read === undefined || port < 1 || port > 65_535) {
    throw new TypeError(
      `${shown(entry)} in "allow" is neither host:port nor an address range; write one such as "localhost:3000" or "10.20.0.0/16".`,
    )
  }
  return { host: read, port }
}

/** @throws TypeError with the sentence that mends the entry. */
export function readEgressRule(entry: string): EgressRule {
  const [, wild, name = '', digits] = /^(\*\.)?(.{1,260}?)(?::(\d{1,5}))?$/.exec(entry) ?? []
  const host = readHost(name)
  const port = digits === undefined ? undefined : Number(digits)
  if (host === undefined || (port !== undefined && (port < 1 || port > 65_535))) {
    throw new TypeError(
      `${shown(entry)} in "egress" is no host; write one such as "api.example.com", "*.example.com" or "example.com:8443".`,
    )
  }
  return { host, subdomains: wild !== undefined, port }
}

/** As the URL parser would have it, so that it compares with what is asked for. */
function readHost(text: string): string | undefined {
  if (/[/?#@\\\s*]/.test(text)) return undefined
  try {
    const { hostname, port } = new URL(`http://${text}/`)
    return port === '' && hostname !== '' ? withoutFinalDot(hostname) : undefined
  } catch {
    return undefined
  }
}

/** `example.com.` is `example.com` to a resolver, and must be to every rule. */
export function withoutFinalDot(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
}
