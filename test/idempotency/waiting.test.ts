import type { Clock, Store } from 'holdfast'
import { connect } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/contracts/clock.js'
import { MemoryStore } from '../../src/stores/memory/memory-store.js'
import { gate, handClock, open, testServer, textOf } from '../protocol/support.js'

const description = 'Pays.'
const memory = {
  connect: (server: Parameters<typeof connect>[0], options = {}) =>
    connect(server, { transport: 'memory', ...options }),
}
const codeOf = (result: { readonly _meta?: Readonly<Record<string, unknown>> }): unknown =>
  (result._meta?.['dev.holdfast/error'] as { code?: unknown } | undefined)?.code

/** A store that counts who found a record and has looked at it. */
function lookedAt(clock: Clock = systemClock): Store & { looks: number } {
  const memory = new MemoryStore('records', 100, clock)
  const store = {
    looks: 0,
    get: async (key: string) => {
      const text = await memory.get(key)
      setImmediate(() => {
        store.looks += 1
      })
      return text
    },
    set: (key: string, value: string, ttlMs: number) => memory.set(key, value, ttlMs),
    setIfAbsent: (key: string, value: string, ttlMs: number) => memory.setIfAbsent(key, value, ttlMs),
    delete: (key: string) => memory.delete(key),
  }
  return store
}

describe('who waits for an idempotent call', () => {
  it('and leaves is no handler that goes on, and so keeps nobody out', async () => {
    const go = gate()
    const records = lookedAt()
    const { server } = testServer({ stores: { records } })
    const begun = gate()
    server.tool('pay', { description, idempotencyKey: () => 'a' }, async () => {
      begun.open()
      await go.opened
      return 'paid'
    })
    const client = await open(memory, server)
    const first = client.callTool('pay')
    // Keys are hashed, and hashes are done in any order: who comes later could be the one that runs.
    await begun.opened
    const leaving = Array.from({ length: 20 }, () => new AbortController())
    const left = leaving.map(({ signal }) => client.callTool('pay', {}, { signal }).catch(() => 'left'))
    const { stats } = server
    await expect.poll(() => records.looks).toBeGreaterThanOrEqual(20)
    for (const one of leaving) one.abort()
    await Promise.all(left)
    await expect.poll(() => stats().counters.cancelled).toBe(20)
    const abandoned = (): unknown =>
      stats().bounded.find(({ name }) => name.startsWith('handlers that go on'))?.size
    await expect.poll(abandoned).toBe(0)
    go.open()
    expect(textOf(await first)).toBe('paid')
  })

  it('is not told that nobody knows, while the call goes on here as a task beyond its timeout', async () => {
    const clock = handClock()
    const go = gate()
    const records = lookedAt(clock)
    const { server } = testServer({ clock, timeout: '10s', stores: { records } })
    server.tool('pay', { description, task: 'optional', idempotencyKey: () => 'a' }, async () => {
      await go.opened
      return 'paid'
    })
    const extensions = { 'io.modelcontextprotocol/tasks': {} }
    const client = await open(memory, server, { capabilities: { extensions } })
    await client.request('tools/call', { name: 'pay', arguments: {} })
    clock.advance(60_000)
    const plain = await open(memory, server)
    const second = plain.callTool('pay')
    await expect.poll(() => records.looks).toBeGreaterThanOrEqual(1)
    go.open()
    expect(textOf(await second)).toBe('paid')
  })
})

describe('a record of an idempotent call', () => {
  it.each(['no JSON', 'null', '[]', '{"d":"of another","s":"begun by a newer node"}', '{"s":"running"}'])(
    'that cannot be read runs nothing, and is answered at once (%s)',
    async (text) => {
      const clock = handClock()
      const kept = new MemoryStore('shared', 100, clock)
      const store: Store = {
        get: async () => text,
        set: (key, value, ttlMs) => kept.set(key, value, ttlMs),
        setIfAbsent: async () => false,
        delete: (key) => kept.delete(key),
      }
      const { server } = testServer({ clock, stores: { records: store } })
      let runs = 0
      server.tool('pay', { description, idempotencyKey: () => 'a' }, () => {
        runs += 1
        return 'paid'
      })
      const client = await open(memory, server)
      expect(['in_doubt', 'store_unavailable']).toContain(codeOf(await client.callTool('pay')))
      expect(runs).toBe(0)
    },
  )
})

describe('what authors get wrong', () => {
  /** A rejection that nobody hears ends the process of who uses the server. */
  const unheard = (): unknown[] => {
    const seen: unknown[] = []
    const hear = (reason: unknown): void => void seen.push(reason)
    process.on('unhandledRejection', hear)
    onTestFinished(() => void process.off('unhandledRejection', hear))
    return seen
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  it('a key, a cost or tags that come later and fail end one call, not the process', async () => {
    const seen = unheard()
    const { server } = testServer()
    const fails = async (): Promise<never> => Promise.reject(new Error('Not now.'))
    const lies = fails as () => never
    server.tool('key', { description, idempotencyKey: lies }, () => 'ran')
    server.tool('cost', { description, cost: lies, rateLimit: { limit: 5, per: '1m' } }, () => 'ran')
    server.tool(
      'tags',
      { description, annotations: { readOnlyHint: true }, cache: { ttl: '1m', tags: lies } },
      () => 'ran',
    )
    const client = await open(memory, server)
    for (const name of ['key', 'cost', 'tags']) expect(codeOf(await client.callTool(name))).toBe('internal')
    await turn()
    expect(seen).toEqual([])
    await server.invalidate('anything')
  })

  it('tags that are no list of texts are said, not taken letter by letter', async () => {
    const { server, logged } = testServer()
    server.tool(
      'tags',
      {
        description,
        annotations: { readOnlyHint: true },
        cache: { ttl: '1m', tags: () => 'order:7' as never },
      },
      () => 'ran',
    )
    const client = await open(memory, server)
    expect(codeOf(await client.callTool('tags'))).toBe('internal')
    expect(String(logged.at(-1)?.fields['error'])).toContain('"cache.tags"')
  })

  it('an audit that fails later is logged, as one that fails at once', async () => {
    const seen = unheard()
    const { server, logged } = testServer({
      audit: async () => Promise.reject(new Error('The disk is full.')),
    })
    server.tool('ok', { description }, () => 'ok')
    const client = await open(memory, server)
    await client.callTool('ok')
    await expect
      .poll(() => logged.map(({ message }) => message))
      .toContain('An audit record could not be written.')
    await turn()
    expect(seen).toEqual([])
  })
})
