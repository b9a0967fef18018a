import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { networkOf } from './caller.js'

describe('networkOf', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '::ffff:203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s is counted as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })

  it('is the same for all addresses of a subnet, however they are written, and for no other', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    const groups = fc.tuple(group, group, group, group)
    const long = (all: readonly number[]): string =>
      all.map((one) => one.toString(16).padStart(4, '0')).join(':')
    fc.assert(
      fc.property(groups, groups, groups, groups, (subnet, host, otherSubnet, otherHost) => {
        const one = networkOf(long([...subnet, ...host]))
        // The WHATWG URL parser writes an address in its shortest form.
        const short = new URL(`http://[${long([...subnet, ...otherHost])}]/`).hostname.slice(1, -1)
        expect(networkOf(short)).toBe(one)
        const same = long(subnet) === long(otherSubnet)
        expect(networkOf(long([...otherSubnet, ...host])) === one).toBe(same)
      }),
    )
  })
})
