import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../../errors/definition-error.js'
import { formatIp, parseIp } from './ip-address.js'
import { createTrustedProxies } from './trusted-proxies.js'

describe('without configuration', () => {
  const none = createTrustedProxies()

  it.each(['127.0.0.1', '10.0.0.1', '::1', '192.0.2.9'])('believes no header, not even from %s', (remote) => {
    expect(none.clientAddress(remote, '1.2.3.4')).toBe(remote)
    expect(none.trusts(remote)).toBe(false)
  })

  it('unwraps a mapped IPv4 peer', () => {
    expect(none.clientAddress('::ffff:192.0.2.9', '1.2.3.4')).toBe('192.0.2.9')
    expect(none.clientAddress(undefined, '1.2.3.4')).toBeUndefined()
  })
})

describe('the walk through X-Forwarded-For', () => {
  const proxies = createTrustedProxies(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '2001:db8::1'])

  it.each([
    ['direct stranger', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['no header', '10.0.0.1', undefined, '10.0.0.1'],
    ['empty header', '10.0.0.1', '', '10.0.0.1'],
    ['one hop', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['spoofed on the left', '10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['spoofed as a proxy on the left', '10.0.0.1', '10.9.9.9, 203.0.113.9', '203.0.113.9'],
    ['two hops', '10.0.0.1', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['three hops over families', '::ffff:10.0.0.1', '203.0.113.9 ,fd00::5,\t2001:db8::1', '203.0.113.9'],
    ['mapped entry', '10.0.0.1', '203.0.113.9, ::ffff:10.0.0.7', '203.0.113.9'],
    ['mapped entry in hexadecimal', '10.0.0.1', '203.0.113.9, ::ffff:a00:7', '203.0.113.9'],
    ['all trusted', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['IPv6 with port', '10.0.0.1', '[2001:DB8::9]:4711', '2001:db8::9'],
    ['IPv6 in brackets', '10.0.0.1', '[2001:db8:0:0::9]', '2001:db8::9'],
    ['just outside the range', '11.0.0.1', '1.2.3.4', '11.0.0.1'],
    ['just outside the IPv6 range', 'fe00::1', '1.2.3.4', 'fe00::1'],
  ])('%s', (_, remote, header, expected) => {
    expect(proxies.clientAddress(remote, header)).toBe(expected)
  })

  it.each([
    'unknown',
    '_hidden',
    '',
    ' ',
    '203.0.113',
    '203.0.113.009',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.4.5',
    '256.1.1.1',
    '[1.2.3.4]',
    '[::1',
    '::1]',
    '1.2.3.4:',
    '1.2.3.4:x',
    '"1.2.3.4"',
    'fe80::1%eth0',
    '1.2.3.4 evil',
    'for=1.2.3.4',
    'x'.repeat(10_000),
  ])('ends at the proxy that passed on %j', (entry) => {
    expect(proxies.clientAddress('10.0.0.1', `1.1.1.1, ${entry}, 10.0.0.2`)).toBe('10.0.0.2')
  })

  it('reads no further than it has to', () => {
    const header = `${'10.0.0.1,'.repeat(200_000)}203.0.113.9`
    expect(proxies.clientAddress('10.0.0.1', header)).toBe('203.0.113.9')
  })

  it('matches prefixes that end inside a group', () => {
    const odd = createTrustedProxies(['172.16.0.0/12', '2001:db8:8000::/33'])
    expect(odd.trusts('172.31.255.255')).toBe(true)
    expect(odd.trusts('172.32.0.0')).toBe(false)
    expect(odd.trusts('::ffff:172.16.0.1')).toBe(true)
    expect(odd.trusts('2001:db8:ffff::1')).toBe(true)
    expect(odd.trusts('2001:db8:7fff::1')).toBe(false)
    expect(odd.trusts(undefined)).toBe(false)
  })

  it('keeps a wide IPv6 range away from IPv4', () => {
    expect(createTrustedProxies(['::/1']).trusts('10.0.0.1')).toBe(false)
    expect(createTrustedProxies(['::ffff:10.0.0.0/104']).trusts('10.1.2.3')).toBe(true)
  })

  it('takes the interface off a link-local peer', () => {
    expect(createTrustedProxies(['fe80::/10']).clientAddress('fe80::1%eth0', '1.2.3.4')).toBe('1.2.3.4')
  })
})

describe('configuration', () => {
  it.each([
    '',
    'localhost',
    '*',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10/8',
    '0.0.0.0/0',
    '::/0',
    'fd00::/129',
    '[::1]',
    '::1%lo',
    '010.0.0.1',
    '10.0.0.1/8/8',
    ' 10.0.0.1',
  ])('refuses %j', (entry) => expect(() => createTrustedProxies([entry])).toThrow(DefinitionError))
})

describe('addresses', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('reads %s as %s', (text, canonical) => {
    const address = parseIp(text)
    expect(address).toHaveLength(8)
    expect(address === undefined ? undefined : formatIp(address)).toBe(canonical)
  })

  it.each([
    '',
    ':',
    ':::',
    '1:::2',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '12345::',
    'g::',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '::1.2.3.256',
    '1.2.3',
    '1.2.3.4.',
    '01.2.3.4',
    '1.2.3.+4',
    '1.2.3.４',
  ])('refuses %j', (text) => expect(parseIp(text)).toBeUndefined())
})

describe('address text', () => {
  it('is canonical: reading and writing any address comes to the same', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, (address) => {
        const text = formatIp(address)
        expect(parseIp(text)).toEqual(address)
        expect(parseIp(address.map((group) => group.toString(16).padStart(4, '0')).join(':'))).toEqual(
          address,
        )
      }),
      { seed: 3, numRuns: 2000 },
    )
  })
})
