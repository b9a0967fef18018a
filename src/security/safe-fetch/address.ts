/** An IP address as bytes: 4 of them or 16. */
export type Address = Uint8Array

const IPV4_LITERAL = /^\d{1,3}(?:\.\d{1,3}){3}$/

/**
 * Reads an IP address as a resolver gives it. The platform's URL parser does the reading, so this module and the
 * code that connects cannot disagree on what a text means. Undefined for a name, and for what is neither.
 */
export function parseAddress(text: string): Address | undefined {
  const isIpv6 = text.includes(':')
  if (!isIpv6 && !IPV4_LITERAL.test(text)) return undefined
  // A zone (fe80::1%eth0) only says through which interface; the address before it decides.
  const bare = isIpv6 ? text.replace(/%.{0,64}$/, '') : text
  const host = hostOf(isIpv6 ? `[${bare}]` : bare)
  return host === undefined ? undefined : addressOfHost(host)
}

/** The address that a URL's host (`url.hostname`, normalised already) stands for; undefined for a name. */
export function addressOfHost(hostname: string): Address | undefined {
  if (hostname.startsWith('[')) return ipv6Bytes(hostname.slice(1, -1))
  return IPV4_LITERAL.test(hostname) ? Uint8Array.from(hostname.split('.'), Number) : undefined
}

function hostOf(host: string): string | undefined {
  try {
    return new URL(`http://${host}/`).hostname
  } catch {
    return undefined
  }
}

/** `text` is in the URL standard's own form: hexadecimal groups, at most one `::`, no dotted part. */
function ipv6Bytes(text: string): Address {
  const [head = '', tail] = text.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = new Array<number>(8 - before.length - after.length).fill(0)
  return Uint8Array.from([...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]))
}

/** Whether the first `length` bits of both are the same. Never for addresses of different families. */
export function sharesPrefix(a: Address, b: Address, length: number): boolean {
  if (a.length !== b.length) return false
  const whole = length >> 3
  for (let at = 0; at < whole; at += 1) if (a[at] !== b[at]) return false
  const rest = length & 7
  return rest === 0 || ((a[whole] ?? 0) ^ (b[whole] ?? 0)) >> (8 - rest) === 0
}
