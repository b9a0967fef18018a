/**
 * An address as eight 16-bit groups. An IPv4 address stands as its mapped form (::ffff:a.b.c.d), so that
 * `10.0.0.1` and `::ffff:10.0.0.1`, which a dual-stack socket reports for the same peer, are one address.
 */
export type IpAddress = readonly number[]

const groupCount = 8
const mappedPrefix: IpAddress = [0, 0, 0, 0, 0, 0xffff]

/**
 * Reads an IPv4 or IPv6 address in its strict form (RFC 4291 §2.2; IPv4 as four decimal numbers without
 * leading zeros). Octal, hexadecimal, short forms, zones, brackets and ports give undefined.
 */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

/** True for IPv4, also in its mapped form. */
export function isV4(address: IpAddress): boolean {
  return mappedPrefix.every((group, at) => address[at] === group)
}

/** True for 127.0.0.0/8 (RFC 1122 §3.2.1.3) and ::1 (RFC 4291 §2.5.3). */
export function isLoopback(address: IpAddress): boolean {
  if (isV4(address)) return ((address[6] ?? 0) & 0xff00) === 0x7f00
  return address.every((group, at) => group === (at === groupCount - 1 ? 1 : 0))
}

/** The canonical text: dotted for IPv4 and its mapped form, RFC 5952 for IPv6. */
export function formatIp(address: IpAddress): string {
  if (isV4(address)) {
    const high = address[6] ?? 0
    const low = address[7] ?? 0
    return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`
  }
  const { start, length } = longestZeroRun(address)
  const hex = address.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

function parseV4(text: string): IpAddress | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return undefined
  const bytes: number[] = []
  for (const part of match.slice(1)) {
    const byte = Number(part)
    if (byte > 255 || String(byte) !== part) return undefined
    bytes.push(byte)
  }
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  return [...mappedPrefix, (a << 8) | b, (c << 8) | d]
}

function parseV6(text: string): IpAddress | undefined {
  // The longest form is 45 characters: six full groups and a dotted tail.
  if (text.length > 45) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [left = '', right] = halves
  const head = parseGroups(left, right === undefined)
  if (head === undefined) return undefined
  if (right === undefined) return head.length === groupCount ? head : undefined
  const tail = parseGroups(right, true)
  if (tail === undefined) return undefined
  const missing = groupCount - head.length - tail.length
  return missing < 1 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function parseGroups(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (mayEndDotted && at === parts.length - 1 && part.includes('.')) {
      const dotted = parseV4(part)
      if (dotted === undefined) return undefined
      groups.push(...dotted.slice(6))
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups
}

function longestZeroRun(address: IpAddress): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let at = 0; at <= address.length; at += 1) {
    if (address[at] === 0) continue
    if (at - start > best.length) best = { start, length: at - start }
    start = at + 1
  }
  return best
}
