import { type Principal, principalKey } from '../contracts/principal.js'
import type { Exchange } from '../engine/exchange.js'

/** OpenID Connect Core §2 lets a subject have 255 characters; with its issuer it stays below this. */
const longestKey = 512

/** Principals live as long as their credential is kept; their key need not be written for each call. */
const keys = new WeakMap<Principal, string>()

/**
 * What a caller is counted under: who it is known to be, else its address, else its connection. Callers over HTTP whose
 * address nobody knows are one caller, because whatever else they send they could change with each request.
 */
export function callerKey(exchange: Exchange): string {
  const { principal } = exchange
  if (principal.kind !== 'anonymous') {
    const known = keys.get(principal)
    if (known !== undefined) return known
    const key = `p${bounded(principalKey(principal))}`
    keys.set(principal, key)
    return key
  }
  if (exchange.connection !== undefined) return `c${exchange.connection}`
  const { address } = exchange
  return address === undefined ? 'a' : `a${networkOf(address)}`
}

/**
 * An IPv4 address is one caller. Of an IPv6 address the first 64 bits are, because whoever has one address has the 2^64
 * of its subnet (RFC 4291 §2.5.1) and could come from another each time.
 */
export function networkOf(address: string): string {
  const zone = address.indexOf('%')
  const text = zone === -1 ? address : address.slice(0, zone)
  if (!text.includes(':') || text.includes('.')) return text.slice(0, longestKey)
  const [before = '', after] = text.toLowerCase().split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const groups = [
    ...head,
    ...Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0'),
    ...tail,
  ]
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

/** A key that is too long is known by its beginning and a digest of all of it (FNV-1a, twice with different starts). */
function bounded(key: string): string {
  if (key.length <= longestKey) return key
  let first = 0x811c9dc5
  let second = 0x9e3779b9
  for (let index = 0; index < key.length; index += 1) {
    const code = key.charCodeAt(index)
    first = Math.imul(first ^ code, 0x01000193)
    second = Math.imul(second ^ code, 0x85ebca6b)
  }
  return `${key.slice(0, longestKey)}#${key.length}#${first >>> 0}#${second >>> 0}`
}
