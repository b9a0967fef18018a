import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kinds } from './kinds.js'

const long = 60_000
const key = fc.string({ unit: 'grapheme', maxLength: 20 })
const value = fc.string({ unit: 'grapheme', maxLength: 200 })

describe.each(kinds)('Store: $name', ({ make }) => {
  it('keeps what it was given, whatever the text', async () => {
    const { cache: store } = make()
    await fc.assert(
      fc.asyncProperty(key, value, async (name, text) => {
        await store.set(name, text, long)
        expect(await store.get(name)).toBe(text)
      }),
      { numRuns: 100 },
    )
  })

  it('does what a plain map does', async () => {
    const step = fc.record({
      what: fc.constantFrom('set', 'setIfAbsent', 'delete', 'get' as const),
      name: fc.constantFrom('a', 'b', 'c'),
      text: fc.string({ maxLength: 3 }),
    })
    const { records: store } = make()
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        run += 1
        const oracle = new Map<string, string>()
        for (const { what, name, text } of steps) {
          const full = `${run}${name}`
          if (what === 'set') {
            await store.set(full, text, long)
            oracle.set(full, text)
          } else if (what === 'setIfAbsent') {
            expect(await store.setIfAbsent(full, text, long)).toBe(!oracle.has(full))
            if (!oracle.has(full)) oracle.set(full, text)
          } else if (what === 'delete') {
            await store.delete(full)
            oracle.delete(full)
          }
          expect(await store.get(full)).toBe(oracle.get(full))
        }
        for (const full of oracle.keys()) await store.delete(full)
      }),
      { numRuns: 50 },
    )
  })

  it('lets exactly one of many be first', async () => {
    const { records: store } = make()
    const firsts = await Promise.all(
      Array.from({ length: 50 }, (_, n) => store.setIfAbsent('once', String(n), long)),
    )
    expect(firsts.filter(Boolean)).toHaveLength(1)
    expect(await store.get('once')).toBe(String(firsts.indexOf(true)))
  })

  it.each([1, 0.2, 30])('forgets after %s ms, and then lets another be first', async (ttlMs) => {
    const { records: store } = make()
    expect(await store.setIfAbsent('short', 'a', ttlMs)).toBe(true)
    await expect.poll(() => store.get('short'), { interval: 5 }).toBeUndefined()
    expect(await store.setIfAbsent('short', 'b', long)).toBe(true)
  })

  it('counts the time anew when a value is set again', async () => {
    const { cache: store } = make()
    await store.set('a', '1', 20)
    await store.set('a', '2', long)
    await store.set('b', '1', 20)
    await expect.poll(() => store.get('b'), { interval: 5 }).toBeUndefined()
    expect(await store.get('a')).toBe('2')
  })

  it('keeps the cache and the records apart', async () => {
    const { cache, records } = make()
    await cache.set('a', 'cached', long)
    expect(await records.get('a')).toBeUndefined()
    await records.delete('a')
    expect(await cache.get('a')).toBe('cached')
  })
})
