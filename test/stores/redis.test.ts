import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import type { TaskStore } from '../../src/contracts/task-store.js'
import { redis } from '../../src/stores/redis/index.js'
import { redisParts } from './contract/kinds.js'

const url = inject('redisUrl')

/** A look at what is really kept. */
function bare(): Redis {
  const client = new Redis(url ?? '')
  onTestFinished(() => client.disconnect())
  return client
}

function two(): [ReturnType<typeof redisParts>, ReturnType<typeof redisParts>] {
  const prefix = `test:${randomUUID()}:`
  const pair = [1, 2].map(() => redis({ url: url ?? '', prefix })) as ReturnType<typeof two>
  onTestFinished(async () => {
    for (const stores of pair) await stores.close?.()
  })
  return pair
}

describe('redis() options', () => {
  it.each([
    [{ url: 'localhost:6379' }, '"url" of redis() must be an address'],
    [{ url: 'http://localhost' }, '"url"'],
    [{ prefix: '' }, '"prefix" of redis() must not be empty'],
    [{ commandTimeoutMs: 0 }, '"commandTimeoutMs" of redis() must be a whole number from 1, received 0'],
    [{ heartbeatMs: Number.NaN }, '"heartbeatMs"'],
    [{ maxInFlight: 1.5 }, '"maxInFlight"'],
    [{ maxTasks: -1 }, '"maxTasks"'],
    [{ maxEventBytes: 0 }, '"maxEventBytes"'],
  ])('refuses %j', (options, sentence) => {
    expect(() => redis(options)).toThrow(sentence)
  })

  it('never shows the password of an address', () => {
    expect(() => redis({ url: 'redi://:secret@localhost' })).toThrow(/^((?!secret).)*$/)
  })

  it('connects to nothing before it is used', async () => {
    const stores = redis({ url: 'redis://127.0.0.1:1' })
    expect(stores.health?.()).toEqual([{ name: 'redis', status: 'ok' }])
    await stores.close?.()
  })
})

if (url !== undefined) {
  describe('redis()', () => {
    it('keeps all under its prefix and a version, each with an expiry', async () => {
      const prefix = `test:${randomUUID()}:`
      const stores = redis({ url: url ?? '', prefix })
      onTestFinished(() => stores.close?.())
      const now = Date.now()
      await stores.cache?.set('k', 'v', 60_000)
      await stores.records?.setIfAbsent('k', 'v', 60_000)
      await stores.rates?.take([{ key: 'k', cost: 1, rate: { intervalMs: 60_000, burst: 1 } }])
      await stores.tasks?.create({
        ...{ id: 'k', owner: '', tool: 't', status: 'working' },
        ...{ createdAt: now, updatedAt: now, ttlMs: 60_000 },
      })
      await stores.leases?.hold(['k'], 'node', 60_000)
      await stores.events?.append('k', 'node', [{ sequence: 1, text: 'v' }])
      const client = bare()
      const keys = await client.keys(`${prefix}*`)
      expect(keys.map((key) => key.slice(prefix.length)).sort()).toEqual([
        'v1:cache:k',
        'v1:events:index',
        'v1:events:of:k',
        'v1:events:sizes',
        'v1:lease:deadlines',
        'v1:lease:holders',
        'v1:rate:k',
        'v1:record:k',
        'v1:task:index',
        'v1:task:of:k',
      ])
      for (const key of keys) expect(await client.pttl(key)).toBeGreaterThan(50_000)
      await client.del(keys)
    })

    it('keeps a rate no longer than it has to recover', async () => {
      const prefix = `test:${randomUUID()}:`
      const stores = redis({ url: url ?? '', prefix })
      onTestFinished(() => stores.close?.())
      const rate = { intervalMs: 100, burst: 10 }
      await stores.rates?.take([{ key: 'k', cost: 3, rate }])
      const client = bare()
      const left = await client.pttl(`${prefix}v1:rate:k`)
      expect(left).toBeGreaterThan(200)
      expect(left).toBeLessThanOrEqual(300)
      await expect.poll(() => client.exists(`${prefix}v1:rate:k`)).toBe(0)
      // What recovers within less than a millisecond is written too.
      expect(await stores.rates?.take([{ key: 'k', cost: 1, rate: { intervalMs: 0.01, burst: 1 } }])).toEqual(
        {
          allowed: true,
        },
      )
    })

    it('keeps nothing that is no number', async () => {
      const { rates } = redisParts(url ?? '')
      for (const wrong of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
        const claim = { key: 'k', cost: wrong, rate: { intervalMs: 1, burst: 1 } }
        await expect(rates?.take([claim])).rejects.toThrow('The rate of "k" must have numbers from 0')
      }
    })

    it('counts rates once for two nodes', async () => {
      const nodes = two()
      const take = (n: number) =>
        nodes[n % 2]?.rates?.take([{ key: 'k', cost: 1, rate: { intervalMs: 60_000, burst: 10 } }])
      const decisions = await Promise.all(Array.from({ length: 40 }, (_, n) => take(n)))
      expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(10)
    })

    it('lets one of two nodes be first', async () => {
      const nodes = two()
      const firsts = await Promise.all(
        Array.from({ length: 20 }, (_, n) => nodes[n % 2]?.records.setIfAbsent('k', String(n), 60_000)),
      )
      expect(firsts.filter(Boolean)).toHaveLength(1)
    })

    it('tells the other node once for each publish, and itself once', async () => {
      const [first, second] = two()
      const heard: string[] = []
      first.bus.subscribe('topic', (message) => heard.push(`first ${message}`))
      second.bus.subscribe('topic', (message) => heard.push(`second ${message}`))
      // Both listen once they have heard each other; what they called by then does not count.
      await expect
        .poll(async () => {
          await Promise.all([
            first.bus.publish('topic', 'from first?'),
            second.bus.publish('topic', 'from second?'),
          ])
          return heard.includes('second from first?') && heard.includes('first from second?')
        })
        .toBe(true)
      for (const message of ['1', '2']) await first.bus.publish('topic', message)
      await second.bus.publish('topic', '3')
      const counted = (): string[] => heard.filter((line) => !line.endsWith('?')).sort()
      const all = ['first 1', 'first 2', 'first 3', 'second 1', 'second 2', 'second 3']
      await expect.poll(counted).toEqual(all)
    })

    it('has room for as many tasks as it says, and again when their time is over', async () => {
      const stores = redis({ url: url ?? '', prefix: `test:${randomUUID()}:`, maxTasks: 2 })
      onTestFinished(() => stores.close?.())
      const create = (id: string, ttlMs: number) => {
        const now = Date.now()
        const times = { createdAt: now, updatedAt: now, ttlMs }
        return (stores.tasks as TaskStore).create({ id, owner: '', tool: 't', status: 'working', ...times })
      }
      await create('a', 60_000)
      await create('b', 50)
      await expect(create('c', 60_000)).rejects.toThrow('2 tasks whose time is not over')
      await expect
        .poll(() =>
          create('c', 60_000).then(
            () => 'kept',
            () => 'full',
          ),
        )
        .toBe('kept')
    })

    it('gives a lease that ran out to one of those who ask', async () => {
      const nodes = two().map(({ leases }) => leases)
      expect(await nodes[0]?.hold(['a', 'b'], 'one', 40)).toEqual([])
      expect(await nodes[1]?.hold(['a'], 'two', 40)).toEqual(['a'])
      expect(await nodes[1]?.claim('two', 10, 60_000)).toEqual([])
      await nodes[0]?.hold(['b'], 'one', 60_000)
      const claimed: string[] = []
      await expect
        .poll(async () => {
          const both = await Promise.all(
            nodes.map((node, n) => node?.claim(`claimer ${n}`, 10, 60_000) ?? []),
          )
          claimed.push(...both.flat())
          return claimed.length
        })
        .toBeGreaterThan(0)
      expect(claimed).toEqual(['a'])
      expect(await nodes[0]?.hold(['a', 'b'], 'one', 60_000)).toEqual(['a'])
      await nodes[0]?.release(['a', 'b'], 'one')
      expect(await nodes[1]?.hold(['a', 'b'], 'two', 60_000)).toEqual(['a'])
    })
  })
}
