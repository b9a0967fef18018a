import { boundedCache, weakCache } from 'holdfast/services'
import { describe, expect, it } from 'vitest'
import { gate } from '../../test/protocol/support.js'

describe('weakCache', () => {
  it('derives once for each object, whatever is in it', () => {
    let made = 0
    const cache = weakCache((of: { readonly name: string }) => `${of.name} ${++made}`)
    const [one, other] = [{ name: 'a' }, { name: 'a' }]
    expect([cache(one), cache(one), cache(other)]).toEqual(['a 1', 'a 1', 'a 2'])
  })

  it('keeps no failure, thrown or rejected', async () => {
    let made = 0
    const key = {}
    const fails = weakCache(() => {
      made += 1
      throw new Error('no')
    })
    expect(() => fails(key)).toThrow('no')
    expect(() => fails(key)).toThrow('no')
    const rejects = weakCache(async () => {
      made += 1
      if (made < 4) throw new Error('not yet')
      return made
    })
    await expect(rejects(key)).rejects.toThrow('not yet')
    expect(await rejects(key)).toBe(4)
    expect(await rejects(key)).toBe(4)
  })
})

describe('boundedCache', () => {
  it('makes a value once for all who come meanwhile, and keeps it', async () => {
    let made = 0
    const { opened, open } = gate()
    const cache = boundedCache('values', { max: 2 }, async (key: string) => {
      await opened
      made += 1
      return `${key}!`
    })
    const waiting = [cache.get('a'), cache.get('a'), cache.get('b')]
    open()
    expect(await Promise.all(waiting)).toEqual(['a!', 'a!', 'b!'])
    expect(await cache.get('a')).toBe('a!')
    expect(made).toBe(2)
    await cache.get('c')
    expect(cache.stats()).toEqual({ name: 'values', size: 2, limit: 2, unit: 'entries', dropped: 1 })
    expect(made).toBe(3)
    // The one used longest ago went.
    await cache.get('b')
    expect(made).toBe(4)
  })

  it('keeps no failure, and nothing that was said to be old while it was made', async () => {
    let made = 0
    const first = gate()
    const cache = boundedCache('values', { max: 10 }, async (key: string) => {
      made += 1
      if (key === 'fails') throw new Error(`failed ${made}`)
      if (made === 3) await first.opened
      return made
    })
    await expect(cache.get('fails')).rejects.toThrow('failed 1')
    await expect(cache.get('fails')).rejects.toThrow('failed 2')
    const old = cache.get('a')
    cache.delete('a')
    first.open()
    expect(await old).toBe(3)
    expect(await cache.get('a')).toBe(4)
    cache.clear()
    expect(cache.stats().size).toBe(0)
  })

  it('is bounded in bytes, too', async () => {
    const cache = boundedCache(
      'texts',
      { max: 10, maxBytes: 100, sizeOf: (value: string) => value.length },
      (key: string) => key.repeat(40),
    )
    for (const key of ['a', 'b', 'c']) await cache.get(key)
    expect(cache.stats()).toEqual({ name: 'texts', size: 80, limit: 100, unit: 'bytes', dropped: 1 })
    expect((await cache.get('abc')).length).toBe(120)
    expect(cache.stats().size).toBe(80)
  })

  it('refuses limits that are none', () => {
    for (const max of [0, 1.5, Number.NaN]) expect(() => boundedCache('x', { max }, () => 1)).toThrow('"max"')
    expect(() => boundedCache('x', { max: 1, maxBytes: 5 }, () => 1)).toThrow('"sizeOf"')
  })
})
