import { cells, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { byHeader, handClock, open, refused, testServer, textOf } from './support.js'

const keys = ['the first secret, long enough to seal with', 'the second secret, long enough to seal with']
const hour = 60 * 60 * 1000

function served(options: Parameters<typeof testServer>[0] = {}) {
  const { server } = testServer({ keys: keys.slice(0, 1), ...options })
  server.tool('who', { description: 'Says who calls, under which revision.' }, (_args, ctx) =>
    [ctx.principal.subject, ctx.revision, ctx.client.info?.name, ctx.supports('sampling')].join(' '),
  )
  return server
}

const handshake = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

describe.each(cells({ transports: ['http'], revisions: handshake }))('$name', (cell) => {
  /** Opens a session by hand, for its id. */
  async function session(
    client: TestClient,
    clientInfo: object = { name: 'me', version: '1' },
  ): Promise<string> {
    const params = { protocolVersion: cell.revision, capabilities: { sampling: {} }, clientInfo }
    const reply = await client.exchange(
      JSON.stringify({ jsonrpc: '2.0', id: 'i', method: 'initialize', params }),
      {
        headers: { 'mcp-session-id': undefined },
      },
    )
    return reply.headers?.get('mcp-session-id') ?? ''
  }
  const within = (id: string | undefined) => ({ headers: { 'mcp-session-id': id } })
  const status = async (work: Promise<unknown>): Promise<number | undefined> =>
    (await refused(work)).httpStatus

  it('ids are visible ASCII, at most 512 characters, and never the same (HTL-04, HTL-05)', async () => {
    const client = await open(cell, served(), { open: false })
    const ids = new Set<string>()
    for (let n = 0; n < 20; n += 1) ids.add(await session(client))
    ids.add(await session(client, { name: 'ü'.repeat(2000), version: '😀'.repeat(2000) }))
    expect(ids.size).toBe(21)
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{32,512}$/)
  })

  it('a missing id is 400, a foreign or broken one 404 (HTL-06, HTL-07)', async () => {
    const client = await open(cell, served(), { open: false })
    const id = await session(client)
    expect(await status(client.request('tools/list', {}, within(undefined)))).toBe(400)
    const broken = `${id.slice(0, 20)}${id[20] === 'A' ? 'B' : 'A'}${id.slice(21)}`
    for (const wrong of ['made-up', broken, `${id}A`, id.slice(0, -1), 'x'.repeat(5000)]) {
      expect(await status(client.request('tools/list', {}, within(wrong)))).toBe(404)
    }
    expect(await client.request('tools/list', {}, within(id))).toHaveProperty('tools')
  })

  it('carries what was negotiated to another server with the same keys, as after a restart', async () => {
    const [client, elsewhere] = [
      await open(cell, served(), { open: false }),
      await open(cell, served(), { open: false }),
    ]
    const id = await session(client)
    const call = (on: TestClient): Promise<{ content: { text: string }[] }> =>
      on.request('tools/call', { name: 'who' }, within(id))
    const said = ` ${cell.revision} me true`
    expect([textOf(await call(client)), textOf(await call(elsewhere))]).toEqual([said, said])
  })

  it('survives that its key is no longer the first, and ends when the key is gone', async () => {
    const [first = '', second = ''] = keys
    const id = await session(await open(cell, served({ keys: [first] }), { open: false }))
    const rotated = await open(cell, served({ keys: [second, first] }), { open: false })
    expect(await rotated.request('tools/list', {}, within(id))).toHaveProperty('tools')
    const later = await open(cell, served({ keys: [second] }), { open: false })
    expect(await status(later.request('tools/list', {}, within(id)))).toBe(404)
    const younger = await session(rotated)
    expect(await later.request('tools/list', {}, within(younger))).toHaveProperty('tools')
  })

  it('belongs to the principal that opened it: same subject and same issuer (AUT-10)', async () => {
    const client = await open(cell, served({ auth: byHeader }), {
      open: false,
      headers: { 'x-user': 'alice' },
    })
    const id = await session(client)
    const as = (headers: Record<string, string>) => ({ headers: { 'mcp-session-id': id, ...headers } })
    expect(textOf(await client.request('tools/call', { name: 'who' }, as({})))).toContain('alice')
    expect(await status(client.request('tools/list', {}, as({ 'x-user': 'mallory' })))).toBe(404)
    expect(await status(client.request('tools/list', {}, as({ 'x-issuer': 'https://other.example' })))).toBe(
      404,
    )
    const theft = await fetch(client.url ?? '', {
      method: 'DELETE',
      headers: { 'mcp-session-id': id, 'x-user': 'mallory' },
    })
    expect(theft.status).toBe(404)
    expect(await client.request('tools/list', {}, as({}))).toHaveProperty('tools')
  })

  it('lasts a day and no longer, however much it is used', async () => {
    const clock = handClock()
    const client = await open(cell, served({ clock }), { open: false })
    const id = await session(client)
    for (let passed = 0; passed < 23; passed += 1) {
      clock.advance(hour)
      expect(await client.request('tools/list', {}, within(id))).toHaveProperty('tools')
    }
    clock.advance(hour)
    expect(await status(client.request('tools/list', {}, within(id)))).toBe(404)
  })

  it('ends by DELETE, for good (HTL-08, HTL-09)', async () => {
    const client = await open(cell, served(), { open: false })
    const [id, other] = [await session(client), await session(client)]
    const end = (headers: Record<string, string>): Promise<Response> =>
      fetch(client.url ?? '', { method: 'DELETE', headers })
    expect((await end({})).status).toBe(400)
    expect((await end({ 'mcp-session-id': 'made-up' })).status).toBe(404)
    const ended = await end({ 'mcp-session-id': id })
    expect([ended.ok, await ended.text()]).toEqual([true, ''])
    expect(await status(client.request('tools/list', {}, within(id)))).toBe(404)
    expect((await end({ 'mcp-session-id': id })).status).toBe(404)
    expect(await client.request('tools/list', {}, within(other))).toHaveProperty('tools')
  })

  it('keeps the ids of two sessions apart: the same request id runs in both, and is cancelled in one', async () => {
    const { server } = testServer({ keys: keys.slice(0, 1) })
    const reasons: string[] = []
    let running = 0
    server.tool('stuck', { description: 'Stuck.' }, (_args, ctx) => {
      running += 1
      ctx.signal.addEventListener('abort', () => reasons.push((ctx.signal.reason as Error).name))
      return new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve('over')))
    })
    const client = await open(cell, server, { open: false })
    const [one, two] = [await session(client), await session(client)]
    const frame = JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'stuck' } })
    const posted = [client.post(frame, within(one)), client.post(frame, within(two))]
    for (const work of posted) work.catch(() => undefined)
    await expect.poll(() => running).toBe(2)
    await client.notify('notifications/cancelled', { requestId: 5 }, within(one))
    await posted[0]
    expect(reasons).toEqual(['AbortError'])
    await client.notify('notifications/cancelled', { requestId: 5 }, within(two))
    await posted[1]
  })

  it('a revision that was switched off since is no session any more', async () => {
    const id = await session(await open(cell, served(), { open: false }))
    const others = handshake.filter((revision) => revision !== cell.revision)
    const narrowed = await open(cell, served({ revisions: others }), { open: false })
    expect(await status(narrowed.request('tools/list', {}, within(id)))).toBe(404)
  })
})
