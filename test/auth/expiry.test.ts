import type { Authenticator, Server } from 'holdfast'
import { connect, type Revision } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { handClock, open, testServer } from '../protocol/support.js'

const start = 1_800_000_000_000
const description = 'Guarded.'

/** X-Granted says what the caller was granted, X-Expires when that ends, in milliseconds from the start. */
function granting(now: () => number): Authenticator {
  return {
    authenticate({ header }) {
      const expires = header('x-expires')
      const expiresAt = expires === undefined ? undefined : start + Number(expires)
      if (expiresAt !== undefined && now() >= expiresAt) {
        return { ok: false, status: 401, reason: 'invalid', message: 'The token has expired.' }
      }
      const permissions = new Set(header('x-granted')?.split(' '))
      const principal = { kind: 'user', issuer: 'i', subject: 'ada', permissions, claims: {} } as const
      return { ok: true, principal: { ...principal, ...(expiresAt !== undefined && { expiresAt }) } }
    },
  }
}

function guarded(): {
  server: Server<Readonly<Record<string, unknown>>>
  clock: ReturnType<typeof handClock>
} {
  const clock = handClock(start)
  const { server } = testServer({ clock, auth: granting(() => clock.now()) })
  server.tool('open', { description: 'Open.' }, () => 'open')
  server.resource('r', { uri: 'app://r', description, permissions: ['read'] }, () => 'r')
  return { server, clock }
}

const expiring = (server: Server): unknown =>
  server.stats().bounded.find(({ name }) => name === 'streams that end with their token')?.size

/** A session, and the stream that a GET of it opened, as text. */
async function sessionStream(
  server: Server<Readonly<Record<string, unknown>>>,
  revision: Revision,
  headers: Record<string, string>,
): Promise<{
  get(more?: Record<string, string>): Promise<Response>
  post(method: string, params: object, more: Record<string, string>): Promise<unknown>
}> {
  const base = {
    host: '127.0.0.1',
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  }
  const send = (body: object, more: Record<string, string>): Promise<Response> =>
    server.fetch(
      new Request('http://127.0.0.1/mcp', {
        method: 'POST',
        headers: { ...base, ...headers, ...more },
        body: JSON.stringify(body),
      }),
    )
  const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const opened = await send({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, {})
  const session = {
    'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': revision,
  }
  return {
    get: (more = {}) =>
      server.fetch(
        new Request('http://127.0.0.1/mcp', { headers: { ...base, ...session, ...headers, ...more } }),
      ),
    post: async (method, given, more) =>
      (await send({ jsonrpc: '2.0', id: 1, method, params: given }, { ...session, ...more })).json(),
  }
}

describe.each(['2025-03-26', '2025-11-25'] as const)('a stream that a GET opened, %s', (revision) => {
  it('ends with the token that opened it, and its client comes back with another', async () => {
    const { server, clock } = guarded()
    const { get } = await sessionStream(server, revision, { 'x-expires': '5000' })
    const stream = await get()
    expect(stream.status).toBe(200)
    let over = false
    const text = stream.text().then((all) => {
      over = true
      return all
    })
    expect(expiring(server)).toBe(1)
    clock.advance(4000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(over).toBe(false)
    clock.advance(2000)
    const id = /^id: (.*)$/m.exec(await text)?.[1]
    expect((await get()).status).toBe(401)
    const back = await get({ 'x-expires': '900000', ...(id !== undefined && { 'last-event-id': id }) })
    expect(back.status).toBe(200)
    await back.body?.cancel()
    await expect.poll(() => expiring(server)).toBe(0)
  })

  it('does not tell of a resource that its token may not see, whatever the session had subscribed to', async () => {
    const { server } = guarded()
    const { get, post } = await sessionStream(server, revision, {})
    await post('resources/subscribe', { uri: 'app://r' }, { 'x-granted': 'read' })
    const heard = async (granted: string): Promise<string> => {
      const stream = await get({ 'x-granted': granted })
      server.resourceUpdated('app://r')
      server.tool(`more-${granted}`, { description: 'More.' }, () => 'more')
      const reader = (stream.body as ReadableStream<Uint8Array>).getReader()
      let text = ''
      while (!text.includes('tools/list_changed'))
        text += new TextDecoder().decode((await reader.read()).value)
      await reader.cancel()
      return text
    }
    expect(await heard('nothing')).not.toContain('app://r')
    expect(await heard('read')).toContain('app://r')
  })
})

describe('subscriptions/listen', () => {
  it.each(['http', 'memory'] as const)('ends with the token that asked for it (%s)', async (transport) => {
    const { server, clock } = guarded()
    const principal = {
      kind: 'user',
      issuer: 'i',
      subject: 'ada',
      permissions: new Set<string>(),
      claims: {},
    } as const
    const client = await open(
      { connect: (to, options) => connect(to, { ...options, transport, revision: '2026-07-28' }) },
      server,
      {
        headers: { 'x-expires': '5000' },
        principal: { ...principal, expiresAt: start + 5000 },
      },
    )
    const listening = client.request('subscriptions/listen', { notifications: { toolsListChanged: true } })
    listening.catch(() => undefined)
    await expect.poll(() => expiring(server)).toBe(1)
    clock.advance(6000)
    expect(await listening).toMatchObject({ resultType: 'complete' })
    expect(expiring(server)).toBe(0)
  })

  it('of a credential without an end has no timer', async () => {
    const { server } = guarded()
    const client = await connect(server, { transport: 'memory', revision: '2026-07-28' })
    onTestFinished(() => client.close())
    client
      .request('subscriptions/listen', { notifications: { toolsListChanged: true } })
      .catch(() => undefined)
    await expect.poll(() => client.notifications.length).toBe(1)
    expect(expiring(server)).toBe(0)
  })
})
