import type { Server } from 'holdfast'
import { type Cell, cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { raw } from '../protocol/http-support.js'
import { gate, handClock, open, testServer } from '../protocol/support.js'
import { type RawClient, rawClient, type Stream } from './event-streams.js'
import { methodOf } from './listening.js'

const newest = '2026-07-28'
const progress = 'notifications/progress'
const levelKey = 'io.modelcontextprotocol/logLevel'

type Services = Readonly<Record<string, unknown>>

/** A server with a tool that reports and logs under the name that it is given, and one that asks. */
function reporting(): { readonly server: Server<Services>; readonly next: () => void } {
  const { server } = testServer()
  const second = gate()
  const input = { type: 'object', properties: { say: { type: 'string' } }, required: ['say'] } as const
  server.tool('work', { description: 'Works in two steps.', input }, async ({ say }, ctx) => {
    await ctx.progress(1, 2)
    await ctx.logToClient('alert', say)
    await second.opened
    await ctx.progress(2, 2)
    return say
  })
  const schema = { type: 'object', properties: { name: { type: 'string' } } } as const
  server.tool('asks', { description: 'Reports and asks.' }, async (_args, ctx) => {
    await ctx.progress(1, 2)
    return (await ctx.elicit({ message: 'Who are you?', schema })).action
  })
  return { server, next: () => second.open() }
}

async function connected(
  cell: Cell,
  server: Server<Services>,
): Promise<RawClient & { readonly url: string }> {
  const { url = '' } = await open(cell, server)
  return { ...(await rawClient(cell, url, { elicitation: {} })), url }
}

function call(client: RawClient, say: string, headers: Record<string, string> = {}): Promise<Stream> {
  const _meta = { progressToken: say, [levelKey]: 'debug' }
  return client.post(say, 'tools/call', { name: 'work', arguments: { say }, _meta }, headers)
}

function listening(client: RawClient, id = 'listen'): Promise<Stream> {
  return client.post(id, 'subscriptions/listen', { notifications: { toolsListChanged: true } })
}

describe.each(cells({ transports: ['http'], revisions: [newest] }))('$name', (cell) => {
  it('takes Last-Event-ID for nothing, and promises nothing to come back to (HTM-19)', async () => {
    const { server, next } = reporting()
    const client = await connected(cell, server)
    next()
    const streams = [await call(client, 'a'), await call(client, 'b', { 'last-event-id': 'p12345678_1' })]
    const listener = await listening(client)
    await listener.until(({ messages }) => messages().length === 1)
    await Promise.all(streams.map(({ over }) => over))
    await server.close()
    await listener.over
    for (const { blocks, headers } of [...streams, listener]) {
      expect(headers['content-type']).toBe('text/event-stream')
      for (const { id, retry } of blocks) expect([id, retry]).toEqual([undefined, undefined])
    }
    for (const [at, say] of ['a', 'b'].entries()) {
      expect(streams[at]?.messages().map(methodOf)).toEqual([
        progress,
        'notifications/message',
        progress,
        undefined,
      ])
      expect(streams[at]?.messages().at(-1)).toMatchObject({ id: say })
    }
  })

  it('opens no stream by GET, with an event to come back to or without (HTM-19)', async () => {
    const client = await connected(cell, reporting().server)
    for (const more of [{}, { 'last-event-id': 'p12345678_1' }]) {
      const headers = { accept: 'text/event-stream', 'mcp-protocol-version': newest, ...more }
      expect((await raw(client.url, { method: 'GET', headers })).status).toBe(405)
    }
  })

  it('sends on the stream of a request what belongs to it, then the answer, and asks nothing (HTM-22)', async () => {
    const { server, next } = reporting()
    const client = await connected(cell, server)
    const listener = await listening(client)
    const names = ['a', 'b', 'c']
    const streams = await Promise.all(names.map((say) => call(client, say)))
    const asking = await client.post('ask', 'tools/call', { name: 'asks', _meta: { progressToken: 'ask' } })
    server.tool('late', { description: 'Late.' }, () => 'late')
    await listener.until(({ messages }) => messages().length === 2)
    await asking.over
    next()
    await Promise.all(streams.map(({ over }) => over))
    for (const [at, say] of names.entries()) {
      expect(streams[at]?.messages()).toMatchObject([
        { method: progress, params: { progressToken: say, progress: 1 } },
        { method: 'notifications/message', params: { data: say } },
        { method: progress, params: { progressToken: say, progress: 2 } },
        { id: say, result: { content: [{ text: say }] } },
      ])
    }
    expect(asking.messages()).toMatchObject([
      { method: progress, params: { progressToken: 'ask' } },
      { id: 'ask', result: { resultType: 'input_required' } },
    ])
    const isRequest = (message: Message): boolean => 'method' in message && 'id' in message
    expect([...streams, asking, listener].flatMap(({ messages }) => messages()).filter(isRequest)).toEqual([])
  })

  it('tells proxies to hold no event back, on every stream (HTM-24)', async () => {
    const { server, next } = reporting()
    const client = await connected(cell, server)
    next()
    const accept = { accept: 'text/event-stream' }
    const envelope = await client.post('list', 'tools/list', {}, accept)
    for (const stream of [await call(client, 'a'), await listening(client), envelope]) {
      expect(stream.headers).toMatchObject({
        'content-type': 'text/event-stream',
        'x-accel-buffering': 'no',
      })
    }
  })

  it.each([
    ['before anything came on it', false],
    ['in its midst', true],
  ])('cancels a call whose stream was closed %s (HTM-25)', async (_when, reports) => {
    const { server } = testServer()
    const [begun, ended] = [gate(), gate<unknown>()]
    let effects = 0
    server.tool('slow', { description: 'Has an effect in the end.' }, async (_args, ctx) => {
      const aborted = new Promise((resolve) =>
        ctx.signal.addEventListener('abort', () => resolve(ctx.signal.reason)),
      )
      if (reports) await ctx.progress(1)
      begun.open()
      ended.open(await aborted)
      ctx.signal.throwIfAborted()
      effects += 1
      return 'done'
    })
    server.tool('effects', { description: 'Counts.' }, () => String(effects))
    const client = await open(cell, server)
    const leaving = new AbortController()
    const slow = client.callTool('slow', {}, { meta: { progressToken: 'p' }, signal: leaving.signal })
    slow.catch(() => undefined)
    await begun.opened
    if (reports) await client.waitFor((message) => methodOf(message) === progress)
    leaving.abort(new Error('enough'))
    expect(await ended.opened).toMatchObject({ name: 'AbortError' })
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    expect((await client.callTool('effects')).content).toMatchObject([{ text: '0' }])
  })

  it('shows within thirty seconds that an idle stream is alive (HTM-28)', async () => {
    const clock = handClock()
    const { server } = testServer({ clock })
    server.tool('one', { description: 'One.' }, () => '1')
    server.tool('waits', { description: 'Never ends.', timeout: '1h' }, async (_args, ctx) => {
      await ctx.progress(1)
      return new Promise(() => undefined)
    })
    const client = await connected(cell, server)
    const idle = [
      await listening(client),
      await client.post('waits', 'tools/call', { name: 'waits', _meta: { progressToken: 'p' } }),
    ]
    for (const stream of idle) {
      await stream.until(({ messages }) => messages().length === 1)
      expect(stream.blocks).toHaveLength(1)
    }
    for (let turn = 2; turn < 5; turn += 1) {
      clock.advance(30_000)
      await Promise.all(idle.map((stream) => stream.until(({ blocks }) => blocks.length === turn)))
    }
    for (const { blocks, messages } of idle) {
      expect(blocks.slice(1).map(({ isComment }) => isComment)).toEqual([true, true, true])
      expect(messages()).toHaveLength(1)
    }
  })
})
