import { connect as connectSocket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { serve } from 'holdfast/node'
import { type Cell, cells } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { expectRefusal, listRequest, newest, oneTool, raw } from '../protocol/http-support.js'
import { open } from '../protocol/support.js'

const handshake = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
const keys = ['a secret of the tests, long enough to seal']

interface Sent {
  readonly headers: Record<string, string>
  readonly body: string
}

/** What opens a conversation under a revision, by hand: the handshake, or a list that needs none. */
function opening({ revision, stateless }: Cell): Sent {
  if (stateless) return listRequest()
  const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'rows', version: '0' } }
  return {
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  }
}

async function sessionId(url: string, cell: Cell): Promise<string> {
  return String((await raw(url, opening(cell))).headers['mcp-session-id'])
}

/** A list within a session, or a stateless one. */
async function listing(url: string, cell: Cell): Promise<Sent> {
  if (cell.stateless) return listRequest()
  const { headers } = opening(cell)
  return {
    headers: { ...headers, 'mcp-session-id': await sessionId(url, cell) },
    body: JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' }),
  }
}

describe.each(cells({ transports: ['http'], revisions: handshake }))('$name', (cell) => {
  it('session ids hold 64 bits and more that nobody can foresee (HTL-05)', async () => {
    const client = await open(cell, oneTool())
    const ids: string[] = []
    for (let n = 0; n < 20; n += 1) ids.push(await sessionId(client.url ?? '', cell))
    for (const [at, id] of ids.entries()) {
      for (const other of ids.slice(0, at)) {
        const differing = [...id].filter((character, n) => character !== other[n]).length
        // A character of base64url says six bits, and one in 64 is the same by chance.
        expect(differing * 6).toBeGreaterThan(64)
        // Nor is one the other plus a little: they differ from early on.
        expect(id.slice(0, Math.floor(id.length / 2))).not.toBe(other.slice(0, Math.floor(id.length / 2)))
      }
    }
  })

  it('answers a request without Accept, or refuses it with a reason (HTL-12)', async () => {
    const client = await open(cell, oneTool())
    const { headers, body } = await listing(client.url ?? '', cell)
    const { accept: _, ...rest } = headers
    const reply = await raw(client.url ?? '', { headers: rest, body })
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json'])
    expect(JSON.parse(reply.text)).toHaveProperty('result.tools')
  })
})

describe.each(cells({ transports: ['http'] }))('$name', (cell) => {
  it('takes no page from elsewhere in, and pages of its own and programs without Origin (HTL-21, HTL-22, HTL-24)', async () => {
    const client = await open(cell, oneTool())
    const url = client.url ?? ''
    const { host, port } = new URL(url)
    const sent = await listing(url, cell)
    const evil = [
      'https://evil.example',
      'null',
      'http://localhost.evil.com',
      'http://127.0.0.1.nip.io',
      `http://evil-localhost:${port}`,
      `http://localhost.:${port}.evil.example`,
      `http://${host}@evil.example`,
      'http://evil.example#localhost',
      `http://${host}.evil.example`,
    ]
    for (const origin of evil) {
      for (const { headers, body } of [opening(cell), sent]) {
        expectRefusal(await raw(url, { headers: { ...headers, origin }, body }), 403)
      }
      const get = await raw(url, { method: 'GET', headers: { accept: 'text/event-stream', origin } })
      expect([origin, get.status]).toEqual([origin, 403])
    }
    for (const origin of [undefined, `http://${host}`, `http://localhost:${port}`]) {
      const headers = { ...sent.headers, ...(origin !== undefined && { origin }) }
      expect((await raw(url, { headers, body: sent.body })).status).toBe(200)
    }
  })

  it('answers to its own names only (HTL-23)', async () => {
    const client = await open(cell, oneTool())
    const url = client.url ?? ''
    for (const { headers, body } of [opening(cell), await listing(url, cell)]) {
      expectRefusal(await raw(url, { headers: { ...headers, host: 'evil.example' }, body }), 403)
      expect((await raw(url, { headers, body })).status).toBe(200)
    }
  })

  it('refuses other methods with what it takes instead (HTL-26)', async () => {
    const client = await open(cell, oneTool())
    const url = client.url ?? ''
    const { headers } = await listing(url, cell)
    for (const method of ['PUT', 'PATCH', 'HEAD']) {
      const reply = await raw(url, { method, headers })
      expect([method, reply.status]).toEqual([method, 405])
      expect(reply.headers.allow).toContain('POST')
    }
    // Nobody's page asks, so this is no preflight, and what comes lets no page in.
    const options = await raw(url, { method: 'OPTIONS', headers })
    expect([204, 405]).toContain(options.status)
    expect(options.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('listens on loopback alone unless it is told otherwise (HTL-25)', async () => {
    const served = await serve(oneTool({ keys }), { transport: 'http', port: 0, args: [] })
    onTestFinished(() => served.close())
    expect((await raw(served.url, opening(cell))).status).toBe(200)
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address)
    // Another address of this machine, also where there is no network.
    for (const address of [...others, '127.0.0.2']) {
      expect([address, await connectTo(address, served.port)]).toEqual([address, 'refused'])
    }
    expect(await connectTo('127.0.0.1', served.port)).toBe('connected')
  })
})

describe.each(cells({ transports: ['http'], revisions: ['2025-06-18', '2025-11-25'] }))('$name', (cell) => {
  it('goes by what was negotiated, whichever served version the header names (HTL-10, HTL-11)', async () => {
    const client = await open(cell, oneTool())
    const url = client.url ?? ''
    const { headers, body } = await listing(url, cell)
    for (const version of ['1999-01-01', newest, '']) {
      const reply = await raw(url, { headers: { ...headers, 'mcp-protocol-version': version }, body })
      expectRefusal(reply, 400)
    }
    expect((await raw(url, { headers, body })).status).toBe(200)
    const named = { ...headers, 'mcp-protocol-version': cell.revision }
    expect((await raw(url, { headers: named, body })).status).toBe(200)
  })
})

function connectTo(address: string, port: number): Promise<'connected' | 'refused'> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, address)
    socket.once('error', () => resolve('refused'))
    socket.once('connect', () => {
      socket.destroy()
      resolve('connected')
    })
  })
}
