import { type Cell, cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { envelopeOf, open, refused, testServer, textOf } from '../protocol/support.js'
import { fullServer, visitAll } from './full-server.js'
import { listen, methodOf, notified } from './listening.js'

const handshake = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
const newest = '2026-07-28'
const both = { transports: ['stdio', 'http'] } as const
const levelKey = 'io.modelcontextprotocol/logLevel'
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const

type Named = { readonly name?: string }

/** A server with a tool that says one thing at every level. */
function chatty(): ReturnType<typeof fullServer> {
  const { server } = testServer()
  const input = { type: 'object', properties: { name: { type: 'string' } } } as const
  server.tool('chat', { description: 'Says much.', input }, async ({ name = 'chat' }: Named, ctx) => {
    for (const level of levels) await ctx.logToClient(level, { said: level }, name)
    return 'said'
  })
  return server
}

/** The log messages among these, by their params. */
function logged(messages: readonly unknown[]): readonly Message[] {
  return messages
    .filter((message) => methodOf(message) === 'notifications/message')
    .map((message) => (message as { readonly params: Message }).params)
}

/** What `chat` sends to a client that wants this level and above. */
function from(level: (typeof levels)[number], logger = 'chat'): readonly Message[] {
  return levels.slice(levels.indexOf(level)).map((said) => ({ level: said, logger, data: { said } }))
}

/** Has a client ask for log messages, in the way of its revision; what comes joins the options of its calls. */
async function asking(client: TestClient, level: string): Promise<{ readonly meta?: Message }> {
  if (client.revision >= newest) return { meta: { [levelKey]: level } }
  await client.request('logging/setLevel', { level })
  return {}
}

describe.each(cells(both))('$name', (cell) => {
  it('declares what it sends log messages by, before it sends any (LOG-04)', async () => {
    const client = await open(cell, chatty())
    const said = cell.stateless ? await client.request('server/discover') : client.initialized
    expect(said?.['capabilities']).toMatchObject({ logging: {} })
    expect(logged(client.received)).toEqual([])
    await client.callTool('chat', {}, await asking(client, 'debug'))
    expect(logged(client.received)).toEqual(from('debug'))
  })

  it('sends what a handler chose to send, and nothing of its own insides (LOG-08)', async () => {
    const secret = 'hunter2-of-the-database'
    const server = fullServer()
    const fault = new Error(`connect to /srv/app/db.sock as admin:${secret}`)
    server.tool('insecure', { description: 'Fails by mistake.' }, async (_args, ctx) => {
      ctx.log.error('The database is away.', { password: secret, error: fault })
      await ctx.logToClient('error', { problem: 'The database is away.', fault })
      throw fault
    })
    server.resource(
      'insecure',
      { uri: 'app://insecure', description: 'Fails by mistake.' },
      (_request, ctx) => {
        ctx.log.error('The database is away.', { password: secret })
        throw fault
      },
    )
    const client = await open(cell, server)
    const wanting = await asking(client, 'debug')
    await visitAll(client)
    for (const args of [{}, { apiKey: secret }]) await client.callTool('insecure', args, wanting)
    await refused(client.request('resources/read', { uri: 'app://insecure' }, wanting))
    expect(logged(client.received)).toEqual([
      { level: 'error', data: { problem: 'The database is away.', fault: {} } },
    ])
    expect(JSON.stringify(client.received)).not.toMatch(/hunter2|\/srv\/app|\n\s+at |\.ts:/)
  })
})

describe.each(cells({ ...both, revisions: handshake }))('$name', (cell) => {
  it('takes every level there is (LOG-01)', async () => {
    const client = await open(cell, chatty())
    expect(client.initialized?.['capabilities']).toMatchObject({ logging: {} })
    for (const level of levels) expect(await client.request('logging/setLevel', { level })).toEqual({})
  })

  it('refuses a level that is none, and keeps the one it had (LOG-02)', async () => {
    const client = await open(cell, chatty())
    await client.request('logging/setLevel', { level: 'alert' })
    for (const level of [
      'bogus',
      'ALERT',
      'warn',
      '',
      ' info',
      'constructor',
      0,
      null,
      ['info'],
      undefined,
    ]) {
      const refusal = await refused(client.request('logging/setLevel', { level }))
      expect([level, refusal.code]).toEqual([level, -32602])
    }
    await client.callTool('chat')
    expect(logged(client.received)).toEqual(from('alert'))
  })

  it('sends nothing below the level that a client chose last, each client its own (LOG-03)', async () => {
    const server = chatty()
    const [strict, curious] = [await open(cell, server), await open(cell, server)]
    await strict.request('logging/setLevel', { level: 'error' })
    await curious.request('logging/setLevel', { level: 'debug' })
    for (const client of [strict, curious]) await client.callTool('chat')
    expect(logged(strict.received)).toEqual(from('error'))
    expect(logged(curious.received)).toEqual(from('debug'))
    await strict.request('logging/setLevel', { level: 'warning' })
    await strict.callTool('chat')
    expect(logged(strict.received)).toEqual([...from('error'), ...from('warning')])
  })
})

/** A call as a frame, with what its `_meta` says beside the envelope. */
function call(id: string, meta: Message): string {
  const params = { name: 'chat', arguments: { name: id } }
  const _meta = { ...(envelopeOf(newest)['_meta'] as object), ...meta }
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { ...params, _meta } })
}

describe.each(cells({ ...both, revisions: [newest] }))('$name', (cell: Cell) => {
  it('sends no log message for a request that asks for none, whatever an earlier one asked (LOG-05)', async () => {
    const client = await open(cell, chatty())
    expect(textOf(await client.callTool('chat'))).toBe('said')
    expect(client.notifications).toEqual([])
    await client.callTool('chat', {}, { meta: { [levelKey]: 'debug' } })
    const before = client.received.length
    expect(before).toBeGreaterThan(levels.length)
    expect(textOf(await client.callTool('chat'))).toBe('said')
    expect(logged(client.received.slice(before))).toEqual([])
  })

  it('refuses a level that is none, with every method (LOG-06)', async () => {
    const client = await open(cell, chatty())
    for (const method of ['tools/call', 'tools/list', 'server/discover']) {
      for (const level of ['bogus', 'ERROR', '', 3, null, {}]) {
        const params = method === 'tools/call' ? { name: 'chat' } : {}
        const refusal = await refused(client.request(method, params, { meta: { [levelKey]: level } }))
        expect([method, level, refusal.code]).toEqual([method, level, -32602])
        if (cell.transport === 'http') expect(refusal.httpStatus).toBe(400)
      }
    }
    expect(logged(client.received)).toEqual([])
  })

  it('sends a request its own messages from its level on, and a subscription none (LOG-07)', async () => {
    const server = chatty()
    const client = await open(cell, server)
    const filter = { toolsListChanged: true }
    const listener = await listen(client, filter, { meta: { [levelKey]: 'debug' } })
    const wanted = { loud: 'alert', most: 'warning', all: 'debug' } as const
    const ids = [...Object.keys(wanted), 'none'] as (keyof typeof wanted | 'none')[]
    const exchanged = await Promise.all(
      ids.map((id) => client.exchange(call(id, id === 'none' ? {} : { [levelKey]: wanted[id] }))),
    )
    for (const [at, id] of ids.entries()) {
      const expected = id === 'none' ? [] : from(wanted[id], id)
      // Over HTTP a request has a stream to itself; over stdio all share one.
      const came = logged(exchanged[at]?.messages ?? [])
      const own = cell.transport === 'http' ? came : came.filter(({ logger }) => logger === id)
      expect([id, own]).toEqual([id, expected])
    }
    server.tool('late', { description: 'Late.' }, () => 'late')
    await notified(client, 'notifications/tools/list_changed')
    await server.close()
    expect((await listener.all).map(methodOf)).toEqual([
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
      undefined,
    ])
  })
})
