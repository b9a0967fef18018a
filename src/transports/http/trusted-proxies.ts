import { DefinitionError } from '../../errors/definition-error.js'
import { shown } from '../../errors/shown.js'
import { formatIp, type IpAddress, isV4, parseIp } from './ip-address.js'

export interface TrustedProxies {
  /**
   * The address of the client, in canonical text, for limits and logs. `remote` is the peer of the socket.
   * X-Forwarded-For is read from the right, one entry for each trusted hop; the first address that is not a
   * trusted proxy is the client. An entry that is no address ends the walk at the proxy that wrote it,
   * because whatever stands further left is what a client claims. Undefined when the peer is unknown.
   */
  clientAddress(remote: string | undefined, forwardedFor: string | undefined): string | undefined
  /** Whether the peer is one of the named proxies, so that its forwarded headers may be believed. */
  trusts(remote: string | undefined): boolean
}

interface Network {
  readonly base: IpAddress
  /** Of the 128 bits; an IPv4 network of /n stands as /(96 + n). */
  readonly bits: number
  readonly v4: boolean
}

/**
 * Proxies are named one by one: addresses or CIDR ranges, IPv4 or IPv6. Without any, no forwarded header is
 * ever believed. Throws DefinitionError for anything else, and for a range that holds every address.
 */
export function createTrustedProxies(named: readonly string[] = []): TrustedProxies {
  const networks = named.map(parseNetwork)
  if (networks.length === 0) {
    return {
      clientAddress: (remote) => (remote === undefined ? undefined : plain(remote)),
      trusts: () => false,
    }
  }
  const isTrusted = (address: IpAddress): boolean => networks.some((network) => contains(network, address))

  return {
    clientAddress(remote, forwardedFor) {
      if (remote === undefined) return undefined
      let client = parseIp(withoutZone(remote))
      if (client === undefined) return remote
      let end = forwardedFor?.length ?? 0
      while (forwardedFor !== undefined && end > 0 && isTrusted(client)) {
        const comma = forwardedFor.lastIndexOf(',', end - 1)
        const entry = parseHop(forwardedFor.slice(comma + 1, end))
        if (entry === undefined) break
        client = entry
        end = comma
      }
      return formatIp(client)
    },
    trusts(remote) {
      const address = remote === undefined ? undefined : parseIp(withoutZone(remote))
      return address !== undefined && isTrusted(address)
    },
  }
}

function parseNetwork(text: string): Network {
  const slash = text.indexOf('/')
  const base = parseIp(slash === -1 ? text : text.slice(0, slash))
  const length = slash === -1 ? undefined : text.slice(slash + 1)
  if (base === undefined || (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length))) {
    throw new DefinitionError(
      `trustedProxies must hold addresses or CIDR ranges such as "10.0.0.0/8" or "fd00::/8", received ${shown(text)}.`,
    )
  }
  // A range written in the mapped form (::ffff:10.0.0.0/104) counts its bits from the 128, like IPv6.
  const dotted = !text.includes(':')
  const most = dotted ? 32 : 128
  const given = length === undefined ? most : Number(length)
  if (given > most) {
    throw new DefinitionError(`trustedProxies: the prefix of ${shown(text)} may be at most /${most}.`)
  }
  if (given === 0) {
    throw new DefinitionError(
      `trustedProxies: ${shown(text)} trusts every address, so any client could choose its own; name the proxies.`,
    )
  }
  const bits = dotted ? 96 + given : given
  return { base, bits, v4: isV4(base) && bits >= 96 }
}

function contains(network: Network, address: IpAddress): boolean {
  // Without this a wide IPv6 range such as ::/1 would take in all of IPv4 through the mapped form.
  if (network.v4 !== isV4(address)) return false
  let bits = network.bits
  for (let at = 0; bits > 0; at += 1, bits -= 16) {
    const mask = bits >= 16 ? 0xffff : (0xffff << (16 - bits)) & 0xffff
    if (((network.base[at] ?? 0) & mask) !== ((address[at] ?? 0) & mask)) return false
  }
  return true
}

/** One entry of X-Forwarded-For. Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function parseHop(entry: string): IpAddress | undefined {
  const text = entry.trim()
  // Nothing longer can be an address with a port, and the client may have sent kilobytes.
  if (text.length > 64) return undefined
  const withPort = /^(?:\[([^\]]*)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/.exec(text)
  if (withPort === null) return parseIp(text)
  const bracketed = withPort[1]
  if (bracketed !== undefined) return bracketed.includes(':') ? parseIp(bracketed) : undefined
  return parseIp(withPort[2] ?? '')
}

function plain(remote: string): string {
  return remote.startsWith('::ffff:') && remote.includes('.') ? remote.slice(7) : remote
}

/** A link-local peer is reported with its interface (`fe80::1%eth0`, RFC 4007 §11), which is not part of it. */
function withoutZone(remote: string): string {
  const zone = remote.indexOf('%')
  return zone === -1 ? remote : remote.slice(0, zone)
}
