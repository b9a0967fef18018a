import type { Store } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { gate, open, testServer, textOf } from '../protocol/support.js'
import { counting, description, input, making, readOnly, sharedStore } from './support.js'

const [cell] = cells({ transports: ['http'], revisions: ['2026-07-28'] })
if (cell === undefined) throw new Error('There is no such cell.')

describe('a cache that nodes share', () => {
  it('is asked by every node, and told by any that something is old', async () => {
    const store = sharedStore()
    const nodes = [1, 2].map(() => counting({ stores: { cache: store } }))
    const clients = await Promise.all(nodes.map(({ server }) => open(cell, server)))
    for (const client of clients) await client.callTool('read', { id: '7' })
    expect(nodes.map(({ runs }) => runs)).toEqual([['7'], []])
    // The second node has its own copy by now; without a bus it learns by the store once that is gone.
    await nodes[0]?.server.invalidate('order:7')
    const third = counting({ stores: { cache: store } })
    await (await open(cell, third.server)).callTool('read', { id: '7' })
    expect(third.runs).toEqual(['7'])
  })

  it('never brings back what was made from data older than a change', async () => {
    const store = sharedStore()
    const go = gate()
    const { server: slow } = testServer({ stores: { cache: store } })
    const { server: other, runs } = counting({ stores: { cache: store } })
    slow.tool(
      'read',
      { description, annotations: readOnly, input, cache: { ttl: '1m', tags: ({ id }) => [`order:${id}`] } },
      async ({ id = '' }) => {
        await go.opened
        return { id, run: 'old' }
      },
    )
    const [one, two] = [await open(cell, slow), await open(cell, other)]
    const old = one.callTool('read', { id: '7' })
    await expect.poll(() => making(slow)).toBe(1)
    await other.invalidate('order:7')
    go.open()
    expect((await old).structuredContent).toMatchObject({ run: 'old' })
    expect((await two.callTool('read', { id: '7' })).structuredContent).toMatchObject({ run: 1 })
    expect(runs).toEqual(['7'])
  })

  it('that is out of reach is done without, and said once', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('ECONNREFUSED'))
    const store: Store = { get: away, set: away, setIfAbsent: away, delete: away }
    const { server, logged } = testServer({ stores: { cache: store } })
    let runs = 0
    server.tool('read', { description, annotations: readOnly, input, cache: { ttl: '1m' } }, () => {
      runs += 1
      return 'made'
    })
    const client = await open(cell, server)
    for (const id of ['1', '2', '1', '2']) expect(textOf(await client.callTool('read', { id }))).toBe('made')
    expect(runs).toBe(2)
    expect(logged.filter(({ message }) => message.includes('shared cache'))).toHaveLength(1)
    await expect(server.invalidate('order:1')).rejects.toThrow('ECONNREFUSED')
  })
})
