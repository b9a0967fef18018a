import type { Server } from 'holdfast'
import { cells, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { Events } from './event-stream.js'
import { gate, open, testServer } from './support.js'

const handshake = cells({
  transports: ['http'],
  revisions: ['2025-03-26', '2025-06-18', '2025-11-25'],
})

describe.each(handshake)('$name', (cell) => {
  const { revision } = cell
  const primes = revision === '2025-11-25'

  function headersOf(client: TestClient, more: Record<string, string> = {}): Record<string, string> {
    return {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-session-id': client.session ?? '',
      'mcp-protocol-version': revision,
      ...more,
    }
  }

  async function call(client: TestClient, name: string, id: number): Promise<Events> {
    const params = { name, arguments: {}, _meta: { progressToken: `p${id}` } }
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })
    return new Events(await fetch(client.url ?? '', { method: 'POST', headers: headersOf(client), body }))
  }

  async function get(client: TestClient, lastEventId?: string): Promise<Events> {
    const headers = headersOf(client, lastEventId === undefined ? {} : { 'last-event-id': lastEventId })
    return new Events(await fetch(client.url ?? '', { headers }))
  }

  function steps(options: Parameters<typeof testServer>[0] = {}): {
    server: Server<Readonly<Record<string, unknown>>>
    go: () => void
  } {
    const { server } = testServer(options)
    const { opened, open: go } = gate<undefined>()
    server.tool('steps', { description: 'Reports, waits, reports.' }, async (_args, ctx) => {
      await ctx.progress(1, 3)
      await opened
      await ctx.progress(2, 3)
      return 'done'
    })
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => 'one')
    return { server, go: () => go(undefined) }
  }

  it('a stream begins with an id and no data where the revision has that, and tells when to come back (HTL-18)', async () => {
    const { server, go } = steps()
    const client = await open(cell, server)
    const events = await call(client, 'steps', 1)
    expect(events.headers.get('x-accel-buffering')).toBe('no')
    const first = await events.next()
    expect(first?.data === '' && first.retry !== undefined).toBe(primes)
    expect(first?.id).toMatch(/^\S+$/)
    go()
    while ((await events.next()) !== undefined);
  })

  it('a client whose connection broke gets what it missed, and the answer (HTL-17, HTL-20)', async () => {
    const { server, go } = steps()
    const client = await open(cell, server)
    const events = await call(client, 'steps', 1)
    if (primes) await events.next()
    const seen = await events.next()
    await events.leave()
    const back = await get(client, seen?.id)
    // Clients remember ids by connection, and this one may be cut before anything comes, too.
    if (primes) expect(await back.next()).toMatchObject({ id: seen?.id, data: '' })
    go()
    const rest = [await back.next(), await back.next()].map(
      (event) => JSON.parse(event?.data ?? '') as object,
    )
    expect(rest).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 'p1', progress: 2 } },
      { id: 1, result: { content: [{ type: 'text', text: 'done' }] } },
    ])
    expect(await back.next()).toBeUndefined()
  })

  it('who comes back after the end gets the end, as often as it asks', async () => {
    const { server, go } = steps()
    const client = await open(cell, server)
    const events = await call(client, 'steps', 1)
    if (primes) await events.next()
    const seen = await events.next()
    go()
    while ((await events.next()) !== undefined);
    for (let times = 0; times < 2; times += 1) {
      const back = await get(client, seen?.id)
      expect(JSON.parse((await back.next())?.data ?? '')).toMatchObject({ params: { progress: 2 } })
      expect(JSON.parse((await back.next())?.data ?? '')).toMatchObject({ id: 1 })
      expect(await back.next()).toBeUndefined()
    }
  })

  it('who comes back after the end and has seen all of it is told not to come again', async () => {
    const { server, go } = steps()
    const client = await open(cell, server)
    const events = await call(client, 'steps', 1)
    go()
    let last: string | undefined
    for (let event = await events.next(); event !== undefined; event = await events.next()) last = event.id
    const back = await get(client, last)
    expect([back.status, await back.next()]).toEqual([204, undefined])
  })

  it('gives nobody the stream of another session, and no stream the events of another (HTL-16, HTL-17)', async () => {
    const { server, go } = steps()
    const [alice, mallory] = [await open(cell, server), await open(cell, server)]
    const [first, second] = [await call(alice, 'steps', 1), await call(alice, 'steps', 2)]
    if (primes) await Promise.all([first.next(), second.next()])
    const [one, two] = [await first.next(), await second.next()]
    expect(one?.id).not.toBe(two?.id)
    expect((await get(mallory, one?.id)).status).toBe(400)
    await first.leave()
    go()
    const back = await get(alice, one?.id)
    for (let event = await back.next(); event !== undefined; event = await back.next()) {
      expect(event.data).not.toContain('p2')
      expect(event.data).not.toContain('"id":2')
    }
    await second.leave()
  })

  it('says that what was missed is gone, where the log could not keep it', async () => {
    const { server, go } = steps({ http: { maxEventBytes: 300 } })
    const client = await open(cell, server)
    const events = await call(client, 'steps', 1)
    if (primes) await events.next()
    const seen = await events.next()
    go()
    while ((await events.next()) !== undefined);
    expect((await get(client, seen?.id)).status).toBe(400)
  })

  it('takes no event id for one that it did not give', async () => {
    const { server } = steps()
    const client = await open(cell, server)
    for (const id of ['x', 'p', `p${'a'.repeat(18)}_0`, '__proto__', `p${'a'.repeat(18)}_9999999999999`]) {
      expect([id, (await get(client, id)).status]).toEqual([id, 400])
    }
  })

  it('a lost stream of news is replaced by a new one, and news in between come late', async () => {
    const { server } = steps()
    const client = await open(cell, server)
    await client.request('resources/subscribe', { uri: 'app://one' })
    const news = await get(client)
    server.resourceUpdated('app://one')
    let seen = await news.next()
    if (primes) seen = await news.next()
    expect(seen?.data).toContain('notifications/resources/updated')
    await news.leave()
    server.resourceUpdated('app://one')
    const back = await get(client, seen?.id)
    expect((await back.next())?.data).toContain('notifications/resources/updated')
    await back.leave()
    // After a restart nothing is known of the old one, and the client should hear of what comes.
    const fresh = await get(client, `g${'a'.repeat(18)}_3`)
    expect(fresh.status).toBe(200)
    if (primes) await fresh.next()
    server.resourceUpdated('app://one')
    expect((await fresh.next())?.data).toContain('notifications/resources/updated')
    await fresh.leave()
  })

  it('sends each message on one stream only, the newest (HTL-15)', async () => {
    const { server } = steps()
    const client = await open(cell, server)
    const [older, newer] = [await get(client), await get(client)]
    if (primes) await Promise.all([older.next(), newer.next()])
    server.resourcesChanged()
    expect((await newer.next())?.data).toContain('list_changed')
    await newer.leave()
    // Of the older stream only this must come: what the newer one had was not for both.
    await expect
      .poll(() => server.stats().bounded.find(({ name }) => name === 'streams opened by GET (HTTP)')?.size)
      .toBe(1)
    server.tool('more', { description: 'More.' }, () => 'more')
    expect((await older.next())?.data).toContain('tools/list_changed')
    await older.leave()
  })

  it('ends the streams of a session that is ended, and of a server that closes', async () => {
    const { server } = steps()
    const client = await open(cell, server)
    const ended = await get(client)
    await fetch(client.url ?? '', { method: 'DELETE', headers: headersOf(client) })
    if (primes) await ended.next()
    expect(await ended.next()).toBeUndefined()
    expect((await get(client)).status).toBe(404)
    const other = await open(cell, server)
    const closed = await get(other)
    if (primes) await closed.next()
    await server.close({ timeoutMs: 5000 })
    expect(await closed.next()).toBeUndefined()
    expect((await get(other)).status).toBe(503)
  })

  it('bounds the streams that are open by GET, and has room again when one closes', async () => {
    const { server } = steps({ http: { maxStreams: 2 } })
    const clients = [await open(cell, server), await open(cell, server), await open(cell, server)]
    const [first, second, third] = clients
    const streams = [await get(first as TestClient), await get(second as TestClient)]
    expect(streams.map(({ status }) => status)).toEqual([200, 200])
    const refused = await get(third as TestClient)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    await streams[0]?.leave()
    await expect.poll(async () => (await get(third as TestClient)).status).toBe(200)
  })

  it('ctx.closeStream ends the connection and not the call, where a client can come back (HTL-19)', async () => {
    const { server } = testServer()
    const { opened, open: go } = gate<undefined>()
    const closed: boolean[] = []
    server.tool('nap', { description: 'Lets its client go.' }, async (_args, ctx) => {
      closed.push(ctx.closeStream())
      await opened
      return 'slept'
    })
    const client = await open(cell, server)
    if (!primes) {
      go(undefined)
      const events = client.callTool('nap')
      expect((await events).content).toEqual([{ type: 'text', text: 'slept' }])
      expect(closed).toEqual([false])
      return
    }
    const events = await call(client, 'nap', 1)
    const first = await events.next()
    expect([first?.data, first?.retry]).toEqual(['', '1000'])
    expect(await events.next()).toBeUndefined()
    const back = await get(client, first?.id)
    expect(await back.next()).toMatchObject({ id: first?.id, data: '' })
    go(undefined)
    expect(JSON.parse((await back.next())?.data ?? '')).toMatchObject({ id: 1, result: { content: [{}] } })
    expect(closed).toEqual([true])
  })
})
