import { randomUUID } from 'node:crypto'
import type { Server, Stores } from 'holdfast'
import { redis } from 'holdfast/stores/redis'
import { connect, type TestClient } from 'holdfast/testing'
import { Redis } from 'ioredis'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { createMemoryBus } from '../../src/stores/memory/memory-bus.js'
import { EventLog } from '../../src/transports/http/event-log.js'
import { Events } from '../protocol/event-stream.js'
import { gate, handClock, testServer } from '../protocol/support.js'
import { build, startNode } from './fleet-node.js'

const redisUrl = inject('redisUrl')
const keys = ['one secret for all nodes of the fleet']
const revisions = ['2025-03-26', '2025-06-18', '2025-11-25'] as const

type Revision = (typeof revisions)[number]

/** Makes what two nodes share: the same object twice, or two connections to one Redis. */
type Shared = () => [Stores, Stores]

function inMemory(): [Stores, Stores] {
  const stores = { bus: createMemoryBus(), events: new EventLog(1024 * 1024) }
  return [stores, stores]
}

function inRedis(): [Stores, Stores] {
  const options = { url: redisUrl ?? '', prefix: `test:${randomUUID()}:` }
  return [redis(options), redis(options)]
}

interface Node {
  readonly server: Server<Readonly<Record<string, unknown>>>
  readonly client: TestClient
  /** Comes with GET, for a stream or back to one. */
  get(lastEventId?: string): Promise<Events>
}

class Fleet {
  readonly a: Node
  readonly b: Node
  readonly revision: Revision
  readonly #go: (value: undefined) => void

  private constructor(revision: Revision, a: Node, b: Node, go: (value: undefined) => void) {
    this.revision = revision
    this.a = a
    this.b = b
    this.#go = go
  }

  static async start(revision: Revision, [one, two]: [Stores, Stores], options: object = {}): Promise<Fleet> {
    const { opened, open: go } = gate<undefined>()
    const servers = [one, two].map((stores) => {
      const { server } = testServer({ keys, stores, ...options })
      server.tool('steps', { description: 'Reports, waits, reports.' }, async (_args, ctx) => {
        await ctx.progress(1, 3)
        await opened
        await ctx.progress(2, 3)
        return 'done'
      })
      server.resource('one', { uri: 'app://one', description: 'One.' }, () => 'one')
      return server
    })
    const [a, b] = servers as [Node['server'], Node['server']]
    const first = await connect(a, { transport: 'http', revision })
    const session = { 'mcp-session-id': first.session ?? '', 'mcp-protocol-version': revision }
    const second = await connect(b, { transport: 'http', revision, headers: session, open: false })
    onTestFinished(async () => {
      await first.close()
      await second.close()
    })
    const node = (server: Node['server'], client: TestClient): Node => ({
      server,
      client,
      async get(lastEventId) {
        const headers = {
          accept: 'text/event-stream',
          ...session,
          ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
        }
        const events = new Events(await fetch(client.url ?? '', { headers }))
        return events
      },
    })
    return new Fleet(revision, node(a, first), node(b, second), go)
  }

  get primes(): boolean {
    return this.revision === '2025-11-25'
  }

  /** Lets the calls go on. */
  go(): void {
    this.#go(undefined)
  }

  /** Begins a call at the first node, with its stream as it comes. */
  async begin(name: string, id = 1): Promise<Events> {
    const params = { name, arguments: {}, _meta: { progressToken: `p${id}` } }
    const { client } = this.a
    const headers = {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-session-id': client.session ?? '',
      'mcp-protocol-version': this.revision,
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })
    return new Events(await fetch(client.url ?? '', { method: 'POST', headers, body }))
  }

  /** The same, up to the first progress; with the id of that. */
  async call(name = 'steps'): Promise<{ events: Events; seen: string }> {
    const events = await this.begin(name)
    if (this.primes) await events.next()
    return { events, seen: (await events.next())?.id ?? '' }
  }
}

/** The next event that is more than an id. */
async function nextWithData(events: Events): ReturnType<Events['next']> {
  const event = await events.next()
  return event?.data === '' ? events.next() : event
}

async function rest(events: Events): Promise<object[]> {
  const found: object[] = []
  for (let event = await events.next(); event !== undefined; event = await events.next()) {
    if (event.data !== '') found.push(JSON.parse(event.data) as object)
  }
  return found
}

const theRest = [
  { method: 'notifications/progress', params: { progress: 2 } },
  { id: 1, result: { content: [{ type: 'text', text: 'done' }] } },
]

const kinds: readonly (readonly [string, Shared])[] =
  redisUrl === undefined
    ? [['memory', inMemory]]
    : [
        ['memory', inMemory],
        ['redis', inRedis],
      ]
const cases = kinds.flatMap(([name, shared]) => revisions.map((revision) => ({ name, revision, shared })))

describe.each(cases)('streams of two nodes: $name, $revision', ({ revision, shared }) => {
  it('the answer of a call is followed at another node than its own, to its end', async () => {
    const fleet = await Fleet.start(revision, shared())
    const { events, seen } = await fleet.call()
    await events.leave()
    const back = await fleet.b.get(seen)
    expect(back.status).toBe(200)
    if (fleet.primes) expect(await back.next()).toMatchObject({ id: seen, data: '' })
    fleet.go()
    expect(await rest(back)).toMatchObject(theRest)
  })

  it('what was missed is sent at once, and the connection to the first node ends', async () => {
    const fleet = await Fleet.start(revision, shared())
    const { events, seen } = await fleet.call()
    // The client gave it up; the node has not noticed.
    const back = await fleet.b.get(seen)
    if (fleet.primes) await back.next()
    expect(await events.next()).toBeUndefined()
    await back.leave()
    fleet.go()
    // As often as it asks, at either.
    expect(await rest(await fleet.b.get(seen))).toMatchObject(theRest)
    expect(await rest(await fleet.a.get(seen))).toMatchObject(theRest)
    expect(await rest(await fleet.b.get(seen))).toMatchObject(theRest)
  })

  it('who has seen all is told not to come again, and another session nothing', async () => {
    const fleet = await Fleet.start(revision, shared())
    const { events, seen } = await fleet.call()
    fleet.go()
    let last = seen
    for (let event = await events.next(); event !== undefined; event = await events.next()) {
      last = event.id ?? last
    }
    await expect.poll(async () => (await fleet.b.get(last)).status).toBe(204)
    const stranger = await connect(fleet.b.server, { transport: 'http', revision })
    onTestFinished(() => stranger.close())
    const headers = {
      accept: 'text/event-stream',
      'mcp-session-id': stranger.session ?? '',
      'mcp-protocol-version': revision,
      'last-event-id': seen,
    }
    expect((await fetch(stranger.url ?? '', { headers })).status).toBe(400)
  })

  it('a stream for news moves to the other node with what it missed, and back', async () => {
    const fleet = await Fleet.start(revision, shared())
    const { a, b } = fleet
    await a.client.request('resources/subscribe', { uri: 'app://one' })
    const change = (): void => a.server.resourceUpdated('app://one')
    const news = await a.get()
    if (fleet.primes) await news.next()
    change()
    const first = await news.next()
    expect(first?.data).toContain('resources/updated')
    await news.leave()
    const left = (): number | undefined =>
      a.server.stats().bounded.find(({ name }) => name === 'streams without a connection (HTTP)')?.size
    await expect.poll(left).toBe(1)
    // It may be under way to the store when the other node takes the stream, and is not lost by that.
    change()
    const here = await b.get(first?.id)
    const missed = await nextWithData(here)
    expect(missed?.data).toContain('resources/updated')
    await expect.poll(left).toBe(0)
    change()
    const third = await here.next()
    expect(third?.data).toContain('resources/updated')
    expect(new Set([first?.id, missed?.id, third?.id]).size).toBe(3)
    const again = await a.get(third?.id)
    if (fleet.primes) expect(await again.next()).toMatchObject({ id: third?.id, data: '' })
    expect(await here.next()).toBeUndefined()
    change()
    expect((await again.next())?.data).toContain('resources/updated')
  })
})

if (redisUrl !== undefined) {
  describe('streams of two processes', () => {
    it('an answer is found at the other node, also when its own was killed after it', async () => {
      build()
      const prefix = `test:${randomUUID()}:`
      const [a, b] = await Promise.all([startNode(redisUrl, prefix), startNode(redisUrl, prefix)])
      const { session } = await a.client({ revision: '2025-11-25' })
      const headers = {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-session-id': session ?? '',
        'mcp-protocol-version': '2025-11-25',
      }
      const params = { name: 'reports', arguments: {}, _meta: { progressToken: 'p' } }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
      const at = ({ port }: { readonly port: number }): string => `http://127.0.0.1:${port}/mcp`
      const events = new Events(await fetch(at(a), { method: 'POST', headers, body }))
      await events.next()
      const seen = (await events.next())?.id ?? ''
      await events.leave()
      const back = (): Promise<Response> => fetch(at(b), { headers: { ...headers, 'last-event-id': seen } })
      const found = rest(new Events(await back()))
      const ledger = new Redis(redisUrl)
      onTestFinished(() => ledger.disconnect())
      await ledger.set(`${prefix}ledger:reports:go`, 'yes', 'PX', 60_000)
      const answer = [
        { method: 'notifications/progress', params: { progress: 2 } },
        { id: 1, result: { content: [{ type: 'text', text: `done by ${a.pid}` }] } },
      ]
      expect(await found).toMatchObject(answer)
      await a.kill()
      expect(await rest(new Events(await back()))).toMatchObject(answer)
      expect(await ledger.get(`${prefix}ledger:reports:starts`)).toBe('1')
    })
  })
}

describe('streams of two nodes', () => {
  const revision = '2025-11-25'

  it('an answer that was never begun on the stream is found by the id that opened it', async () => {
    const [one, two] = inMemory()
    const { opened, open: go } = gate<undefined>()
    const fleet = await Fleet.start(revision, [one, two])
    fleet.a.server.tool('nap', { description: 'Lets its client go.' }, async (_args, ctx) => {
      ctx.closeStream()
      await opened
      return 'slept'
    })
    const events = await fleet.begin('nap')
    const first = await events.next()
    const back = await fleet.b.get(first?.id)
    expect(await back.next()).toMatchObject({ id: first?.id, data: '' })
    go(undefined)
    expect(await rest(back)).toMatchObject([{ id: 1, result: { content: [{ text: 'slept' }] } }])
  })

  it('what the bus loses is found by looking', async () => {
    const { opened: ended, open: end } = gate<undefined>()
    const events = new (class extends EventLog {
      override end(stream: string, writer: string): void {
        super.end(stream, writer)
        end(undefined)
      }
    })(1024 * 1024)
    const clock = handClock()
    const deaf = (): Stores => ({ events, bus: createMemoryBus() })
    const fleet = await Fleet.start(revision, [deaf(), deaf()], { clock })
    const { events: first, seen } = await fleet.call()
    await first.leave()
    const back = await fleet.b.get(seen)
    await back.next()
    fleet.go()
    await ended
    const found = rest(back)
    clock.advance(3000)
    expect(await found).toMatchObject(theRest)
  })

  it('when the node of the call is lost the connection ends, and the next return is told that nothing is kept', async () => {
    const events = new EventLog(1024 * 1024)
    const clock = handClock()
    const deaf = (): Stores => ({ events, bus: createMemoryBus() })
    const fleet = await Fleet.start(revision, [deaf(), deaf()], { clock })
    const { events: first, seen } = await fleet.call()
    await first.leave()
    const back = await fleet.b.get(seen)
    await back.next()
    const found = rest(back)
    for (let n = 0; n < 7; n += 1) clock.advance(3000)
    expect(await found).toEqual([])
    expect((await fleet.b.get(seen)).status).toBe(400)
    fleet.go()
  })

  it('a store that is out of reach is said, and calls and their own node do not suffer', async () => {
    const away = (): never => {
      throw new Error('away')
    }
    const events = { append: away, end: away, after: away, forget: async () => undefined }
    const stores = { bus: createMemoryBus(), events }
    const fleet = await Fleet.start(revision, [stores, stores])
    const { events: first, seen } = await fleet.call()
    await first.leave()
    const refused = await fleet.b.get(seen)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    const back = await fleet.a.get(seen)
    fleet.go()
    expect(await rest(back)).toMatchObject(theRest)
  })

  it('needs a bus, and says so', () => {
    const create = () => testServer({ stores: { events: new EventLog(1000) } })
    expect(create).toThrow('"stores.events" needs "stores.bus", received none')
  })

  it('events written as fast as a handler can are all there, in order, at the node that follows', async () => {
    const fleet = await Fleet.start(revision, redisUrl === undefined ? inMemory() : inRedis())
    const { opened, open: go } = gate<undefined>()
    fleet.a.server.tool('many', { description: 'Reports often.' }, async (_args, ctx) => {
      await ctx.progress(1)
      await opened
      for (let n = 2; n <= 2000; n += 1) {
        await ctx.progress(n)
        if (n % 97 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      return 'done'
    })
    const { events, seen } = await fleet.call('many')
    await events.leave()
    const back = await fleet.b.get(seen)
    go(undefined)
    const found = (await rest(back)) as { readonly params?: { readonly progress: number } }[]
    expect(found.flatMap(({ params }) => params?.progress ?? [])).toEqual(
      Array.from({ length: 1999 }, (_, n) => n + 2),
    )
    expect(found.at(-1)).toMatchObject({ id: 1 })
  })
})
