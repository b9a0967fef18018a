import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { expectRefusal, listRequest, newest, oneTool, raw, speak } from './http-support.js'
import { envelopeOf, gate, open, refused, testServer, textOf } from './support.js'

describe.each(cells({ transports: ['http'] }))('$name', (cell) => {
  const { stateless } = cell

  it('takes application/json only: 415 (HTL-13)', async () => {
    const client = await open(cell, oneTool())
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=latin1',
      'json',
      undefined,
    ]) {
      const headers = type === undefined ? { 'content-type': '' } : { 'content-type': type }
      expect((await refused(client.request('tools/list', {}, { headers }))).httpStatus).toBe(415)
    }
    for (const type of ['application/json; charset=utf-8', 'Application/JSON']) {
      expect(await client.request('tools/list', {}, { headers: { 'content-type': type } })).toHaveProperty(
        'tools',
      )
    }
  })

  it('answers as Accept asks: JSON, a stream, or 406 (HTL-02, HTL-12, HTL-14)', async () => {
    const client = await open(cell, oneTool())
    const typeFor = async (accept: string | undefined): Promise<string | null | undefined> => {
      const reply = await client.exchange(
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: envelopeOf(cell.revision) }),
        { headers: { accept } },
      )
      expect(reply.messages, accept).toHaveLength(1)
      return reply.status === 200 ? reply.headers?.get('content-type') : String(reply.status)
    }
    expect(await typeFor('application/json, text/event-stream')).toBe('application/json')
    expect(await typeFor('application/json')).toBe('application/json')
    expect(await typeFor('*/*')).toBe('application/json')
    expect(await typeFor('text/event-stream')).toBe('text/event-stream')
    expect(await typeFor('text/event-stream;q=1, application/json;q=0')).toBe('text/event-stream')
    expect(await typeFor('text/html')).toBe('406')
    expect(await typeFor('image/*;q=0.5')).toBe('406')
  })

  it('answers in one body where the client takes no stream, without the notifications', async () => {
    const { server } = testServer()
    server.tool('work', { description: 'Works.' }, async (_args, ctx) => {
      await ctx.progress(1)
      return 'done'
    })
    const client = await open(cell, server)
    const answered = await client.callTool(
      'work',
      {},
      { meta: { progressToken: 1 }, headers: { accept: 'application/json' } },
    )
    expect(textOf(answered)).toBe('done')
    expect(client.notifications).toEqual([])
  })

  it('takes other methods for nothing: 405 with Allow (HTL-26)', async () => {
    const client = await open(cell, oneTool())
    for (const method of ['PUT', 'PATCH']) {
      const reply = await raw(client.url ?? '', { method, headers: { accept: 'text/event-stream' } })
      expectRefusal(reply, 405)
      expect(reply.headers.allow).toContain('POST')
    }
    expect((await raw(client.url ?? '', { method: 'HEAD' })).status).toBe(405)
  })

  it('takes GET and DELETE only where there are sessions (HTL-01, HTM-17)', async () => {
    const client = await open(cell, oneTool({ revisions: [cell.revision] }))
    const headers = { accept: 'text/event-stream' }
    for (const method of ['GET', 'DELETE']) {
      const reply = await raw(client.url ?? '', { method, headers })
      // In a session a request without its id is told so.
      expectRefusal(reply, stateless ? 405 : 400)
      if (stateless) expect(reply.headers.allow).toBe('POST, OPTIONS')
    }
    const all = await open(cell, oneTool())
    const version = { ...headers, 'mcp-protocol-version': newest }
    expectRefusal(await raw(all.url ?? '', { method: 'GET', headers: version }), 405)
    expectRefusal(await raw(all.url ?? '', { method: 'GET', headers: { accept: 'application/json' } }), 406)
  })

  it('serves loopback under its own names only (HTL-21..24, SEC-01)', async () => {
    const client = await open(cell, oneTool())
    const url = client.url ?? ''
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
      'evil.example:80',
      '0.0.0.0',
    ]) {
      const { headers, body } = listRequest()
      expectRefusal(await raw(url, { headers: { ...headers, host }, body }), 403)
    }
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost.evil.com',
      'http://127.0.0.1.nip.io',
      'file://',
      'x',
    ]) {
      for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS']) {
        const { headers, body } = listRequest()
        const reply = await raw(url, {
          method,
          headers: { ...headers, origin },
          ...(method === 'POST' && { body }),
        })
        expect([origin, method, reply.status]).toEqual([origin, method, 403])
        expect(reply.headers['access-control-allow-origin']).toBeUndefined()
      }
    }
    for (const host of ['localhost', '127.0.0.1:9999', '[::1]:1']) {
      const { headers, body } = listRequest()
      expect((await raw(url, { headers: { ...headers, host }, body })).status).toBe(200)
    }
  })

  it('lets named origins in by CORS, with a preflight and the headers a page needs (HTL-27)', async () => {
    const client = await open(cell, oneTool({ http: { allowedOrigins: ['https://app.example.com'] } }))
    const origin = 'https://app.example.com'
    const preflight = await raw(client.url ?? '', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, mcp-session-id, mcp-param-region, x-other',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-origin']).toBe(origin)
    const allowed = String(preflight.headers['access-control-allow-headers'])
    for (const name of [
      'authorization',
      'mcp-protocol-version',
      'mcp-session-id',
      'mcp-method',
      'mcp-name',
      'mcp-param-region',
    ]) {
      expect(allowed).toContain(name)
    }
    expect(allowed).not.toContain('x-other')
    expect(preflight.headers['access-control-allow-credentials']).toBeUndefined()
    const { headers, body } = listRequest()
    for (const [sent, status] of [
      [body, 200],
      ['{', 400],
    ] as const) {
      const reply = await raw(client.url ?? '', { headers: { ...headers, origin }, body: sent })
      expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([status, origin])
      expect(reply.headers['access-control-expose-headers']).toContain('Mcp-Session-Id')
      expect(reply.headers.vary).toContain('Origin')
    }
  })

  it('refuses a body over the limit while it comes, and one that lies about its length (RPC-20, SEC-10)', async () => {
    const client = await open(cell, oneTool({ http: { maxBodyBytes: 1000 } }))
    const { headers } = listRequest()
    expectRefusal(await raw(client.url ?? '', { headers, body: 'x'.repeat(1001) }), 413)
    const { port } = new URL(client.url ?? '')
    const refusedEarly = await speak(Number(port), [
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      `7d0\r\n${'y'.repeat(2000)}\r\n`,
    ])
    expect(refusedEarly).toContain(' 413 ')
    expectRefusal(
      await raw(client.url ?? '', { headers: { ...headers, 'content-encoding': 'gzip' }, body: '{}' }),
      415,
    )
    expect(await client.listTools()).toHaveProperty('tools')
  })

  it('gives a slow body up: 408 (SEC-09)', async () => {
    const client = await open(cell, oneTool({ http: { bodyTimeout: 60 } }))
    const { port } = new URL(client.url ?? '')
    const answer = await speak(Number(port), [
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"json',
    ])
    expect(answer).toContain(' 408 ')
    expect(answer).toContain('"jsonrpc":"2.0"')
    expect(await client.listTools()).toHaveProperty('tools')
  })

  it('answers the rest of the requests while one waits, and refuses beyond its limit with 503', async () => {
    const { server } = testServer({ http: { maxRequests: 2 } })
    const finish = gate()
    let running = 0
    server.tool('wait', { description: 'Waits.' }, async () => {
      running += 1
      await finish.opened
      return 'ok'
    })
    const client = await open(cell, server)
    const calls = [client.callTool('wait'), client.callTool('wait')]
    await expect.poll(() => running).toBe(2)
    const refusal = await refused(client.callTool('wait'))
    expect(refusal.httpStatus).toBe(503)
    finish.open()
    expect((await Promise.all(calls)).map(textOf)).toEqual(['ok', 'ok'])
    expect(server.stats().counters.refusedHttpRequests).toBeGreaterThan(0)
  })

  it(
    stateless
      ? 'ignores a session id and gives none (HTM-18), and takes Last-Event-ID for nothing (HTM-19)'
      : 'a lost stream does not cancel the call (HTL-20)',
    async () => {
      const { server } = testServer()
      const ended = gate<string>()
      const started = gate()
      const finish = gate()
      server.tool('slow', { description: 'Slow.' }, async (_args, ctx) => {
        ctx.signal.addEventListener('abort', () => ended.open('cancelled'))
        started.open()
        await finish.opened
        ended.open('finished')
        return 'done'
      })
      const client = await open(cell, server)
      if (stateless) {
        const reply = await client.exchange(
          JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: envelopeOf(cell.revision) }),
          { headers: { 'mcp-session-id': 'made-up', 'last-event-id': '7' } },
        )
        expect(reply.status).toBe(200)
        expect(reply.headers?.get('mcp-session-id')).toBeNull()
        return
      }
      const leaving = new AbortController()
      const posted = client.post(
        JSON.stringify({ jsonrpc: '2.0', id: 's', method: 'tools/call', params: { name: 'slow' } }),
        { signal: leaving.signal },
      )
      posted.catch(() => undefined)
      await started.opened
      leaving.abort()
      await posted.catch(() => undefined)
      // Another request on the wire behind it: by now the server has heard of the lost one.
      await client.listTools()
      finish.open()
      expect(await ended.opened).toBe('finished')
    },
  )
})

describe.each(cells({ transports: ['http'], revisions: ['2025-06-18', '2025-11-25'] }))('$name', (cell) => {
  it('refuses a version header that is not served, and takes none for the negotiated version (HTL-10, HTL-11)', async () => {
    const client = await open(cell, oneTool())
    for (const version of ['1999-01-01', 'x']) {
      const refusal = await refused(
        client.request('tools/list', {}, { headers: { 'mcp-protocol-version': version } }),
      )
      expect(refusal.httpStatus).toBe(400)
    }
    const headers = { 'mcp-protocol-version': undefined }
    expect(await client.request('tools/list', {}, { headers })).toHaveProperty('tools')
  })
})

describe('mirrored params (http, 2026-07-28)', () => {
  const [cell] = cells({ transports: ['http'], revisions: [newest] })
  if (cell === undefined) throw new Error('There is such a cell.')

  it('are compared with the arguments: -32020 with 400 (HTM-11..15)', async () => {
    const { server } = testServer()
    const input = {
      type: 'object',
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        count: { type: 'integer', 'x-mcp-header': 'Count' },
      },
    } as const
    server.tool('find', { description: 'Finds.', input }, () => 'ok')
    const client = await open(cell, server)
    const call = (args: Record<string, unknown>, headers: Record<string, string>): Promise<unknown> =>
      client.callTool('find', args, { headers })
    const fits: [Record<string, unknown>, Record<string, string>][] = [
      [{ region: 'eu' }, { 'mcp-param-region': 'eu' }],
      [
        { region: 'eu', count: 42 },
        { 'mcp-param-region': 'eu', 'mcp-param-count': '42.0' },
      ],
      [
        { region: 'zürich' },
        { 'mcp-param-region': `=?base64?${Buffer.from('zürich').toString('base64')}?=` },
      ],
      [{}, {}],
      [{}, { 'mcp-param-foo': 'x' }],
    ]
    for (const [args, headers] of fits) expect(await call(args, headers)).toHaveProperty('content')
    const wrong: [Record<string, unknown>, Record<string, string>][] = [
      [{ region: 'eu' }, {}],
      [{ region: 'eu' }, { 'mcp-param-region': 'us' }],
      [
        { region: 'eu', count: 42 },
        { 'mcp-param-region': 'eu', 'mcp-param-count': '43' },
      ],
      [{}, { 'mcp-param-region': 'eu' }],
      [{ region: 'eu' }, { 'mcp-param-region': '=?base64?%%%?=' }],
    ]
    for (const [args, headers] of wrong) {
      expect(await refused(call(args, headers))).toMatchObject({ code: -32020, httpStatus: 400 })
    }
  })
})
