import { cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { envelopeOf, gate, open, testServer, textOf } from '../protocol/support.js'
import { hearOfLists, listen, methodOf, notified, sizeOf } from './listening.js'

const handshake = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
const newest = '2026-07-28'
const both = { transports: ['stdio', 'http'] } as const

/** The progress that came, in order. */
function progressOf(client: TestClient): readonly Message[] {
  return client.notifications
    .filter(({ method }) => method === 'notifications/progress')
    .map(({ params }) => params)
}

describe.each(cells(both))('$name', (cell) => {
  it('reports no progress of a call that has no token for it (PRG-01)', async () => {
    const { server } = testServer()
    server.tool('work', { description: 'Works.' }, async (_args, ctx) => {
      for (const step of [1, 2, 3]) await ctx.progress(step, 3, `step ${step}`)
      return 'done'
    })
    const client = await open(cell, server)
    await hearOfLists(client)
    await client.callTool('work', {}, { meta: { progressToken: 'before' } })
    expect(progressOf(client)).toHaveLength(3)
    const from = client.received.length
    for (const meta of [{}, { 'com.example/token': 1 }, { progressToken: null }, { progressToken: {} }]) {
      expect(textOf(await client.callTool('work', {}, { meta }))).toBe('done')
    }
    server.tool('late', { description: 'Late.' }, () => 'late')
    await notified(client, 'notifications/tools/list_changed', from)
    expect(progressOf(client)).toHaveLength(3)
  })

  it('reports under the token of the call, a string or a number as it came (PRG-02)', async () => {
    const { server } = testServer()
    const all = gate()
    let running = 0
    const tokens = ['t', 7, '7', 0, '', -1, 'ü 😀', Number.MAX_SAFE_INTEGER]
    server.tool('work', { description: 'Works.' }, async (_args, ctx) => {
      running += 1
      if (running === tokens.length) all.open()
      await all.opened
      await ctx.progress(1, 1)
      return 'done'
    })
    const client = await open(cell, server)
    await Promise.all(tokens.map((progressToken) => client.callTool('work', {}, { meta: { progressToken } })))
    const reported = progressOf(client).map(({ progressToken }) => progressToken)
    expect(reported).toHaveLength(tokens.length)
    expect(new Set(reported)).toEqual(new Set(tokens))
  })

  it('reports values that increase, whatever a handler says and however often a sign of life is due (PRG-03)', async () => {
    const { server } = testServer()
    const finish = gate()
    server.tool('work', { description: 'Works.', heartbeat: 2 }, async (_args, ctx) => {
      await finish.opened
      for (const value of [-1, 1, 1, 0.5, Number.NaN, 2, Number.POSITIVE_INFINITY, 1.5, 3]) {
        await ctx.progress(value, 3)
      }
      return 'done'
    })
    const client = await open(cell, server)
    const call = client.callTool('work', {}, { meta: { progressToken: 'p' } })
    await client.waitFor(() => progressOf(client).length >= 3)
    finish.open()
    expect(textOf(await call)).toBe('done')
    const values = progressOf(client).map(({ progress }) => progress as number)
    expect(values).toEqual(expect.arrayContaining([1, 2, 3]))
    for (const [at, value] of values.entries()) {
      expect(Number.isFinite(value)).toBe(true)
      if (at > 0) expect(value).toBeGreaterThan(values[at - 1] ?? Number.NaN)
    }
  })

  it('reports nothing behind the answer, nor of a call that was cancelled or ran out of time (PRG-04)', async () => {
    const { server } = testServer()
    const late: (() => Promise<void>)[] = []
    const stuck = gate()
    const work = async (ctx: { progress(value: number): Promise<void> }): Promise<string> => {
      late.push(async () => ctx.progress(2))
      await ctx.progress(1)
      return 'done'
    }
    server.tool('ends', { description: 'Ends.' }, (_args, ctx) => work(ctx))
    server.tool('tires', { description: 'Never ends.', timeout: 20 }, async (_args, ctx) => {
      await work(ctx)
      return new Promise(() => undefined)
    })
    server.tool('stuck', { description: 'Never ends.' }, async (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => stuck.open())
      await work(ctx)
      return new Promise(() => undefined)
    })
    const client = await open(cell, server)
    await hearOfLists(client)
    await client.callTool('ends', {}, { meta: { progressToken: 'ends' } })
    expect((await client.callTool('tires', {}, { meta: { progressToken: 'tires' } })).isError).toBe(true)
    const leaving = new AbortController()
    const call = client.callTool('stuck', {}, { meta: { progressToken: 'stuck' }, signal: leaving.signal })
    call.catch(() => undefined)
    await client.waitFor(() => progressOf(client).length === 3)
    leaving.abort(new Error('enough'))
    await stuck.opened
    const from = client.received.length
    expect(late).toHaveLength(3)
    for (const report of late) await report()
    server.tool('late', { description: 'Late.' }, () => 'late')
    await notified(client, 'notifications/tools/list_changed', from)
    await client.listTools()
    expect(progressOf(client).map(({ progress }) => progress)).toEqual([1, 1, 1])
  })

  it('takes a cancel that fits nothing for nothing (CAN-01)', async () => {
    const { server } = testServer()
    server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    const odd = [{ requestId: 12345 }, { requestId: 'x' }, { requestId: null }, { requestId: {} }, {}]
    for (const params of [...odd, { requestId: 1.5 }, { reason: 'enough' }, undefined]) {
      const frame = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
      expect([params, (await client.exchange(frame)).messages]).toEqual([params, []])
    }
    expect(textOf(await client.callTool('one'))).toBe('1')
    expect(server.stats().counters.cancelled).toBe(0)
  })

  it('takes a cancel that comes too late for nothing (CAN-04)', async () => {
    const { server } = testServer()
    server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    await hearOfLists(client)
    const from = client.received.length
    for (const id of ['done', 77]) {
      expect(textOf(await client.callTool('one', {}, { id }))).toBe('1')
      for (const reason of ['late', 'later']) {
        const params = { requestId: id, reason }
        const frame = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
        expect((await client.exchange(frame)).messages).toEqual([])
      }
    }
    server.tool('late', { description: 'Late.' }, () => 'late')
    await notified(client, 'notifications/tools/list_changed', from)
    const answers = (client.received.slice(from) as Message[]).filter(({ id }) => id === 'done' || id === 77)
    expect(answers).toHaveLength(2)
    expect(server.stats().counters.cancelled).toBe(0)
    expect(textOf(await client.callTool('one'))).toBe('1')
  })
})

describe.each(cells({ ...both, revisions: handshake }))('$name', (cell) => {
  it.each([
    ['before anything was sent', {}],
    ['in the midst of its progress', { progressToken: 1 }],
  ])('answers no call that was cancelled %s, and goes on (CAN-02)', async (_when, meta) => {
    const { server } = testServer()
    const [begun, ended] = [gate(), gate<unknown>()]
    server.tool('one', { description: 'One.' }, () => '1')
    server.tool('slow', { description: 'Answers when it is too late.' }, async (_args, ctx) => {
      const aborted = new Promise((resolve) =>
        ctx.signal.addEventListener('abort', () => resolve(ctx.signal.reason)),
      )
      await ctx.progress(1)
      begun.open()
      ended.open(await aborted)
      return 'too late'
    })
    const client = await open(cell, server)
    await hearOfLists(client)
    const params = { name: 'slow', _meta: meta }
    const posted = client.post(JSON.stringify({ jsonrpc: '2.0', id: 'c', method: 'tools/call', params }))
    await begun.opened
    await client.notify('notifications/cancelled', { requestId: 'c', reason: 'enough' })
    expect(await ended.opened).toMatchObject({ name: 'AbortError' })
    // Over HTTP the exchange has to end all the same.
    await posted
    expect(textOf(await client.callTool('one'))).toBe('1')
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    const from = client.received.length
    server.tool('late', { description: 'Late.' }, () => 'late')
    await notified(client, 'notifications/tools/list_changed', from)
    expect((client.received as Message[]).filter(({ id }) => id === 'c')).toEqual([])
    const calls = cell.transport === 'http' ? 'calls in flight (HTTP sessions)' : 'calls in flight (stdio)'
    expect(sizeOf(server, calls)).toBe(0)
  })
})

describe.each(cells({ ...both, revisions: [newest] }))('$name', (cell) => {
  it('cancels nothing but subscriptions, whichever way a call ends (CAN-03)', async () => {
    const { server } = testServer()
    server.tool('fails', { description: 'Fails.' }, () => {
      throw new Error('no')
    })
    server.tool('tires', { description: 'Never ends.', timeout: 20 }, () => new Promise(() => undefined))
    const schema = { type: 'object', properties: { name: { type: 'string' } } } as const
    const form = { message: 'Who are you?', schema }
    server.tool('asks', { description: 'Asks.' }, async (_args, ctx) => (await ctx.elicit(form)).action)
    let running = 0
    server.tool('stuck', { description: 'Never ends.' }, () => {
      running += 1
      return new Promise(() => undefined)
    })
    const client = await open(cell, server, { capabilities: { elicitation: {} } })
    const listeners = [
      await listen(client, { toolsListChanged: true }, { id: 'one' }),
      await listen(client, { toolsListChanged: true }, { id: 2 }),
    ]
    for (const name of ['fails', 'tires', 'asks']) await client.callTool(name)
    const frame = (id: string): string =>
      JSON.stringify({
        jsonrpc: '2.0',
        id,
        method: 'tools/call',
        params: { name: 'stuck', ...envelopeOf(newest) },
      })
    const leaving = new AbortController()
    const left = client.callTool('stuck', {}, { id: 'left', signal: leaving.signal })
    left.catch(() => undefined)
    const ended = client.exchange(frame('ended'))
    await expect.poll(() => running).toBe(2)
    leaving.abort(new Error('enough'))
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    await server.close({ timeoutMs: 20 })
    // What the server ended itself is answered.
    expect((await ended).messages).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 'ended', result: expect.any(Object) as object }),
      ]),
    )
    for (const { all } of listeners) expect((await all).at(-1)).toHaveProperty('result')
    const cancelled = client.notifications.filter(
      (message) => methodOf(message) === 'notifications/cancelled',
    )
    for (const { params } of cancelled) expect(['one', 2]).toContain(params['requestId'])
    // Streams that share one line are told which of them is over (patterns/cancellation); others simply end.
    expect(cancelled).toHaveLength(cell.transport === 'stdio' ? 2 : 0)
  })
})
