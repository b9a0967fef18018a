import { describe, expect, it } from 'vitest'
import { MemoryStore } from './memory-store.js'

function rig(limit = 2) {
  const time = { now: 1000 }
  const clock = { now: () => time.now, monotonic: () => 0, after: () => () => undefined }
  return { time, store: new MemoryStore('things', limit, clock) }
}

describe('MemoryStore', () => {
  it('keeps values for their time', async () => {
    const { store, time } = rig()
    await store.set('a', '1', 100)
    expect(await store.get('a')).toBe('1')
    time.now += 100
    expect(await store.get('a')).toBeUndefined()
  })

  it('lets exactly one of many be first', async () => {
    const { store } = rig()
    const firsts = await Promise.all([1, 2, 3].map((value) => store.setIfAbsent('a', String(value), 100)))
    expect(firsts).toEqual([true, false, false])
    expect(await store.get('a')).toBe('1')
  })

  it('lets who comes after the time be first again, and after a delete', async () => {
    const { store, time } = rig()
    await store.setIfAbsent('a', '1', 100)
    time.now += 100
    expect(await store.setIfAbsent('a', '2', 100)).toBe(true)
    await store.delete('a')
    expect(await store.setIfAbsent('a', '3', 100)).toBe(true)
  })

  it('forgets nothing that still counts: when it is full it takes nothing more', async () => {
    const { store, time } = rig()
    await store.set('a', '1', 100)
    await store.set('b', '2', 200)
    await expect(store.setIfAbsent('c', '3', 100)).rejects.toThrow('"things" is full')
    expect(store.stats()).toMatchObject({ name: 'things', size: 2, limit: 2, dropped: 1 })
    await store.set('a', '4', 100)
    time.now += 150
    expect(await store.setIfAbsent('c', '3', 100)).toBe(true)
    expect([await store.get('a'), await store.get('b')]).toEqual([undefined, '2'])
  })

  it('has room as soon as anything expires, whatever was there when it was full', async () => {
    const { store, time } = rig()
    await store.set('a', '1', 200)
    await store.set('b', '2', 300)
    await expect(store.set('c', '3', 100)).rejects.toThrow('full')
    await store.delete('a')
    await store.set('d', '4', 50)
    await expect(store.set('c', '3', 100)).rejects.toThrow('full')
    time.now += 50
    await store.set('c', '3', 100)
    await expect(store.set('e', '5', 100)).rejects.toThrow('full')
    time.now += 100
    await store.set('e', '5', 1000)
    expect(store.stats()).toMatchObject({ size: 2, dropped: 3 })
  })
})
