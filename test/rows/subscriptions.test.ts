import { type Cell, cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { oneTool } from '../protocol/http-support.js'
import { envelopeOf, open } from '../protocol/support.js'
import { fullServer } from './full-server.js'
import { type Listener, listen, methodOf, notified, sizeOf, subscriptionKey } from './listening.js'

const newest = '2026-07-28'
const acknowledged = 'notifications/subscriptions/acknowledged'
const changedTools = 'notifications/tools/list_changed'
const updated = 'notifications/resources/updated'
const everything = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: ['app://config'],
}

type FullServer = ReturnType<typeof fullServer>

function metaOf(message: Message | undefined): Message | undefined {
  return (message?.['params'] as { readonly _meta?: Message } | undefined)?._meta
}

/** What an acknowledgement says that the server agreed to. */
function agreed(listener: Listener): unknown {
  const [first = {}] = listener.heard()
  return (first['params'] as Message)['notifications']
}

/** One change of each kind, each in a turn of its own, and told to a listener before the next. */
async function changeAll(server: FullServer, witness: TestClient): Promise<void> {
  const changes: [method: string, change: () => unknown][] = [
    [changedTools, () => server.tool('late', { description: 'Late.' }, () => 'x')],
    ['notifications/prompts/list_changed', () => server.prompt('late', { description: 'Late.' }, () => 'x')],
    ['notifications/resources/list_changed', () => server.resourcesChanged()],
    [updated, () => server.resourceUpdated('app://config')],
    [updated, () => server.resourceUpdated('app://bytes')],
  ]
  for (const [method, change] of changes) {
    const from = witness.received.length
    change()
    await notified(witness, method, from)
  }
}

/** A client that hears of all that `changeAll` does. */
async function witnessOf(cell: Cell, server: FullServer): Promise<TestClient> {
  const witness = await open(cell, server)
  const resourceSubscriptions = ['app://config', 'app://bytes']
  await listen(witness, { ...everything, resourceSubscriptions }, { id: 'witness' })
  return witness
}

describe.each(cells({ transports: ['stdio', 'http'], revisions: [newest] }))('$name', (cell) => {
  it('begins every subscription with what it agreed to, whatever changes meanwhile (SUB-01)', async () => {
    const server = fullServer()
    const client = await open(cell, server)
    const listeners: Listener[] = []
    for (let id = 0; id < 10; id += 1) {
      server.resourcesChanged()
      const opening = listen(client, everything, { id: `busy ${id}` })
      server.resourceUpdated('app://config')
      // The others of this client hear of it before, with and after this one's beginning.
      await client.listTools()
      server.resourcesChanged()
      listeners.push(await opening)
    }
    server.resourcesChanged()
    await client.waitFor(() => listeners.every((listener) => listener.heard().length > 1))
    for (const listener of listeners) {
      const [first, ...rest] = listener.heard()
      expect(first).toEqual({
        jsonrpc: '2.0',
        method: acknowledged,
        params: {
          _meta: { [subscriptionKey]: expect.stringContaining('busy') as string },
          notifications: everything,
        },
      })
      expect(rest.map(methodOf)).not.toContain(acknowledged)
    }
  })

  it('names the subscription by the id of its request, of the same type (SUB-02)', async () => {
    const server = fullServer()
    const client = await open(cell, server)
    const ids = ['sub', 7, '7', 0, '', 'ü 😀', -1, Number.MAX_SAFE_INTEGER]
    const listeners: Listener[] = []
    for (const id of ids) listeners.push(await listen(client, { toolsListChanged: true }, { id }))
    server.tool('late', { description: 'Late.' }, () => 'x')
    await client.waitFor(() => listeners.every((listener) => listener.heard().length > 1))
    await server.close()
    for (const [at, id] of ids.entries()) {
      const heard = (await listeners[at]?.all) ?? []
      expect(heard.map(methodOf)).toEqual([acknowledged, changedTools, undefined])
      expect(heard.slice(0, 2).map((message) => metaOf(message)?.[subscriptionKey])).toEqual([id, id])
      expect(heard[2]).toMatchObject({ id, result: { _meta: { [subscriptionKey]: id } } })
    }
  })

  it.each([
    ['toolsListChanged', true, changedTools],
    ['promptsListChanged', true, 'notifications/prompts/list_changed'],
    ['resourcesListChanged', true, 'notifications/resources/list_changed'],
    ['resourceSubscriptions', ['app://config'], updated],
  ])('tells whoever asked for %s alone of nothing else (SUB-03)', async (name, value, method) => {
    const server = fullServer()
    const client = await open(cell, server)
    const listener = await listen(client, { [name]: value })
    expect(agreed(listener)).toEqual({ [name]: value })
    const witness = await witnessOf(cell, server)
    await changeAll(server, witness)
    await client.waitFor(() => listener.heard().length > 1)
    await server.close()
    expect((await listener.all).map(methodOf)).toEqual([acknowledged, method, undefined])
  })

  it('agrees to what it offers and leaves out the rest, then and later (SUB-04)', async () => {
    const server = oneTool()
    const client = await open(cell, server)
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const more = { ...everything, taskIds: ['nobody'] }
    const listener = await listen(client, more, { capabilities })
    expect(agreed(listener)).toEqual({ toolsListChanged: true, taskIds: [] })
    server.resource('config', { uri: 'app://config', description: 'Settings.' }, () => 'x')
    server.prompt('late', { description: 'Late.' }, () => 'x')
    const second = await listen(client, { ...everything, promptsListChanged: false }, { id: 'second' })
    const { promptsListChanged: _, ...rest } = everything
    expect(agreed(second)).toEqual(rest)
    const uris = ['app://nobody', 'app://config', 'no uri', '']
    const third = await listen(client, { resourceSubscriptions: uris }, { id: 'third' })
    expect(agreed(third)).toEqual({ resourceSubscriptions: ['app://config'] })
    server.resourceUpdated('app://config')
    await client.waitFor(() => third.heard().length > 1)
    await server.close()
    expect((await listener.all).map(methodOf)).toEqual([acknowledged, undefined])
    expect((await second.all).map(methodOf).filter((method) => method === updated)).toHaveLength(1)
  })

  it('takes a filter of nothing it knows for an empty one, and refuses what is no filter (SUB-05)', async () => {
    const server = fullServer()
    const client = await open(cell, server)
    const empty = [{}, { doctorChanged: true }, { toolsListChanged: false }, { 'com.example/things': [1] }]
    for (const [id, filter] of empty.entries()) {
      const listener = await listen(client, filter, { id })
      expect(agreed(listener)).toEqual({})
    }
    for (const [id, filter] of [
      undefined,
      null,
      [],
      'all',
      { toolsListChanged: 'yes' },
      { resourceSubscriptions: 'app://config' },
      { resourceSubscriptions: [7] },
      { resourceSubscriptions: Array.from({ length: 100_000 }, (_, n) => `app://${n}`) },
    ].entries()) {
      const params = { notifications: filter, ...envelopeOf(newest) }
      const frame = { jsonrpc: '2.0', id: `wrong ${id}`, method: 'subscriptions/listen', params }
      const { messages } = await client.exchange(JSON.stringify(frame))
      expect(messages).toMatchObject([{ id: `wrong ${id}`, error: { code: -32602 } }])
    }
    expect(sizeOf(server, 'subscriptions')).toBe(empty.length)
  })

  it('sends what belongs to a call to that call and to no subscription (SUB-07)', async () => {
    const server = fullServer()
    server.tool('work', { description: 'Works.' }, async (_args, ctx) => {
      await ctx.progress(1, 2)
      await ctx.logToClient('alert', 'working')
      await ctx.progress(2, 2)
      return 'done'
    })
    const client = await open(cell, server)
    const meta = { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'debug' }
    const listener = await listen(client, everything, { meta })
    const witness = await witnessOf(cell, server)
    const before = client.received.length
    await client.callTool('work', {}, { meta })
    const own = (client.received.slice(before) as Message[]).map(methodOf)
    const progress = 'notifications/progress'
    expect(own).toEqual([progress, 'notifications/message', progress, undefined])
    await changeAll(server, witness)
    await client.waitFor(() => listener.heard().length > 4)
    await server.close()
    const kinds = new Set((await listener.all).map(methodOf))
    expect(kinds).not.toContain(progress)
    expect(kinds).not.toContain('notifications/message')
    expect(kinds.size).toBe(6)
    // None of a call's messages says that it is a subscription's.
    for (const message of (client.received as Message[]).filter((one) => own.includes(methodOf(one)))) {
      if (message['params'] !== undefined) expect(metaOf(message)).toBeUndefined()
    }
  })

  it('tells two subscriptions of one client apart, each its own (SUB-08, STD-10)', async () => {
    const server = fullServer()
    const client = await open(cell, server)
    const filters = { tools: { toolsListChanged: true }, config: { resourceSubscriptions: ['app://config'] } }
    const [tools, config] = [
      await listen(client, filters.tools, { id: 'tools' }),
      await listen(client, filters.config, { id: 'config' }),
    ]
    const witness = await witnessOf(cell, server)
    for (const name of ['a', 'b', 'c']) {
      const from = witness.received.length
      server.resourceUpdated('app://config')
      server.tool(name, { description: 'Late.' }, () => 'x')
      await notified(witness, changedTools, from)
      await notified(witness, updated, from)
    }
    await client.waitFor(() => tools.heard().length + config.heard().length === 8)
    await server.close()
    for (const [id, listener, method] of [
      ['tools', tools, changedTools],
      ['config', config, updated],
    ] as const) {
      const heard = await listener.all
      expect(heard.map(methodOf)).toEqual([acknowledged, method, method, method, undefined])
      for (const message of heard.slice(0, -1)) expect(metaOf(message)).toEqual({ [subscriptionKey]: id })
      expect(heard.at(-1)).toHaveProperty('id', id)
    }
  })
})
