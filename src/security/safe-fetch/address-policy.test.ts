import { isIP } from 'node:net'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { type Address, addressOfHost, parseAddress } from './address.js'
import { forbiddenAddress } from './address-policy.js'
import { checkUrl } from './check-url.js'
import { Destinations } from './destinations.js'

const ipv4 = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc
    .tuple(
      fc.constantFrom(
        [0],
        [10],
        [127],
        [100, 64],
        [100, 127],
        [169, 254],
        [172, 16],
        [172, 32],
        [192, 0],
        [192, 168],
        [198, 18],
        [224],
      ),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
    )
    .map(([head, rest]) => Uint8Array.from([...head, ...rest].slice(0, 4))),
)
const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
const ipv6 = fc
  .tuple(
    fc.constantFrom(
      [],
      [0x2001],
      [0x2001, 0xdb8],
      [0x2002],
      [0xfe80],
      [0xfc00],
      [0xfd00],
      [0xff02],
      [0x64, 0xff9b],
      [0x3fff],
      [0, 0, 0, 0, 0, 0xffff],
    ),
    fc.array(group, { minLength: 8, maxLength: 8 }),
  )
  .map(([head, rest]) => [...head, ...rest].slice(0, 8))

const dotted = (bytes: Uint8Array): string => bytes.join('.')
const number = ([a = 0, b = 0, c = 0, d = 0]: Uint8Array): number => a * 2 ** 24 + b * 2 ** 16 + c * 256 + d
const coloned = (groups: readonly number[]): string => groups.map((one) => one.toString(16)).join(':')
const verdict = (text: string): string | undefined => {
  const address = parseAddress(text)
  return address === undefined ? 'unreadable' : forbiddenAddress(address)?.kind
}

/** The ways in which a URL may write the same IPv4 address. */
const writings: readonly ((bytes: Uint8Array) => string)[] = [
  dotted,
  (bytes) => String(number(bytes)),
  (bytes) => `0x${number(bytes).toString(16)}`,
  (bytes) => `0${number(bytes).toString(8)}`,
  (bytes) => [...bytes].map((byte) => `0x${byte.toString(16)}`).join('.'),
  (bytes) => [...bytes].map((byte) => `0${byte.toString(8)}`).join('.'),
  ([a = 0, b = 0, c = 0, d = 0]) => `${a}.${b}.${c * 256 + d}`,
  ([a = 0, b = 0, c = 0, d = 0]) => `${a}.${b * 65_536 + c * 256 + d}`,
  (bytes) => `${dotted(bytes)}.`,
  (bytes) => dotted(bytes).replaceAll('.', '。'),
  (bytes) => dotted(bytes).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
]

/** The IPv6 addresses that lead to the same IPv4 address. */
const carriers: readonly ((hex: string) => string)[] = [
  (hex) => `::ffff:${hex}`,
  (hex) => `::ffff:0:${hex}`,
  (hex) => `64:ff9b::${hex}`,
  (hex) => `2002:${hex}::1`,
  (hex) => `2001:0:${hex}::1`,
]

describe('addresses', () => {
  it('of IPv4 are judged alike however a URL writes them', () => {
    fc.assert(
      fc.property(ipv4, fc.constantFrom(...writings), (bytes, write) => {
        const { hostname } = new URL(`http://${write(bytes)}/`)
        const address = addressOfHost(hostname.replace(/\.$/, '')) as Address
        expect(dotted(address)).toBe(dotted(bytes))
      }),
      { numRuns: fuzzRuns(500) },
    )
  })

  it('of IPv4 are forbidden wherever a registry reader calls them anything but unicast', () => {
    fc.assert(
      fc.property(ipv4, (bytes) => {
        const ours = verdict(dotted(bytes))
        if (ipaddr.fromByteArray([...bytes]).range() !== 'unicast') expect(ours).toBeDefined()
        // Ours knows Azure's host agent, which stands among the unicast addresses.
        else expect([undefined, 'cloud metadata', 'reserved']).toContain(ours)
      }),
      { numRuns: fuzzRuns(2000) },
    )
  })

  it('of IPv6 are forbidden wherever a registry reader calls them anything but unicast or a carrier', () => {
    const carrier = new Set(['ipv4Mapped', 'rfc6145', 'rfc6052', '6to4', 'teredo'])
    fc.assert(
      fc.property(ipv6, (groups) => {
        const text = coloned(groups)
        const range = ipaddr.parse(text).range()
        if (range !== 'unicast' && !carrier.has(range))
          expect([text, verdict(text)]).not.toEqual([text, undefined])
        expect(verdict(text)).not.toBe('unreadable')
      }),
      { numRuns: fuzzRuns(2000) },
    )
  })

  it('that carry an IPv4 address are forbidden when it is', () => {
    fc.assert(
      fc.property(ipv4, fc.constantFrom(...carriers), (bytes, carry) => {
        const hex = `${((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)).toString(16)}:${((bytes[2] ?? 0) * 256 + (bytes[3] ?? 0)).toString(16)}`
        if (verdict(dotted(bytes)) !== undefined) expect(verdict(carry(hex))).toBeDefined()
      }),
      { numRuns: fuzzRuns(2000) },
    )
  })

  it('are read as the platform reads them', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), ipv6.map(coloned), fc.ipV4(), fc.string()), (text) => {
        const address = parseAddress(text)
        if (isIP(text) === 4) expect(dotted(address as Address)).toBe(text)
        // The oracle takes ::1.2.3.4 for a mapped address, which it is not.
        if (isIP(text) === 6 && !/[%.]/.test(text)) {
          expect([...(address as Address)]).toEqual(ipaddr.parse(text).toByteArray())
        }
        if (address !== undefined && isIP(text) === 0) expect(text).toMatch(/%|^0|\.0\d|\d/)
      }),
      { numRuns: fuzzRuns(1000) },
    )
  })
})

describe('URLs', () => {
  const parts = fc.constantFrom(
    ...[
      'http',
      'https',
      'HTTP',
      'ftp',
      'file',
      ':',
      '://',
      '//',
      '/',
      '\\',
      '\\\\',
      '@',
      '#',
      '?',
      ':80',
      ':22',
      '[',
      ']',
      '%',
    ],
    ...[
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '017700000001',
      '[::1]',
      '[::ffff:7f00:1]',
      'localhost',
      'example.com',
      '10.0.0.1',
    ],
    ...[
      '%31',
      '%2e',
      '%40',
      '。',
      '．',
      '①',
      '\t',
      '\n',
      '\r',
      ' ',
      '\0',
      '\u00ad',
      '\u200b',
      'user',
      ':pass',
      '.',
      '..',
      '*',
    ],
  )

  it('are refused or lead to where the address is judged, whatever they are made of', () => {
    const destinations = new Destinations()
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(parts, { maxLength: 12 }).map((all) => all.join('')),
          fc.webUrl(),
          fc.string(),
        ),
        (text) => {
          let url: URL
          try {
            url = checkUrl(text, destinations)
          } catch (error) {
            expect(error).toMatchObject({ code: 'url_not_allowed' })
            return
          }
          expect(['http:', 'https:']).toContain(url.protocol)
          expect([url.username, url.password]).toEqual(['', ''])
          // What connects to it is told this host, and a host of digits is an address or a name, never something between.
          const host = url.hostname.replace(/\.$/, '')
          const address = addressOfHost(host)
          if (isIP(host.replace(/^\[|\]$/g, '')) !== 0) expect(address).toBeDefined()
        },
      ),
      { numRuns: fuzzRuns(2000) },
    )
  })
})
