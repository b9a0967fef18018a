import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { listRequest, newest } from './http-support.js'
import { envelopeOf, gate, handClock, open, testServer, textOf } from './support.js'

describe.each(cells({ transports: ['http'] }))('$name', (cell) => {
  it('an open stream shows every 15 seconds that it is alive, by a comment (HTM-28)', async () => {
    const clock = handClock()
    const { server } = testServer({ clock })
    server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    const response = cell.stateless
      ? await fetch(client.url ?? '', listening())
      : await fetch(client.url ?? '', {
          headers: { accept: 'text/event-stream', 'mcp-session-id': client.session ?? '' },
        })
    expect(response.status).toBe(200)
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk as Uint8Array)
    })()
    await expect.poll(() => text).not.toBe('')
    const before = text.split(': keep-alive').length
    for (let times = 1; times <= 2; times += 1) {
      clock.advance(15_000)
      await expect.poll(() => text.split(': keep-alive').length - before).toBe(times)
    }
    await server.close({ timeoutMs: 1000 })
    await reading
  })
})

function listening(): RequestInit {
  const { headers } = listRequest()
  const method = 'subscriptions/listen'
  const params = { ...envelopeOf(newest), notifications: { toolsListChanged: true } }
  return {
    method: 'POST',
    headers: { ...headers, 'mcp-method': method },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  }
}

describe.each(cells())('$name', (cell) => {
  it('a heartbeat shows that a long call goes on, by progress that only increases', async () => {
    const clock = handClock()
    const { server } = testServer({ clock })
    const { opened, open: go } = gate<undefined>()
    const { opened: begun, open: begin } = gate<undefined>()
    server.tool('long', { description: 'Takes long.', heartbeat: '5s' }, async (_args, ctx) => {
      await ctx.progress(10, 100)
      begin(undefined)
      await opened
      await ctx.progress(11, 100)
      return 'done'
    })
    const client = await open(cell, server)
    const call = client.callTool('long', {}, { meta: { progressToken: 'p' } })
    await begun
    for (let beats = 1; beats <= 3; beats += 1) {
      clock.advance(5000)
      await expect.poll(() => client.notifications.length).toBe(1 + beats)
    }
    go(undefined)
    await call
    const values = client.notifications.map(({ params }) => Number(params['progress']))
    expect(values).toEqual([...values].sort((left, right) => left - right))
    expect(new Set(values).size).toBe(5)
    expect([values[0], values.at(-1)]).toEqual([10, 11])
    const after = client.notifications.length
    clock.advance(60_000)
    await client.listTools()
    expect(client.notifications.length).toBe(after)
  })

  it('a heartbeat says nothing to a client that asked for no progress', async () => {
    const clock = handClock()
    const { server } = testServer({ clock })
    const { opened, open: go } = gate<undefined>()
    const { opened: begun, open: begin } = gate<undefined>()
    server.tool('long', { description: 'Takes long.', heartbeat: '5s' }, async () => {
      begin(undefined)
      await opened
      return 'done'
    })
    const client = await open(cell, server)
    const call = client.callTool('long')
    await begun
    clock.advance(5000)
    go(undefined)
    expect(textOf(await call)).toBe('done')
    expect(client.notifications).toEqual([])
  })
})
