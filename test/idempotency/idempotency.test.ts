import { type Server, type ServerOptions, type Store, ToolError } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../src/stores/memory/memory-store.js'
import { byHeader, gate, handClock, open, testServer, textOf } from '../protocol/support.js'

const input = {
  type: 'object',
  properties: {
    key: { type: 'string', description: 'Intent.' },
    amount: { type: 'number', description: 'How much.' },
  },
  required: ['key'],
} as const
const description = 'Pays.'

interface Paying {
  readonly server: Server<Readonly<Record<string, unknown>>>
  readonly runs: unknown[]
}

type Pay = (amount: number | undefined, run: number) => unknown

function paying(
  pay: Pay = (amount, run) => ({ paid: amount, run }),
  options: Partial<ServerOptions> = {},
): Paying {
  const { server } = testServer(options)
  const runs: unknown[] = []
  server.tool('pay', { description, input, idempotencyKey: ({ key }) => key }, ({ amount }) => {
    runs.push(amount)
    return pay(amount, runs.length)
  })
  return { server, runs }
}

const codeOf = (result: { readonly _meta?: Readonly<Record<string, unknown>> }): unknown =>
  (result._meta?.['dev.holdfast/error'] as { code?: unknown } | undefined)?.code

describe.each(cells({ revisions: ['2025-06-18', '2026-07-28'] }))('an idempotency key, $name', (cell) => {
  it('gives the same answer to the same arguments, and refuses others', async () => {
    const { server, runs } = paying()
    const client = await open(cell, server)
    const first = await client.callTool('pay', { key: 'a', amount: 5 })
    expect(await client.callTool('pay', { amount: 5, key: 'a' })).toEqual(first)
    expect(codeOf(await client.callTool('pay', { key: 'a', amount: 6 }))).toBe('idempotency_conflict')
    await client.callTool('pay', { key: 'b', amount: 5 })
    expect(runs).toEqual([5, 5])
  })

  it('lets one of many at once run, and all of them have its answer', async () => {
    const go = gate()
    const { server, runs } = paying(async (_amount, run) => {
      await go.opened
      return `run ${run}`
    })
    const client = await open(cell, server)
    const calls = Array.from({ length: 20 }, () => client.callTool('pay', { key: 'a', amount: 1 }))
    await expect.poll(() => runs.length).toBe(1)
    go.open()
    expect(new Set((await Promise.all(calls)).map(textOf))).toEqual(new Set(['run 1']))
    expect(runs).toEqual([1])
  })

  it('remembers what the handler refused, but not what may succeed later', async () => {
    const { server, runs } = paying((_amount, run) => {
      if (run === 1) throw declined(false)
      throw declined(true)
    })
    const client = await open(cell, server)
    for (let call = 0; call < 2; call += 1) {
      const result = await client.callTool('pay', { key: 'a' })
      expect([codeOf(result), textOf(result)]).toEqual(['declined', 'The card was declined.'])
    }
    expect(runs).toHaveLength(1)
    await client.callTool('pay', { key: 'b' })
    await client.callTool('pay', { key: 'b' })
    expect(runs).toHaveLength(3)
  })

  it('never runs again what broke halfway', async () => {
    const { server, runs } = paying(() => {
      throw new Error('The connection broke after the order was sent.')
    })
    const client = await open(cell, server)
    expect(codeOf(await client.callTool('pay', { key: 'a' }))).toBe('internal')
    for (let call = 0; call < 3; call += 1) {
      expect(codeOf(await client.callTool('pay', { key: 'a' }))).toBe('in_doubt')
    }
    expect(runs).toHaveLength(1)
  })

  it('is free again when the call was refused before its handler', async () => {
    const { server, runs } = paying()
    let refuses = true
    server.use((_call, next) => {
      if (refuses) throw declined(false)
      return next()
    })
    const client = await open(cell, server)
    expect(codeOf(await client.callTool('pay', { key: 'a' }))).toBe('declined')
    refuses = false
    await client.callTool('pay', { key: 'a' })
    expect(runs).toHaveLength(1)
  })

  it('counts a call that asks its client once it is answered', async () => {
    const { server } = testServer()
    const paid: number[] = []
    const schema = { type: 'object', properties: { yes: { type: 'boolean' } }, required: ['yes'] } as const
    server.tool('pay', { description, input, idempotencyKey: ({ key }) => key }, async (_args, ctx) => {
      const { action } = await ctx.elicit({ message: 'Pay?', schema })
      paid.push(paid.length + 1)
      return `${action} ${paid.length}`
    })
    const answers = { 'elicitation/create': () => ({ action: 'accept', content: { yes: true } }) }
    const client = await open(cell, server, { capabilities: { elicitation: {} }, answers })
    for (let call = 0; call < 2; call += 1) {
      expect(textOf(await client.callTool('pay', { key: 'a' }))).toBe('accept 1')
    }
    expect(paid).toEqual([1])
  })
})

const [cell] = cells({ transports: ['http'], revisions: ['2026-07-28'] })
if (cell === undefined) throw new Error('There is no such cell.')

describe('an idempotency key', () => {
  it("is its caller's own, and its tool's", async () => {
    const { server, runs } = paying(undefined, { auth: byHeader })
    server.tool('refund', { description, input, idempotencyKey: ({ key }) => key }, () => 'refunded')
    for (const subject of ['alice', 'bob', 'alice']) {
      const client = await open(cell, server, { headers: { 'x-user': subject } })
      await client.callTool('pay', { key: 'a', amount: 5 })
      expect(textOf(await client.callTool('refund', { key: 'a' }))).toBe('refunded')
    }
    expect(runs).toEqual([5, 5])
  })

  it('keeps what came of a call whose caller had left', async () => {
    const go = gate()
    const { server, runs } = paying(async () => {
      await go.opened
      return 'paid'
    })
    const [leaving, coming] = [await open(cell, server), await open(cell, server)]
    const leave = new AbortController()
    leaving.callTool('pay', { key: 'a' }, { signal: leave.signal }).catch(() => undefined)
    await expect.poll(() => runs.length).toBe(1)
    leave.abort()
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    const second = coming.callTool('pay', { key: 'a' })
    go.open()
    expect(textOf(await second)).toBe('paid')
    expect(runs).toHaveLength(1)
  })

  it('is in doubt when the node that ran it is gone, and no sooner', async () => {
    const clock = handClock()
    const store = new MemoryStore('shared', 100, clock)
    const never = gate()
    const lost = paying(() => never.opened, { clock, stores: { records: store }, timeout: '10s' })
    const other = paying(() => 'again', { clock, stores: { records: store }, timeout: '10s' })
    const client = await open(cell, lost.server)
    client.callTool('pay', { key: 'a' }).catch(() => undefined)
    await expect.poll(() => lost.runs.length).toBe(1)
    const elsewhere = await open(cell, other.server)
    let early: unknown
    const waiting = elsewhere.callTool('pay', { key: 'a' }).then((result) => {
      early = codeOf(result)
    })
    clock.advance(9000)
    // It still may end well, so the other node waits for it.
    expect(early).toBeUndefined()
    clock.advance(7000)
    await waiting
    expect(codeOf(await elsewhere.callTool('pay', { key: 'a' }))).toBe('in_doubt')
    expect(other.runs).toEqual([])
  })

  it('another node gives the answer of the one that ran', async () => {
    const clock = handClock()
    const store = new MemoryStore('shared', 100, clock)
    const one = paying(undefined, { clock, stores: { records: store } })
    const two = paying(undefined, { clock, stores: { records: store } })
    const first = await (await open(cell, one.server)).callTool('pay', { key: 'a', amount: 5 })
    const second = await (await open(cell, two.server)).callTool('pay', { key: 'a', amount: 5 })
    expect(second.structuredContent).toEqual(first.structuredContent)
    expect(two.runs).toEqual([])
  })

  it('runs nothing while its store is out of reach', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('ECONNREFUSED 10.0.0.7'))
    const store: Store = { get: away, set: away, setIfAbsent: away, delete: away }
    const { server, runs } = paying(undefined, { stores: { records: store } })
    const client = await open(cell, server)
    const result = await client.callTool('pay', { key: 'a' })
    expect(codeOf(result)).toBe('store_unavailable')
    expect(JSON.stringify(result)).not.toContain('10.0.0.7')
    expect(runs).toEqual([])
  })

  it('stays taken when what came of it could not be written', async () => {
    const clock = handClock()
    const memory = new MemoryStore('shared', 100, clock)
    let away = false
    const store: Store = {
      get: (key) => memory.get(key),
      set: (key, value, ttlMs) => (away ? Promise.reject(new Error('Away.')) : memory.set(key, value, ttlMs)),
      setIfAbsent: (key, value, ttlMs) => memory.setIfAbsent(key, value, ttlMs),
      delete: (key) => memory.delete(key),
    }
    const { server, runs } = paying(undefined, { clock, stores: { records: store } })
    const client = await open(cell, server)
    away = true
    expect(codeOf(await client.callTool('pay', { key: 'a' }))).toBeUndefined()
    away = false
    clock.advance(120_000)
    expect(codeOf(await client.callTool('pay', { key: 'a' }))).toBe('in_doubt')
    expect(runs).toHaveLength(1)
  })

  it.each<[key: unknown, what: string]>([
    ['', 'empty'],
    [7, 'no text'],
    ['x'.repeat(513), 'too long'],
  ])('that is none is the fault of the server (%j is %s)', async (key) => {
    const { server, logged } = testServer()
    server.tool('pay', { description, idempotencyKey: () => key as string }, () => 'paid')
    const client = await open(cell, server)
    expect(codeOf(await client.callTool('pay'))).toBe('internal')
    expect(String(logged.at(-1)?.fields['error'])).toContain('must return a text')
  })

  it('has no place on a tool that only reads', () => {
    const { server } = testServer()
    const options = { description, annotations: { readOnlyHint: true }, idempotencyKey: () => 'a' } as const
    expect(() => server.tool('read', options, () => 'x')).toThrow('reading twice changes nothing')
  })
})

/** An error that a handler throws on purpose. */
function declined(retryable: boolean): Error {
  return new ToolError('declined', { message: 'The card was declined.', retryable })
}
