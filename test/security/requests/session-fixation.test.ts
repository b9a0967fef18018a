import type { Authenticator, Credentials } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { byHeader, testServer } from '../../protocol/support.js'
import { handshake, initialize, listen, send, stateless } from './raw-requests.js'

const chosen = 'chosen-by-the-attacker-0123456789abcdefghijklmnopqrstuvwxyz'

function whoServer(authenticate: Authenticator = byHeader) {
  const served = testServer({ auth: authenticate })
  served.server.tool('who', { description: 'Says who calls.' }, (_args, ctx) => ctx.principal.subject)
  return served
}

const as = (user: string): string => `X-User: ${user}`
const inSession = (id: string): string[] => [`Mcp-Session-Id: ${id}`, `MCP-Protocol-Version: ${handshake}`]
const call = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'who', arguments: {} },
})

async function opened(port: number, user: string, headers: readonly string[] = []): Promise<string> {
  const response = await send(port, { headers: [as(user), ...headers], body: initialize() })
  expect(response.status).toBe(200)
  return response.headers.get('mcp-session-id') ?? ''
}

describe('session fixation', () => {
  it('takes no id that a client has chosen: initialize gives out a fresh one', async () => {
    const port = await listen(whoServer().server)
    const ids = new Set<string>()
    for (const given of [chosen, chosen, 'x', '', 'null', '__proto__', 'A'.repeat(4000), '../..', 'a b']) {
      const id = await opened(port, 'ada', [`Mcp-Session-Id: ${given}`])
      expect(id).not.toBe(given)
      ids.add(id)
      if (given === '') continue
      const adopted = await send(port, { headers: [as('ada'), ...inSession(given)], body: call })
      expect([given.slice(0, 20), adopted.status]).toEqual([given.slice(0, 20), 404])
    }
    expect(ids.size).toBe(9)
  })

  it('gives each opening of one client its own id, and opens a live one not again', async () => {
    const port = await listen(whoServer().server)
    const first = await opened(port, 'ada')
    expect(await opened(port, 'ada')).not.toBe(first)
    const again = await send(port, { headers: [as('ada'), `Mcp-Session-Id: ${first}`], body: initialize() })
    expect([again.status, again.headers.get('mcp-session-id')]).toEqual([400, undefined])
  })

  it('opens an id that an attacker got for himself to nobody else, by any method', async () => {
    const port = await listen(whoServer().server)
    const attackers = await opened(port, 'mallory')
    for (const line of ['POST /mcp', 'GET /mcp', 'DELETE /mcp']) {
      const victim = await send(port, { line, headers: [as('ada'), ...inSession(attackers)], body: call })
      expect([line, victim.status]).toEqual([line, 404])
    }
    // Nor does it become the victim's by opening: the victim gets another.
    expect(await opened(port, 'ada', [`Mcp-Session-Id: ${attackers}`])).not.toBe(attackers)
    const own = await send(port, { headers: [as('mallory'), ...inSession(attackers)], body: call })
    expect([own.status, own.body.includes('mallory')]).toEqual([200, true])
  })

  it('says the same of an id that is foreign, ended or made up', async () => {
    const port = await listen(whoServer().server)
    const foreign = await opened(port, 'mallory')
    const ended = await opened(port, 'ada')
    expect(
      (await send(port, { line: 'DELETE /mcp', headers: [as('ada'), ...inSession(ended)] })).status,
    ).toBe(204)
    const said = new Set<string>()
    for (const id of [foreign, ended, chosen]) {
      const { status, body } = await send(port, { headers: [as('ada'), ...inSession(id)], body: call })
      said.add(`${status} ${body}`)
    }
    expect(said.size).toBe(1)
  })

  it('takes an id from its header alone: not from the URL, a cookie, the body or a second header', async () => {
    const port = await listen(whoServer().server)
    const id = await opened(port, 'ada')
    const version = `MCP-Protocol-Version: ${handshake}`
    const inBody = JSON.stringify({ ...(JSON.parse(call) as object), sessionId: id, 'Mcp-Session-Id': id })
    for (const { line = 'POST /mcp', headers = [], body = call } of [
      { line: `POST /mcp?sessionId=${id}` },
      { line: `POST /mcp?mcp-session-id=${id}` },
      { line: `POST /mcp?Mcp-Session-Id=${id}#${id}` },
      { line: `POST /mcp;jsessionid=${id}` },
      { line: `POST /mcp/${id}` },
      { headers: [`Cookie: Mcp-Session-Id=${id}; sessionId=${id}`] },
      { headers: [`X-Session-Id: ${id}`] },
      { headers: [`Authorization: Session ${id}`] },
      { body: inBody },
    ]) {
      const { status } = await send(port, { line, headers: [as('ada'), version, ...headers], body })
      expect([line.replace(id, 'ID'), headers.length, status]).toEqual([
        line.replace(id, 'ID'),
        headers.length,
        400,
      ])
    }
    const twice = await send(port, {
      headers: [as('ada'), ...inSession(id), `Mcp-Session-Id: ${chosen}`],
      body: call,
    })
    expect(twice.status).toBe(404)
  })
})

const token = 'tok_4f1c9d0e8b7a6f5e4d3c2b1a'

/** Lets in who sends the token in Authorization, and keeps what it was shown. */
function bearerOnly(): { authenticator: Authenticator; shown: Credentials[] } {
  const shown: Credentials[] = []
  return {
    shown,
    authenticator: {
      authenticate: (credentials) => {
        shown.push(credentials)
        return credentials.header('authorization') === `Bearer ${token}`
          ? {
              ok: true,
              principal: {
                kind: 'user',
                issuer: 'https://issuer.example',
                subject: 'ada',
                permissions: new Set(),
                claims: {},
              },
            }
          : { ok: false, status: 401, message: 'Say who you are.', challenge: 'Bearer' }
      },
    },
  }
}

describe('a token in a URL', () => {
  const query = `access_token=${token}`
  const targets = [
    `/mcp?${query}`,
    `/mcp?a=1&${query}`,
    `/mcp?authorization=Bearer%20${token}`,
    `/mcp?token=${token}`,
    `/mcp#${query}`,
    `/mcp;${query}`,
  ]

  it('lets nobody in, is shown to no authenticator, and stands in no log and no answer', async () => {
    const { authenticator, shown } = bearerOnly()
    const { server, logged } = whoServer(authenticator)
    const port = await listen(server)
    const asked = stateless('tools/call', { name: 'who', arguments: {} })
    for (const target of targets) {
      for (const method of ['POST', 'GET', 'DELETE', 'PUT', 'OPTIONS']) {
        const response = await send(port, { ...asked, line: `${method} ${target}` })
        const expected = { PUT: 405, OPTIONS: 204 }[method] ?? 401
        expect([method, target, response.status]).toEqual([method, target, expected])
        expect([...response.headers.values(), response.body].join('\n')).not.toContain(token)
      }
      const web = await server.fetch(
        new Request(`http://127.0.0.1${target}`, { method: 'POST', body: asked.body }),
      )
      expect([target, web.status]).toEqual([target, 401])
    }
    expect(shown.length).toBeGreaterThan(targets.length)
    for (const credentials of shown) {
      expect(
        Object.keys(credentials).filter((key) => !['transport', 'header', 'address'].includes(key)),
      ).toEqual([])
      for (const name of ['authorization', 'cookie', 'access_token', 'url', 'path', 'referer']) {
        expect(credentials.header(name)).toBeUndefined()
      }
    }
    expect(JSON.stringify(logged)).not.toContain(token)
    const right = await send(port, {
      ...asked,
      headers: [...asked.headers, `Authorization: Bearer ${token}`],
    })
    expect([right.status, right.body.includes('ada')]).toEqual([200, true])
  })

  it('does not help a wrong token in the header, and is not needed beside a right one', async () => {
    const port = await listen(whoServer(bearerOnly().authenticator).server)
    const asked = stateless('tools/call', { name: 'who', arguments: {} })
    const line = `POST /mcp?${query}`
    const wrong = await send(port, {
      ...asked,
      line,
      headers: [...asked.headers, 'Authorization: Bearer wrong'],
    })
    expect(wrong.status).toBe(401)
    const body = JSON.stringify({ ...(JSON.parse(asked.body) as object), access_token: token })
    expect((await send(port, { ...asked, body })).status).toBe(401)
  })

  it('stands in no log when the server fails behind it', async () => {
    const { server, logged } = testServer({
      auth: {
        authenticate: () => {
          throw new Error('The identity provider is down.')
        },
      },
    })
    const port = await listen(server)
    const response = await send(port, { ...stateless('tools/list'), line: `POST /mcp?${query}` })
    expect(response.status).toBe(503)
    expect(logged).toHaveLength(1)
    expect(JSON.stringify(logged)).not.toContain(token)
    expect(response.body).not.toContain(token)
  })
})
