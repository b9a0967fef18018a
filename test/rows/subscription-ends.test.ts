import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { oneTool } from '../protocol/http-support.js'
import { envelopeOf, open } from '../protocol/support.js'
import { fullServer } from './full-server.js'
import { listen, sizeOf, subscriptionKey } from './listening.js'

const newest = '2026-07-28'
const everything = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: ['app://config'],
}

describe.each(cells({ transports: ['stdio', 'http'], revisions: [newest] }))('$name', (cell) => {
  it('tells what changed right before it shuts down (SUB-06)', async () => {
    const server = fullServer()
    const client = await open(cell, server)
    const listener = await listen(client, everything)
    server.resourceUpdated('app://config')
    await server.close()
    const heard = (await listener.all).map((message) => message['method'])
    expect(heard.at(-2)).toBe('notifications/resources/updated')
  })

  it('answers every subscription when it shuts down (SUB-06)', async () => {
    const server = fullServer()
    const client = await open(cell, server)
    const ids = ['one', 2]
    const listeners = [await listen(client, everything, { id: 'one' }), await listen(client, {}, { id: 2 })]
    await server.close()
    for (const [at, id] of ids.entries()) {
      const last = ((await listeners[at]?.all) ?? []).at(-1)
      expect(last).toEqual({
        jsonrpc: '2.0',
        id,
        result: {
          resultType: 'complete',
          _meta: expect.objectContaining({ [subscriptionKey]: id }) as object,
        },
      })
    }
    const cancelled = client.notifications.filter(({ method }) => method === 'notifications/cancelled')
    for (const { params } of cancelled) expect(ids).toContain(params['requestId'])
  })

  it('serves fifty streams, or as many as it has room for, and refuses the rest at once (SUB-09)', async () => {
    const roomy = await open(cell, fullServer())
    const ids = Array.from({ length: 50 }, (_, n) => n)
    await Promise.all(ids.map((id) => listen(roomy, everything, { id })))

    const server = fullServer({ limits: { maxSubscriptions: 10 } })
    const client = await open(cell, server)
    const outcomes = await Promise.all(
      ids.map((id) => listen(client, everything, { id }).then(() => 'listens', String)),
    )
    const refusals = outcomes.filter((outcome) => outcome !== 'listens')
    expect(refusals).toHaveLength(40)
    for (const refusal of refusals) expect(refusal).toMatch(/"code":-32603,"message":"\w.*\."/)
    expect(sizeOf(server, 'subscriptions')).toBe(10)
    if (cell.transport === 'http') {
      const params = { notifications: {}, ...envelopeOf(newest) }
      const frame = { jsonrpc: '2.0', id: 'one more', method: 'subscriptions/listen', params }
      expect((await client.exchange(JSON.stringify(frame))).status).toBe(503)
    }
    expect(await client.listTools()).toHaveProperty('tools')
  })
})

describe.each(cells({ transports: ['http'], revisions: [newest] }))('$name', (cell) => {
  it('has room again once a client has closed its stream (SUB-10)', async () => {
    const server = oneTool({ limits: { maxSubscriptions: 1 } })
    const client = await open(cell, server)
    for (let id = 0; id < 20; id += 1) {
      const leaving = new AbortController()
      await listen(client, { toolsListChanged: true }, { id, signal: leaving.signal })
      await expect(listen(client, {}, { id: `second ${id}` })).rejects.toThrow('-32603')
      leaving.abort(new Error('enough'))
      await expect.poll(() => sizeOf(server, 'subscriptions')).toBe(0)
    }
    const last = await listen(client, { toolsListChanged: true }, { id: 'last' })
    server.tool('late', { description: 'Late.' }, () => 'x')
    await client.waitFor(() => last.heard().length > 1)
    expect(
      client.notifications.filter(({ method }) => method === 'notifications/tools/list_changed'),
    ).toHaveLength(1)
  })
})
