import { createHmac } from 'node:crypto'
import type { Server } from 'holdfast'
import { jwt } from 'holdfast/auth'
import { type Cell, cells } from 'holdfast/testing'
import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectRefusal, raw } from '../protocol/http-support.js'
import { envelopeOf, open, testServer } from '../protocol/support.js'

const issuer = 'https://idp.example.com'
const audience = 'https://mcp.example.com/mcp'
const wellKnown = '/.well-known/oauth-protected-resource'

type Keys = Awaited<ReturnType<typeof generateKeyPair>>
let keys: Keys
let stranger: Keys
let pem: string
beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  stranger = await generateKeyPair('ES256', { extractable: true })
  pem = await exportSPKI(keys.publicKey)
})

function served(publicUrl?: string): Server<Readonly<Record<string, unknown>>> {
  const { server } = testServer({
    auth: jwt({ issuer, audience, publicKey: pem, scopes: ['orders:read'] }),
    ...(publicUrl !== undefined && { http: { publicUrl } }),
  })
  server.tool('who', { description: 'Says who calls.' }, (_args, ctx) => ctx.principal.subject)
  const permissions = ['orders:read', 'orders:write']
  server.tool('change', { description: 'Changes an order.', permissions }, () => 'changed')
  return server
}

function tokenOf(claims: Record<string, unknown> = {}, by: Keys = keys): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600
  return new SignJWT({ iss: issuer, aud: audience, sub: 'alice', exp, ...claims })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(by.privateKey)
}

async function bearer(claims: Record<string, unknown> = {}): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await tokenOf(claims)}` }
}

/** A message by hand, with the headers that its revision asks for. */
function post(
  cell: Cell,
  method: string,
  params: Record<string, unknown> = {},
  id = 1,
): { headers: Record<string, string>; body: string } {
  const named = typeof params['name'] === 'string' ? { 'mcp-name': params['name'] } : {}
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(cell.stateless && { 'mcp-protocol-version': cell.revision, 'mcp-method': method, ...named }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, ...envelopeOf(cell.revision) } }),
  }
}

function opening(cell: Cell): ReturnType<typeof post> {
  if (cell.stateless) return post(cell, 'server/discover')
  const clientInfo = { name: 'rows', version: '0' }
  return post(cell, 'initialize', { protocolVersion: cell.revision, capabilities: {}, clientInfo })
}

describe.each(cells({ transports: ['http'] }))('$name', (cell) => {
  it('nothing is answered without a token, and the challenge says where to get one and names no error (AUT-01, AUT-02, AUT-03, AUT-05, AUT-12)', async () => {
    const client = await open(cell, served(), { headers: await bearer() })
    const url = client.url ?? ''
    const { origin } = new URL(url)
    for (const sent of [
      opening(cell),
      post(cell, 'tools/list'),
      post(cell, 'no/such'),
      post(cell, 'tools/call', { name: 'who', arguments: {} }),
    ]) {
      const reply = await raw(url, sent)
      expectRefusal(reply, 401)
      expect(reply.headers['www-authenticate']).toBe(
        `Bearer scope="orders:read", resource_metadata="${origin}${wellKnown}/mcp"`,
      )
    }
    if (!cell.stateless) {
      for (const method of ['GET', 'DELETE']) {
        const reply = await raw(url, { method, headers: { accept: 'text/event-stream' } })
        expect([method, reply.status]).toEqual([method, 401])
        expect(reply.headers['www-authenticate']).toContain('resource_metadata=')
      }
    }
  })

  it('the metadata is there for everybody, at the path and at the root, and its resource is the server (AUT-03, AUT-04, AUT-12, AUT-13, AUT-23)', async () => {
    const client = await open(cell, served(), { headers: await bearer() })
    const { origin } = new URL(client.url ?? '')
    for (const path of [`${wellKnown}/mcp`, wellKnown, `${wellKnown}?x=1`]) {
      const reply = await raw(`${origin}${path}`, {
        method: 'GET',
        headers: { origin: 'https://inspector.example' },
      })
      expect([
        reply.status,
        reply.headers['content-type'],
        reply.headers['access-control-allow-origin'],
      ]).toEqual([200, 'application/json', '*'])
      expect(JSON.parse(reply.text)).toEqual({
        resource: `${origin}/mcp`,
        authorization_servers: [issuer],
        bearer_methods_supported: ['header'],
        scopes_supported: ['orders:read'],
      })
    }
    const preflight = await raw(`${origin}${wellKnown}/mcp`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://inspector.example',
        'access-control-request-headers': 'mcp-protocol-version',
      },
    })
    expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([
      204,
      'mcp-protocol-version',
    ])
    expect((await raw(`${origin}${wellKnown}`, { method: 'POST', body: '{}' })).status).toBe(405)
    expect(
      (await raw(`${origin}${wellKnown}`, { method: 'GET', headers: { host: 'evil.example' } })).status,
    ).toBe(403)
  })

  it('behind a proxy the resource is the public address, and nothing else has metadata (AUT-03, AUT-04)', async () => {
    const client = await open(cell, served('https://mcp.example.com/mcp'), { headers: await bearer() })
    const { origin } = new URL(client.url ?? '')
    for (const path of [wellKnown, `${wellKnown}/mcp`]) {
      const reply = await raw(`${origin}${path}`, { method: 'GET' })
      expect(JSON.parse(reply.text)).toMatchObject({ resource: 'https://mcp.example.com/mcp' })
    }
    expect((await raw(`${origin}${wellKnown}/other`, { method: 'GET' })).status).toBe(404)
    const refused = await raw(client.url ?? '', opening(cell))
    expect(refused.headers['www-authenticate']).toContain(
      `resource_metadata="https://mcp.example.com${wellKnown}/mcp"`,
    )
  })

  it('tokens that do not count are a 401 invalid_token, and come back in no answer (AUT-06, AUT-07, AUT-20, AUT-21)', async () => {
    const client = await open(cell, served(), { headers: await bearer() })
    const now = Math.floor(Date.now() / 1000)
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
    const claims = encode({ iss: issuer, aud: audience, sub: 'alice', exp: now + 600 })
    const input = `${encode({ alg: 'HS256' })}.${claims}`
    const wrong = [
      'garbage',
      'a.b.c',
      await tokenOf({ exp: now - 3600 }),
      await tokenOf({ aud: 'https://other.example/mcp' }),
      await tokenOf({ iss: 'https://other.example' }),
      await tokenOf({}, stranger),
      `${encode({ alg: 'none' })}.${claims}.`,
      `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`,
    ]
    for (const token of wrong) {
      const sent = opening(cell)
      const reply = await raw(client.url ?? '', {
        ...sent,
        headers: { ...sent.headers, authorization: `Bearer ${token}` },
      })
      expectRefusal(reply, 401)
      expect(reply.headers['www-authenticate']).toMatch(
        /^Bearer error="invalid_token", error_description="[^"]+", scope="orders:read", resource_metadata="[^"]+"$/,
      )
      const all = reply.text + JSON.stringify(reply.headers)
      expect(all).not.toContain(token.length > 8 ? token : 'a.b.c')
      expect(all).not.toMatch(/jose|JWS|"kid"|\.[jt]s:\d|\n +at /)
    }
    for (const authorization of ['Bearer', 'Bearer a b', 'Bearer "a"', 'bearer a,b', 'Bearer a=b=c']) {
      const sent = opening(cell)
      const reply = await raw(client.url ?? '', { ...sent, headers: { ...sent.headers, authorization } })
      expectRefusal(reply, 401)
    }
  })

  it('a token in the query opens nothing (AUT-08)', async () => {
    const client = await open(cell, served(), { headers: await bearer() })
    const token = await tokenOf()
    const reply = await raw(`${client.url}?access_token=${token}`, opening(cell))
    expectRefusal(reply, 401)
    expect(reply.headers['www-authenticate']).not.toContain('error=')
    expect(JSON.stringify(reply.headers) + reply.text).not.toContain(token)
  })

  it('a token that grants too little is a 403 that names all that is needed, and where (AUT-11)', async () => {
    const client = await open(cell, served(), { headers: await bearer({ scope: 'orders:read' }) })
    const { origin } = new URL(client.url ?? '')
    const sent = await client.post(post(cell, 'tools/call', { name: 'change', arguments: {} }).body, {
      headers: cell.stateless ? { 'mcp-method': 'tools/call', 'mcp-name': 'change' } : {},
    })
    expect(sent?.status).toBe(403)
    expect(sent?.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="orders:read orders:write", resource_metadata="${origin}${wellKnown}/mcp"`,
    )
    const able = await open(cell, served(), { headers: await bearer({ scope: 'orders:read orders:write' }) })
    expect(await able.callTool('change')).toMatchObject({ content: [{ text: 'changed' }] })
    // What somebody may not call is not in their list either.
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['who'])
  })
})

describe.each(cells({ transports: ['http'] }).filter(({ stateless }) => !stateless))('$name', (cell) => {
  it('a session opens nothing by itself, nor for somebody else (AUT-09, AUT-10)', async () => {
    const client = await open(cell, served(), { headers: await bearer() })
    const sent = post(cell, 'tools/list')
    const session = { 'mcp-session-id': client.session ?? '' }
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await raw(client.url ?? '', { ...sent, headers: { ...sent.headers, ...session, ...headers } })).status
    expect(client.session).toMatch(/./)
    expect(await ask(await bearer())).toBe(200)
    expect(await ask({})).toBe(401)
    expect(await ask(await bearer({ sub: 'mallory' }))).toBe(404)
  })
})

describe.each(cells({ transports: ['http'], revisions: ['2026-07-28'] }))('$name', (cell) => {
  it('a session id is no credential, and makes nobody somebody else (AUT-09, AUT-10)', async () => {
    const client = await open(cell, served(), { headers: await bearer() })
    const sent = post(cell, 'tools/call', { name: 'who', arguments: {} })
    const headers = { ...sent.headers, 'mcp-session-id': 'made up' }
    expect((await raw(client.url ?? '', { ...sent, headers })).status).toBe(401)
    const other = await raw(client.url ?? '', {
      ...sent,
      headers: { ...headers, ...(await bearer({ sub: 'bob' })) },
    })
    if (other.status === 200) expect(other.text).toContain('bob')
    else expect(other.status).toBeGreaterThanOrEqual(400)
  })
})
