import { cells, connect, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { open, refused, testServer } from '../protocol/support.js'
import { fullServer } from './full-server.js'
import { hearOfLists, methodOf, notified } from './listening.js'

const handshake = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
const both = { transports: ['stdio', 'http'] } as const
const updated = 'notifications/resources/updated'

/** The resources that a client was told of as updated, in order. */
function updatesOf(client: TestClient): readonly unknown[] {
  return client.notifications.filter(({ method }) => method === updated).map(({ params }) => params['uri'])
}

describe.each(cells(both))('$name', (cell) => {
  it.each(['tools', 'prompts', 'resources'] as const)(
    'tells of every change of its %s, as it declares (CAP-06)',
    async (kind) => {
      const server = fullServer()
      const client = await open(cell, server)
      const said = cell.stateless ? await client.request('server/discover') : client.initialized
      expect(said?.['capabilities']).toMatchObject({ [kind]: { listChanged: true } })
      await hearOfLists(client)
      const names = async (): Promise<unknown[]> =>
        ((await client.request(`${kind}/list`))[kind] as Message[]).map(({ name }) => name).sort()
      const before = await names()
      const method = `notifications/${kind}/list_changed`
      const define = {
        tools: () => server.tool('late', { description: 'Late.' }, () => 'x'),
        prompts: () => server.prompt('late', { description: 'Late.' }, () => 'x'),
        resources: () => server.resource('late', { uri: 'app://late', description: 'Late.' }, () => 'x'),
      }[kind]
      let from = client.received.length
      const told = async (): Promise<unknown[]> => {
        await notified(client, method, from)
        from = client.received.length
        return names()
      }
      const handle = define()
      expect(await told()).toEqual([...before, 'late'].sort())
      handle.disable()
      expect(await told()).toEqual(before)
      handle.enable()
      expect(await told()).toEqual([...before, 'late'].sort())
      handle.remove()
      expect(await told()).toEqual(before)
      expect(client.notifications.filter((message) => message.method === method)).toHaveLength(4)
    },
  )
})

describe.each(cells({ ...both, revisions: handshake }))('$name', (cell) => {
  it('takes a subscription to what it has, and none to what it has not (CAP-03)', async () => {
    const client = await open(cell, fullServer())
    expect(client.initialized?.['capabilities']).toMatchObject({ resources: { subscribe: true } })
    for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
      for (const uri of ['app://config', 'app://config', 'app://rows/1']) {
        expect([method, uri, await client.request(method, { uri })]).toEqual([method, uri, {}])
      }
    }
    const missing = await refused(client.request('resources/subscribe', { uri: 'app://nobody' }))
    expect([missing.code, missing.data]).toEqual([-32002, { uri: 'app://nobody' }])
    for (const uri of ['', 7, null, undefined]) {
      expect((await refused(client.request('resources/subscribe', { uri }))).code).toBe(-32602)
    }
  })

  it('tells of an update whoever subscribed to it, until they unsubscribe (RES-12)', async () => {
    const server = fullServer()
    const [one, two, idle] = [await open(cell, server), await open(cell, server), await open(cell, server)]
    const all = [one, two, idle]
    for (const client of all) await client.listen()
    await one.request('resources/subscribe', { uri: 'app://config' })
    await one.request('resources/subscribe', { uri: 'app://rows/1' })
    await two.request('resources/subscribe', { uri: 'app://rows/2' })
    /** Updates all there is, and waits until every client heard of a change behind it. */
    const updateAll = async (): Promise<void> => {
      const from = all.map(({ received }) => received.length)
      for (const uri of ['app://config', 'app://rows/1', 'app://rows/2', 'app://bytes', 'app://nobody']) {
        server.resourceUpdated(uri)
      }
      server.resourcesChanged()
      for (const [at, client] of all.entries()) {
        await notified(client, 'notifications/resources/list_changed', from[at])
      }
    }
    await updateAll()
    expect(all.map(updatesOf)).toEqual([['app://config', 'app://rows/1'], ['app://rows/2'], []])
    await one.request('resources/unsubscribe', { uri: 'app://config' })
    await two.request('resources/unsubscribe', { uri: 'app://rows/2' })
    await updateAll()
    const later = ['app://config', 'app://rows/1', 'app://rows/1']
    expect(all.map(updatesOf)).toEqual([later, ['app://rows/2'], []])
  })
})

describe.each(cells({ transports: ['stdio'], revisions: handshake }))('$name', (cell) => {
  /** A client that has its answer to `initialize` and has not said that it is ready. */
  async function half(server: ReturnType<typeof fullServer>, capabilities = {}): Promise<TestClient> {
    const client = await connect(server, { transport: 'stdio', revision: cell.revision, open: false })
    onTestFinished(() => client.close())
    const clientInfo = { name: 'rows', version: '0' }
    await client.request('initialize', { protocolVersion: cell.revision, capabilities, clientInfo })
    return client
  }

  it('sends nothing unasked before the client said that it is ready (STD-17)', async () => {
    const server = fullServer()
    const client = await half(server)
    await client.request('resources/subscribe', { uri: 'app://config' })
    server.tool('late', { description: 'Late.' }, () => 'late')
    server.resourceUpdated('app://config')
    server.resourcesChanged()
    await client.request('ping')
    const probe = await open(cell, server)
    server.resourceUpdated('app://config')
    server.tool('later', { description: 'Later.' }, () => 'later')
    await notified(probe, 'notifications/tools/list_changed')
    await client.request('ping')
    expect((client.received as Message[]).filter((message) => 'method' in message)).toEqual([])
    await client.notify('notifications/initialized')
    await client.request('ping')
    server.resourceUpdated('app://config')
    expect((await notified(client, updated))['params']).toEqual({ uri: 'app://config' })
    expect(methodOf((client.received as Message[]).find((message) => 'method' in message))).toBe(updated)
  })

  it('asks nothing before the client said that it is ready (STD-17)', async () => {
    const { server } = testServer()
    server.tool('asks', { description: 'Asks.' }, async (_args, ctx) => JSON.stringify(await ctx.roots()))
    const client = await half(server, { roots: {} })
    // It may wait, or be refused, but not put its question.
    const call = client.callTool('asks').catch(() => undefined)
    await Promise.race([call, expect.poll(() => server.stats().counters.questions).toBe(1)])
    await client.request('ping')
    expect(client.serverRequests).toEqual([])
    await client.notify('notifications/initialized')
    await call
  })
})
