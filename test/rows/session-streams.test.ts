import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Server } from 'holdfast'
import { type Cell, cells, type Message } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate, open, testServer } from '../protocol/support.js'
import { eventIds, type RawClient, rawClient, type Stream } from './event-streams.js'
import { methodOf, sizeOf } from './listening.js'

const changed = 'notifications/resources/list_changed'
const updated = 'notifications/resources/updated'
const progress = 'notifications/progress'

type Services = Readonly<Record<string, unknown>>

/** A server with a tool that reports, waits for `next` and reports again, and with a resource to follow. */
function stepping(): { readonly server: Server<Services>; readonly next: () => void } {
  const { server } = testServer()
  const second = gate()
  const input = { type: 'object', properties: { say: { type: 'string' } }, required: ['say'] } as const
  server.tool('work', { description: 'Works in two steps.', input }, async ({ say }, ctx) => {
    await ctx.progress(1, 2, say)
    await second.opened
    await ctx.progress(2, 2, say)
    return say
  })
  server.tool('asks', { description: 'Asks for roots.' }, async (_args, ctx) =>
    JSON.stringify(await ctx.roots()),
  )
  server.resource('config', { uri: 'app://config', description: 'Settings.' }, () => 'x')
  return { server, next: () => second.open() }
}

async function connected(
  cell: Cell,
  server: Server<Services>,
): Promise<{ readonly url: string; readonly raw: () => Promise<RawClient> }> {
  const { url = '' } = await open(cell, server)
  return { url, raw: () => rawClient(cell, url, { roots: {} }) }
}

/** A call of `work` that has come as far as its first report. */
async function working(client: RawClient, say: string): Promise<Stream> {
  const params = { name: 'work', arguments: { say }, _meta: { progressToken: say } }
  const stream = await client.post(say, 'tools/call', params)
  await stream.until(({ messages }) => messages().length === 1)
  return stream
}

const result = (say: string): object => ({ id: say, result: { content: [{ text: say }] } })
const report = (say: string, value: number): object => ({
  method: progress,
  params: { progressToken: say, progress: value },
})

async function heardOfLeaving(server: Server<Services>, streams = 1): Promise<void> {
  await expect.poll(() => sizeOf(server, 'streams without a connection (HTTP)')).toBe(streams)
}

/** News come on one of a session's streams, whichever the server chose. */
function untilAny(streams: readonly Stream[], fits: (stream: Stream) => boolean): Promise<void> {
  return Promise.race(streams.map((stream) => stream.until(fits)))
}

const streaming = ['2025-03-26', '2025-06-18', '2025-11-25'] as const

describe.each(cells({ transports: ['http'], revisions: streaming }))('$name', (cell) => {
  it('opens a stream by GET in a session, as long as the session is there (HTL-01)', async () => {
    const { server } = stepping()
    const { raw } = await connected(cell, server)
    const client = await raw()
    const stream = await client.get()
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream'])
    server.resourcesChanged()
    await stream.until(({ messages }) => messages().length === 1)
    expect(stream.messages()).toEqual([{ jsonrpc: '2.0', method: changed }])
    await client.end()
    await stream.over
    expect((await client.get()).status).toBe(404)
  })

  it('takes notifications and responses with 202 and no body, also those that nobody waits for (HTL-03)', async () => {
    const { server } = stepping()
    const { raw } = await connected(cell, server)
    const [client, stranger] = [await raw(), await raw()]
    const call = await client.post('ask', 'tools/call', { name: 'asks' })
    await call.until(({ messages }) => messages().length === 1)
    const [question] = call.messages()
    expect(question).toMatchObject({ method: 'roots/list' })
    const answer = (uri: string): object => ({ id: question?.['id'], result: { roots: [{ uri }] } })
    for (const message of [
      { method: 'notifications/initialized' },
      { method: 'no/such' },
      { id: 1, result: {} },
      { id: 'x', error: { code: 1, message: 'm' } },
      // The right id in the wrong session answers nothing there.
      answer('file:///of/a/stranger'),
    ]) {
      const reply = await stranger.send(message)
      await reply.over
      expect([message, reply.status, reply.messages()]).toEqual([message, 202, []])
    }
    await client.send(answer('file:///mine'))
    await call.over
    expect(JSON.stringify(call.messages().at(-1))).toContain('file:///mine')
  })

  it('answers a call on its own stream, and says everything once (HTL-15)', async () => {
    const { server, next } = stepping()
    const { raw } = await connected(cell, server)
    const client = await raw()
    const listening = [await client.get(), await client.get()]
    await client.post('s', 'resources/subscribe', { uri: 'app://config' })
    const calls = [await working(client, 'a'), await working(client, 'b')]
    server.resourcesChanged()
    server.resourceUpdated('app://config')
    const heard = (): readonly Message[] => listening.flatMap(({ messages }) => messages())
    await untilAny(listening, () => heard().length === 2)
    next()
    await Promise.all(calls.map(({ over }) => over))
    server.resourceUpdated('app://config')
    await untilAny(listening, () => heard().length === 3)
    await client.end()
    await Promise.all(listening.map(({ over }) => over))
    expect(heard().map(methodOf)).toEqual([changed, updated, updated])
    for (const [at, say] of ['a', 'b'].entries()) {
      expect(calls[at]?.messages()).toMatchObject([report(say, 1), report(say, 2), result(say)])
    }
  })

  it('gives every event of a session an id of its own (HTL-16)', async () => {
    const { server, next } = stepping()
    const { raw } = await connected(cell, server)
    const client = await raw()
    const listening = [await client.get(), await client.get()]
    const calls = [await working(client, 'a'), await working(client, 'b'), await working(client, 'c')]
    server.resourcesChanged()
    await untilAny(listening, ({ messages }) => messages().length === 1)
    next()
    await Promise.all(calls.map(({ over }) => over))
    await client.end()
    await Promise.all(listening.map(({ over }) => over))
    const streams = [...listening, ...calls]
    const ids = streams.flatMap(eventIds)
    const events = streams.flatMap(({ blocks }) => blocks.filter(({ data }) => data !== undefined))
    expect(events.length).toBeGreaterThanOrEqual(10)
    expect([ids.length, new Set(ids).size]).toEqual([events.length, events.length])
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]+$/)
  })

  it('gives a client that comes back the rest of its stream, and of no other (HTL-17)', async () => {
    const { server, next } = stepping()
    const { raw } = await connected(cell, server)
    const [client, stranger] = [await raw(), await raw()]
    const [lost, kept] = [await working(client, 'alpha'), await working(client, 'beta')]
    const last = eventIds(lost).at(-1) ?? ''
    lost.leave()
    await heardOfLeaving(server)
    next()
    await kept.over
    const rest = await client.get(last)
    await rest.over
    expect([rest.status, rest.messages()]).toMatchObject([200, [report('alpha', 2), result('alpha')]])
    expect(kept.messages()).toMatchObject([report('beta', 1), report('beta', 2), result('beta')])
    const end = await client.get(eventIds(rest)[0])
    await end.over
    expect(end.messages()).toMatchObject([result('alpha')])
    for (const id of [last, eventIds(kept)[0], eventIds(rest)[0]]) {
      const foreign = await stranger.get(id)
      await foreign.over
      expect(foreign.status).toBe(400)
      expect(JSON.stringify(foreign.messages())).not.toMatch(/alpha|beta/)
    }
  })

  it('gives a client that comes back to what a GET opened the news it missed, and those of no other (HTL-17)', async () => {
    const { server } = stepping()
    const { raw } = await connected(cell, server)
    const [client, stranger] = [await raw(), await raw()]
    await client.post('s', 'resources/subscribe', { uri: 'app://config' })
    const first = await client.get()
    server.resourceUpdated('app://config')
    await first.until(({ messages }) => messages().length === 1)
    const last = eventIds(first).at(-1)
    first.leave()
    await heardOfLeaving(server)
    server.resourceUpdated('app://config')
    const others = await stranger.get(last)
    server.resourcesChanged()
    await others.until(({ messages }) => messages().some((message) => methodOf(message) === changed))
    expect(others.messages().map(methodOf)).toEqual([changed])
    const again = await client.get(last)
    await again.until(({ messages }) => messages().length === 2)
    server.resourceUpdated('app://config')
    await again.until(({ messages }) => messages().length === 3)
    expect(again.messages().map(methodOf)).toEqual([updated, changed, updated])
    expect(new Set(eventIds(again)).has(last ?? '')).toBe(false)
  })

  it.each([
    ['before anything came on it', false],
    ['in its midst', true],
  ])('goes on with a call whose stream was lost %s (HTL-20)', async (_when, reports) => {
    const { server } = testServer()
    const [begun, finish, effect, gone] = [gate(), gate(), gate<boolean>(), gate()]
    server.tool('slow', { description: 'Has an effect in the end.' }, async (_args, ctx) => {
      if (reports) await ctx.progress(1)
      begun.open()
      await finish.opened
      effect.open(ctx.signal.aborted)
      return 'done'
    })
    const listener = createServer((req, res) => {
      // The answers before are whole when their connections close.
      res.once('close', () => res.writableFinished || gone.open())
      server.handler(req, res)
    })
    await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening))
    onTestFinished(() => void listener.close())
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`
    const client = await rawClient(cell, url)
    const leaving = new AbortController()
    const params = { name: 'slow', _meta: { progressToken: 'p' } }
    const posting = client.post('slow', 'tools/call', params, {}, leaving.signal)
    posting.catch(() => undefined)
    await begun.opened
    const stream = reports ? await posting : undefined
    await stream?.until(({ messages }) => messages().length === 1)
    leaving.abort()
    await gone.opened
    // Whoever wants to make something of it has the time of a whole exchange.
    await (await client.post('behind', 'tools/list')).over
    finish.open()
    expect(await effect.opened).toBe(false)
    expect(server.stats().counters.cancelled).toBe(0)
    if (stream === undefined) return
    const rest = await client.get(eventIds(stream).at(-1))
    await rest.over
    expect(rest.messages()).toMatchObject([{ id: 'slow', result: { content: [{ text: 'done' }] } }])
  })
})

describe.each(cells({ transports: ['http'], revisions: ['2025-11-25'] }))('$name', (cell) => {
  it('begins a stream with an id and no data, from which a client can come back to all of it (HTL-18)', async () => {
    const { server, next } = stepping()
    const { raw } = await connected(cell, server)
    const client = await raw()
    const listening = await client.get()
    await listening.until(({ blocks }) => blocks.length > 0)
    const call = await working(client, 'a')
    next()
    await call.over
    for (const { blocks } of [listening, call]) {
      expect(blocks[0]).toMatchObject({ id: expect.stringMatching(/./) as string, data: '' })
    }
    const again = await client.get(eventIds(call)[0])
    await again.over
    expect(again.messages()).toEqual(call.messages())
    expect(again.messages()).toHaveLength(3)
  })

  it('says when to come back before it ends a connection early, and has the answer then (HTL-19)', async () => {
    const { server } = testServer()
    const [finish, closed] = [gate(), [] as boolean[]]
    for (const [name, reports] of [
      ['quiet', 0],
      ['loud', 1],
    ] as const) {
      server.tool(name, { description: 'Lets its client come back.' }, async (_args, ctx) => {
        for (let step = 1; step <= reports; step += 1) await ctx.progress(step)
        closed.push(ctx.closeStream())
        await finish.opened
        return `${name}, ${ctx.signal.aborted}`
      })
    }
    const { raw } = await connected(cell, server)
    const client = await raw()
    const streams: Record<string, Stream> = {}
    for (const name of ['quiet', 'loud']) {
      const stream = await client.post(name, 'tools/call', { name, _meta: { progressToken: name } })
      await stream.over
      const retries = stream.blocks.flatMap(({ retry }) => (retry === undefined ? [] : [retry]))
      expect(retries.at(-1)).toMatch(/^\d+$/)
      expect(stream.messages().map(methodOf)).toEqual(name === 'loud' ? [progress] : [])
      streams[name] = stream
    }
    expect(closed).toEqual([true, true])
    finish.open()
    for (const [name, stream] of Object.entries(streams)) {
      const rest = await client.get(eventIds(stream).at(-1))
      await rest.over
      expect(rest.messages()).toMatchObject([{ id: name, result: { content: [{ text: `${name}, false` }] } }])
    }
  })
})
