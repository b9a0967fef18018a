import { type Address, parseAddress, sharesPrefix } from './address.js'

/** Why an address is not one of the public internet. */
export interface ForbiddenAddress {
  /** For the message: `loopback`, `private`. */
  readonly kind: string
  /** Nothing but this very address in an allow-list opens it: what a name may never resolve to. */
  readonly never: boolean
}

interface Range extends ForbiddenAddress {
  readonly base: Address
  readonly bits: number
}

function range(cidr: string, kind: string, never = false): Range {
  const [text = '', bits] = cidr.split('/')
  const base = parseAddress(text)
  if (base === undefined) throw new TypeError(`${cidr} is no address range.`)
  return { base, bits: Number(bits), kind, never }
}

/** IANA's IPv4 special-purpose registry (RFC 6890) and the metadata addresses that stand outside of it. */
const ipv4Ranges: readonly Range[] = [
  range('169.254.169.254/32', 'cloud metadata', true),
  range('169.254.170.2/32', 'cloud metadata', true),
  range('100.100.100.200/32', 'cloud metadata', true),
  range('192.0.0.192/32', 'cloud metadata', true),
  // Azure's host agent answers on a public address.
  range('168.63.129.16/32', 'cloud metadata', true),
  range('0.0.0.0/8', 'unspecified', true),
  range('10.0.0.0/8', 'private'),
  range('100.64.0.0/10', 'carrier-grade NAT'),
  range('127.0.0.0/8', 'loopback'),
  range('169.254.0.0/16', 'link-local', true),
  range('172.16.0.0/12', 'private'),
  range('192.0.0.0/24', 'reserved'),
  range('192.0.2.0/24', 'documentation'),
  range('192.31.196.0/24', 'reserved'),
  range('192.52.193.0/24', 'reserved'),
  range('192.88.99.0/24', 'reserved'),
  range('192.168.0.0/16', 'private'),
  range('192.175.48.0/24', 'reserved'),
  range('198.18.0.0/15', 'benchmarking'),
  range('198.51.100.0/24', 'documentation'),
  range('203.0.113.0/24', 'documentation'),
  range('224.0.0.0/4', 'multicast', true),
  range('240.0.0.0/4', 'reserved', true),
]

/** What is reserved within 2000::/3, and names for the best known ranges outside of it. */
const ipv6Ranges: readonly Range[] = [
  range('::/128', 'unspecified', true),
  range('::1/128', 'loopback'),
  range('fd00:ec2::254/128', 'cloud metadata', true),
  range('fd00:ec2::23/128', 'cloud metadata', true),
  range('fd20:ce::254/128', 'cloud metadata', true),
  range('fd00:42::42/128', 'cloud metadata', true),
  range('fc00::/7', 'private'),
  range('fe80::/10', 'link-local', true),
  range('fec0::/10', 'private'),
  range('ff00::/8', 'multicast', true),
  range('64:ff9b:1::/48', 'private'),
  range('100::/64', 'discard-only'),
  range('2001:2::/48', 'benchmarking'),
  range('2001:10::/28', 'reserved'),
  range('2001:20::/28', 'reserved'),
  range('2001:db8::/32', 'documentation'),
  range('3fff::/20', 'documentation'),
  range('3ffe::/16', 'reserved'),
  range('5f00::/16', 'reserved'),
]
const ietfAssignments = range('2001::/23', 'reserved')
/** All that was ever given out as global unicast (RFC 4291 §2.4, IANA's registry). */
const globalUnicast = range('2000::/3', '')
const unknownIpv6: ForbiddenAddress = { kind: 'reserved', never: true }

const teredo = range('2001::/32', '')
const sixToFour = range('2002::/16', '')
/** IPv4 in the last 32 bits: compatible, mapped, translated (SIIT), and the well-known NAT64 prefix of DNS64 networks. */
const ipv4Tails: readonly Range[] = [
  range('::/96', ''),
  range('::ffff:0:0/96', ''),
  range('::ffff:0:0:0/96', ''),
  range('64:ff9b::/96', ''),
]

/**
 * Why a server that acts for strangers must not connect to an address; undefined for the public internet. IPv6 forms
 * that carry an IPv4 address are judged by what they carry: mapped and compatible (RFC 4291 §2.5.5), SIIT (RFC 2765), NAT64
 * (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214).
 */
export function forbiddenAddress(address: Address): ForbiddenAddress | undefined {
  if (address.length === 4) return within(ipv4Ranges, address)
  const named = within(ipv6Ranges, address)
  if (named !== undefined) return named
  const carried = carriedIpv4(address)
  for (const ipv4 of carried) {
    const forbidden = within(ipv4Ranges, ipv4)
    if (forbidden !== undefined) return forbidden
  }
  if (isIpv4InDisguise(address)) return undefined
  if (!covers(globalUnicast, address)) return unknownIpv6
  if (covers(ietfAssignments, address)) return ietfAssignments
  return undefined
}

/**
 * The forms of an address that an allow-list may name: itself, and the IPv4 address that it stands for.
 */
export function formsOf(address: Address): readonly Address[] {
  const isTail = address.length === 16 && ipv4Tails.some((tail) => covers(tail, address))
  return isTail ? [address, address.subarray(12)] : [address]
}

function isIpv4InDisguise(address: Address): boolean {
  return (
    ipv4Tails.some((tail) => covers(tail, address)) || covers(sixToFour, address) || covers(teredo, address)
  )
}

function carriedIpv4(address: Address): readonly Address[] {
  if (ipv4Tails.some((tail) => covers(tail, address))) return [address.subarray(12)]
  if (covers(sixToFour, address)) return [address.subarray(2, 6)]
  // Teredo names its server as it is, and its client with every bit turned.
  if (covers(teredo, address)) {
    return [address.subarray(4, 8), Uint8Array.from(address.subarray(12), (byte) => byte ^ 0xff)]
  }
  const isIsatap =
    ((address[8] ?? 0) & 0xfd) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe
  return isIsatap ? [address.subarray(12)] : []
}

function within(ranges: readonly Range[], address: Address): Range | undefined {
  return ranges.find((candidate) => covers(candidate, address))
}

function covers({ base, bits }: Range, address: Address): boolean {
  return sharesPrefix(base, address, bits)
}
