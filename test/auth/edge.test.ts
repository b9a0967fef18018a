import { randomBytes } from 'node:crypto'
import { createServer as createListener } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { createServer, type Server, type ServerOptions } from 'holdfast'
import { apiKeys, jwt, signToken } from 'holdfast/auth'
import { serve } from 'holdfast/node'
import { describe, expect, it, onTestFinished } from 'vitest'
import { expectRefusal, listRequest, oneTool, raw } from '../protocol/http-support.js'
import { audience, handClock, listen, signingKey } from './issuer.js'

const secret = randomBytes(48).toString('base64url')
const key = randomBytes(32).toString('base64url')
const wellKnown = '/.well-known/oauth-protected-resource'

/** A server on a free port, with its own listener. */
async function started(
  options: Partial<ServerOptions>,
): Promise<{ url: string; port: number; server: Server<Readonly<Record<string, unknown>>> }> {
  const server = oneTool(options)
  const served = await serve(server, { transport: 'http', port: 0, args: [] })
  onTestFinished(() => served.close())
  return { url: served.url, port: served.port, server }
}

function list(url: string, authorization?: string): ReturnType<typeof raw> {
  const { headers, body } = listRequest()
  return raw(url, { headers: { ...headers, ...(authorization !== undefined && { authorization }) }, body })
}

describe('whoever keeps failing', () => {
  it('waits after twenty failures, with a 429 before anybody looks, and is heard again soon', async () => {
    const clock = handClock()
    let looked = 0
    const auth = jwt({ secret, audience, clock })
    const { url, server } = await started({
      clock,
      auth: {
        ...auth,
        authenticate(credentials) {
          looked += 1
          return auth.authenticate(credentials)
        },
      },
    })
    const token = await signToken({ secret, audience, subject: 'alice' })
    expect((await list(url, `Bearer ${token}`)).status).toBe(200)
    // Without credentials there is nothing to guess with.
    for (let n = 0; n < 30; n += 1) expect((await list(url)).status).toBe(401)
    looked = 0
    for (let n = 0; n < 20; n += 1) expect((await list(url, `Bearer wrong-${n}`)).status).toBe(401)
    const reply = await list(url, 'Bearer wrong')
    expectRefusal(reply, 429)
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(reply.headers['retry-after'])).toBeLessThanOrEqual(6)
    expect(looked).toBe(20)
    // Somebody else at this address who was let in before goes on, and one who was not waits too.
    expect((await list(url, `Bearer ${token}`)).status).toBe(200)
    const fresh = `Bearer ${await signToken({ secret, audience, subject: 'bob' })}`
    expect((await list(url, fresh)).status).toBe(429)
    clock.move(6000)
    expect((await list(url, fresh)).status).toBe(200)
    const names = server.stats().bounded.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['failed authentications', 'addresses that wait', 'verified tokens']),
    )
  })

  it('has all of its IPv6 network wait, and nobody else', async () => {
    const server = oneTool({
      auth: apiKeys({ keys: [{ key, subject: 'ci' }] }),
      http: { trustedProxies: ['127.0.0.1'] },
    })
    const listener = createListener((req, res) => server.handler(req, res))
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void listener.close())
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`
    const { headers, body } = listRequest()
    const from = (address: string, authorization = 'Bearer wrong'): Promise<number> =>
      raw(url, { headers: { ...headers, 'x-forwarded-for': address, authorization }, body }).then(
        ({ status }) => status,
      )
    for (let n = 0; n < 20; n += 1) expect(await from(`2001:db8:1:2::${n + 1}`)).toBe(401)
    expect(await from('2001:db8:1:2:ffff::1')).toBe(429)
    expect(await from('2001:db8:1:3::1')).toBe(401)
    expect(await from('198.51.100.7')).toBe(401)
    expect(await from('2001:db8:1:2::1', `Bearer ${key}`)).toBe(200)
  })
})

describe('the edge', () => {
  it('takes no request with two Authorization headers, whichever is right', async () => {
    const { port } = await started({ auth: apiKeys({ keys: [{ key, subject: 'ci' }] }) })
    const { headers, body } = listRequest()
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connectSocket(port, '127.0.0.1')
      let text = ''
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      socket.once('error', reject).once('close', () => resolve(text))
      const tokens = [`Authorization: Bearer ${key}`, `AUTHORIZATION: Bearer ${'x'.repeat(40)}`]
      socket.write(
        [
          'POST /mcp HTTP/1.1',
          'host: localhost',
          'connection: close',
          ...tokens,
          ...lines,
          `content-length: ${body.length}`,
          '',
          body,
        ].join('\r\n'),
      )
    })
    expect(answer).toMatch(/^HTTP\/1.1 401 .*more than one Authorization header/s)
    expect(answer).not.toContain(key)
  })

  it('has no metadata and a challenge without an address where no server gives out tokens', async () => {
    const { url } = await started({ auth: apiKeys({ keys: [{ key, subject: 'ci' }] }) })
    expect((await list(url)).headers['www-authenticate']).toBe('Bearer realm="mcp"')
    expect((await raw(new URL(wellKnown, url).href, { method: 'GET' })).status).toBe(404)
    const open = await started({})
    expect((await raw(new URL(wellKnown, open.url).href, { method: 'GET' })).status).toBe(404)
    expect((await list(open.url)).status).toBe(200)
  })

  it('serves the metadata beside the endpoint, and looks at no token for it', async () => {
    const auth = jwt({ issuer: 'https://idp.example.com', audience, jwks: 'https://idp.example.com/jwks' })
    const { url } = await started({ auth, http: { path: '/api/mcp' } })
    const reply = await raw(new URL(`${wellKnown}/api/mcp`, url).href, {
      method: 'GET',
      headers: { authorization: 'Bearer x' },
    })
    expect(JSON.parse(reply.text)).toMatchObject({ resource: url })
    expect(reply.text).not.toContain('scopes_supported')
    const head = await raw(new URL(wellKnown, url).href, { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    for (const path of [`${wellKnown}-other`, '/.well-known/other', '/.well-known']) {
      expect((await raw(new URL(path, url).href, { method: 'GET' })).status).toBe(404)
    }
  })

  it('puts nothing of a strange path into a header', async () => {
    const server = oneTool({
      auth: jwt({ secret, audience, authorizationServers: ['https://idp.example.com'] }),
    })
    for (const path of ['/a"b', '/a%22, Basic realm=x', '//evil.example/x', `/${'x'.repeat(5000)}`, '/é']) {
      const { headers, body } = listRequest()
      const reply = await server.fetch(
        new Request(`http://localhost${path}`, { method: 'POST', headers, body }),
      )
      expect(reply.status).toBe(401)
      expect(reply.headers.get('www-authenticate')).toMatch(
        /^Bearer (realm="mcp"|resource_metadata="http:\/\/localhost\/[^" ]*")$/,
      )
    }
  })

  it('answers 503 with a time to wait while the keys are out of reach, and says why in the log alone', async () => {
    const lines: string[] = []
    const log = (message: string): void => void lines.push(message)
    const issuer = await listen((_req, res) => res.writeHead(500).end())
    const { url } = await started({
      auth: jwt({ issuer: 'https://idp.example.com', audience, jwks: `${issuer.url}/jwks` }),
      logger: { debug: () => undefined, info: () => undefined, warn: log, error: log },
    })
    const one = await signingKey('one')
    for (let n = 0; n < 5; n += 1) {
      const reply = await list(url, `Bearer ${await one.sign()}`)
      expectRefusal(reply, 503)
      expect(reply.headers['retry-after']).toMatch(/^[1-5]$/)
      expect(reply.headers['www-authenticate']).toBeUndefined()
    }
    expect(lines).toEqual(['Callers cannot be identified.'])
  })

  it('hears of a key that was taken away with the next request', async () => {
    const keys = apiKeys({ keys: [{ key, subject: 'ci' }] })
    const { url } = await started({ auth: keys })
    expect((await list(url, `Bearer ${key}`)).status).toBe(200)
    keys.remove('ci')
    const reply = await list(url, `Bearer ${key}`)
    expect([reply.status, reply.headers['www-authenticate']]).toEqual([
      401,
      'Bearer error="invalid_token", error_description="The API key is not known."',
    ])
  })
})

describe('a server whose definitions need permissions', () => {
  it('does not start over HTTP without an authenticator, and names one', async () => {
    const server = createServer({ name: 'x', version: '1' })
    server.tool('open', { description: 'For all.' }, () => 'x')
    server.tool('change', { description: 'Changes.', permissions: ['a'] }, () => 'x')
    await expect(serve(server, { transport: 'http', port: 0, args: [] })).rejects.toThrow(
      /^The tool "change" needs permissions, .* give createServer an "auth"/,
    )
  })

  it('takes no principal over HTTP', async () => {
    const server = createServer({ name: 'x', version: '1' })
    await expect(
      serve(server, { transport: 'http', port: 0, args: [], principal: { subject: 'a', permissions: [] } }),
    ).rejects.toThrow('"principal" says who calls over stdio')
  })
})
