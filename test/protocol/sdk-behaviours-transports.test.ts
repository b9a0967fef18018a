import { request as httpRequest } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Authenticator, Principal } from 'holdfast'
import { serveStreams } from 'holdfast/node'
import { cells, connect, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { gate, open, refused, testServer, textOf } from './support.js'

// Twenty things that the official SDK 2.4.0 was measured to do, most of them not as the specification asks. Each
// test says what is right, under the number of the measurement.

const handshake = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
const stateless = ['2026-07-28'] as const

/** Knows everyone by a header, as a token would say it. */
const byHeader: Authenticator = {
  authenticate({ header }) {
    const subject = header('x-user')
    if (subject === undefined) {
      return { ok: false, status: 401, message: 'Say who you are.', challenge: 'Bearer realm="test"' }
    }
    const principal: Principal = {
      kind: 'user',
      issuer: 'https://issuer.example',
      subject,
      permissions: new Set(),
      claims: {},
    }
    return { ok: true, principal }
  },
}

function twoTools() {
  const made = testServer({ pageSize: 1 })
  made.server.tool('first', { description: 'The first one.' }, () => 'one')
  made.server.tool('second', { description: 'The second one.' }, () => 'two')
  return made.server
}

describe.each(cells({ transports: ['http'] }))('$name', (cell) => {
  it('2: an evil Origin is a 403 (HTL-21, HTL-24)', async () => {
    const client = await open(cell, twoTools())
    for (const origin of ['http://evil.example', 'null', 'http://localhost.evil.example']) {
      const refusal = await refused(client.request('tools/list', {}, { headers: { origin } }))
      expect(refusal.httpStatus).toBe(403)
    }
    expect(
      await client.request('tools/list', {}, { headers: { origin: 'http://localhost:5173' } }),
    ).toHaveProperty('tools')
  })

  it('11: Accept: text/html is a 406, and no Accept means JSON (HTL-12)', async () => {
    const client = await open(cell, twoTools())
    const refusal = await refused(client.request('tools/list', {}, { headers: { accept: 'text/html' } }))
    expect(refusal.httpStatus).toBe(406)
    for (const accept of ['*/*', 'application/json']) {
      expect(await client.request('tools/list', {}, { headers: { accept } })).toHaveProperty('tools')
    }
  })

  it('18: a missing token is a 401 with the challenge that the authenticator says, and no invented error (AUT-01)', async () => {
    const { server } = testServer({ auth: byHeader })
    server.tool('one', { description: 'One.' }, () => 'one')
    const client = await open(cell, server, { headers: { 'x-user': 'alice' } })
    expect(await client.listTools()).toHaveProperty('tools')
    const refusal = await refused(client.request('tools/list', {}, { headers: { 'x-user': undefined } }))
    expect(refusal.httpStatus).toBe(401)
    const reply = await client.post('{}', { headers: { 'x-user': undefined } })
    expect(reply?.headers.get('www-authenticate')).toBe('Bearer realm="test"')
  })
})

describe.each(cells({ transports: ['http'], revisions: handshake }))('$name', (cell) => {
  it('3: a session of alice is not there for mallory: 404 (AUT-10)', async () => {
    const { server } = testServer({ auth: byHeader })
    server.tool('who', { description: 'Says who calls.' }, (_args, ctx) => ctx.principal.subject)
    const client = await open(cell, server, { headers: { 'x-user': 'alice' } })
    expect(textOf(await client.callTool('who'))).toBe('alice')
    const theft = await refused(
      client.request('tools/call', { name: 'who' }, { headers: { 'x-user': 'mallory' } }),
    )
    expect(theft.httpStatus).toBe(404)
    expect(textOf(await client.callTool('who'))).toBe('alice')
  })
})

describe.each(cells({ transports: ['stdio'] }))('$name', (cell) => {
  it('12: a malformed line, an empty batch and id null are answered, and it goes on (RPC-03, RPC-06, STD-07)', async () => {
    const client = await open(cell, twoTools())
    expect((await client.exchange('{"jsonrpc":')).messages).toMatchObject([{ error: { code: -32700 } }])
    expect((await client.exchange('[]')).messages).toMatchObject([{ error: { code: -32600 } }])
    const nothing = await client.exchange('{"jsonrpc":"2.0","id":null,"method":"tools/list"}')
    expect(nothing.messages).toMatchObject([{ error: { code: -32600 } }])
    // No id could be read, and MCP allows no null there.
    for (const { error: _, ...rest } of nothing.messages as { error: object }[])
      expect(rest).toEqual({ jsonrpc: '2.0' })
    expect(await client.listTools()).toHaveProperty('tools')
  })

  it('13: a call in flight at the end of the input is answered within the grace time (STD-03)', async () => {
    const { server } = testServer()
    const started = gate()
    const finish = gate()
    server.tool('slow', { description: 'Waits.' }, async () => {
      started.open()
      await finish.opened
      return 'finished'
    })
    const client = await open(cell, server)
    const call = client.callTool('slow')
    await started.opened
    const closed = client.close()
    finish.open()
    expect(textOf(await call)).toBe('finished')
    await closed
  })

  it('13: the end of the input ends an idle connection at once, and a stuck call after the grace time', async () => {
    const { server } = testServer()
    server.tool('stuck', { description: 'Never ends.' }, () => new Promise(() => undefined))
    const input = new PassThrough()
    const served = serveStreams(server, { input, output: new PassThrough(), endDrainMs: 50 })
    input.end('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    expect(await served.closed).toMatchObject({ reason: 'input ended', aborted: 0 })
    const client = await open(cell, server, { timeoutMs: 3000 })
    const settled = client.callTool('stuck').catch((error: unknown) => error)
    await client.close()
    expect(await settled).toMatchObject({
      isError: true,
      _meta: { 'dev.holdfast/error': { code: 'shutting_down', retryable: true } },
    })
  })
})

describe.each(cells({ transports: ['stdio', 'memory'] }))('$name', (cell) => {
  it('14: an id in flight is refused a second time, while 1 and "1" both run (RPC-02, RPC-12)', async () => {
    const { server } = testServer()
    const finish = gate()
    let runs = 0
    server.tool('slow', { description: 'Waits.' }, async () => {
      runs += 1
      await finish.opened
      return 'finished'
    })
    const client = await open(cell, server)
    const envelope = cell.stateless
      ? {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': cell.revision,
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        }
      : {}
    const call = (id: unknown): string =>
      JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'slow', ...envelope } })
    const from = client.received.length
    await client.post(call(901))
    await client.post(call('901'))
    await client.post(call(901))
    const refusal = await client.waitFor((message) => JSON.stringify(message).includes('"error"'), from)
    expect(refusal).toMatchObject({ id: 901, error: { code: -32600 } })
    finish.open()
    const is = (id: unknown) => (message: unknown) =>
      (message as { id?: unknown; result?: unknown }).id === id &&
      JSON.stringify(message).includes('finished')
    await client.waitFor(is(901), from)
    await client.waitFor(is('901'), from)
    expect(runs).toBe(2)
    // Free again once it was answered.
    await client.post(call(901))
    await client.waitFor(is(901), client.received.length)
    expect(runs).toBe(3)
  })
})

describe.each(cells({ revisions: handshake }))('$name', (cell) => {
  it('20: initialize never settles on 2026-07-28, offers the newest for unknown versions and echoes known ones (ERA-05..07)', async () => {
    const { server } = testServer()
    for (const asked of ['2026-07-28', '1999-01-01', '2999-01-01', '']) {
      const client = await open(cell, server, { open: false })
      expect((await client.initialize(asked))['protocolVersion']).toBe('2025-11-25')
    }
    const client = await open(cell, server, { open: false })
    expect((await client.initialize(cell.revision))['protocolVersion']).toBe(cell.revision)
  })
})

describe('definitions', () => {
  it('15: a doubtful definition warns once, however often it is listed and called', async () => {
    const { server, logged } = testServer({ development: true })
    server.tool(
      'doubtful',
      {
        description: 'Reads.',
        annotations: { readOnlyHint: true, idempotentHint: false },
      },
      () => 'x',
    )
    const warnings = (): number => logged.filter(({ level }) => level === 'warn').length
    for (const transport of ['memory', 'stdio', 'http'] as const) {
      const client = await connect(server, { transport })
      await client.listTools()
      await client.callTool('doubtful')
      await client.close()
      // Advice waits until the server has nothing better to do.
      await expect.poll(warnings).toBe(1)
    }
  })
})

describe('http, 2026-07-28', () => {
  const [cell] = cells({ transports: ['http'], revisions: stateless })
  if (cell === undefined) throw new Error('There is such a cell.')

  it('19: closing the response cancels ctx.signal (HTM-25)', async () => {
    const { server } = testServer()
    const started = gate()
    const ended = gate<unknown>()
    server.tool('slow', { description: 'Waits.' }, (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => ended.open(ctx.signal.reason))
      started.open()
      return new Promise(() => undefined)
    })
    const client = await open(cell, server)
    const cancel = new AbortController()
    const call = client.callTool('slow', {}, { signal: cancel.signal })
    call.catch(() => undefined)
    await started.opened
    cancel.abort()
    expect(await ended.opened).toMatchObject({ name: 'AbortError' })
  })

  it('19: a Base64 Mcp-Name is decoded (HTM-09)', async () => {
    const { server } = testServer()
    server.tool('plain', { description: 'Plain.' }, () => 'ok')
    const client = await open(cell, server)
    const encoded = `=?base64?${Buffer.from('plain').toString('base64')}?=`
    const answered = await client.callTool('plain', {}, { headers: { 'mcp-name': encoded } })
    expect(textOf(answered)).toBe('ok')
    const wrong = `=?base64?${Buffer.from('other').toString('base64')}?=`
    expect(await refused(client.callTool('plain', {}, { headers: { 'mcp-name': wrong } }))).toMatchObject({
      code: -32020,
      httpStatus: 400,
    })
  })

  it('19: a body over the limit is a 413 (RPC-20)', async () => {
    const { server } = testServer({ http: { maxBodyBytes: 2000 } })
    server.tool('plain', { description: 'Plain.' }, () => 'ok')
    const client = await open(cell, server)
    expect((await refused(client.callTool('plain', { text: 'x'.repeat(3000) }))).httpStatus).toBe(413)
    expect(textOf(await client.callTool('plain'))).toBe('ok')
  })

  it('19: disagreeing headers are -32020 and unserved versions -32022, both with 400 (HTM-01..04, HTM-07, VER-03..05)', async () => {
    const { server } = testServer()
    server.tool('plain', { description: 'Plain.' }, () => 'ok')
    const client = await open(cell, server)
    const wrong: Record<string, string | undefined>[] = [
      { 'mcp-protocol-version': undefined },
      { 'mcp-protocol-version': '2025-11-25' },
      { 'mcp-method': undefined },
      { 'mcp-method': 'TOOLS/CALL' },
      { 'mcp-name': undefined },
      { 'mcp-name': 'other' },
    ]
    for (const headers of wrong) {
      expect(await refused(client.callTool('plain', {}, { headers }))).toMatchObject({
        code: -32020,
        httpStatus: 400,
      })
    }
    for (const version of ['2999-01-01', '2025-11-25']) {
      const refusal = await refused(
        client.request(
          'tools/list',
          {},
          {
            meta: { 'io.modelcontextprotocol/protocolVersion': version },
            headers: { 'mcp-protocol-version': version },
          },
        ),
      )
      expect(refusal).toMatchObject({ code: -32022, httpStatus: 400 })
      expect(refusal.data).toEqual({ supported: ['2026-07-28'], requested: version })
    }
  })

  it('19: progress turns the answer into an event stream that no proxy holds back (HTM-22..24)', async () => {
    const { server } = testServer()
    server.tool('work', { description: 'Works.' }, async (_args, ctx) => {
      await ctx.progress(1)
      return 'done'
    })
    const client = await open(cell, server)
    const headers = await rawHeaders(client, 'work')
    expect(headers['content-type']).toBe('text/event-stream')
    expect(headers['x-accel-buffering']).toBe('no')
  })
})

describe.each(cells({ revisions: ['2025-06-18', '2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  it('19: a structured value that is no object is wrapped where only objects may be', async () => {
    const { server } = testServer()
    const output = { type: 'array', items: { type: 'number' } } as const
    server.tool('numbers', { description: 'Numbers.', output }, () => [1, 2])
    server.tool('free', { description: 'A number without a schema.' }, () => 7)
    const client = await open(cell, server)
    const [tool] = (await client.listTools()).tools
    const numbers = await client.callTool('numbers')
    const free = await client.callTool('free')
    expect(textOf(numbers)).toBe('[1,2]')
    if (cell.stateless) {
      expect(tool?.outputSchema).toMatchObject({ type: 'array' })
      expect([numbers.structuredContent, free.structuredContent]).toEqual([[1, 2], 7])
    } else {
      expect(tool?.outputSchema).toMatchObject({
        type: 'object',
        properties: { result: { type: 'array' } },
        required: ['result'],
      })
      expect([numbers.structuredContent, free.structuredContent]).toEqual([{ result: [1, 2] }, { result: 7 }])
    }
  })
})

/** The headers of a call's answer, read before its end. */
function rawHeaders(client: TestClient, name: string): Promise<Record<string, unknown>> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': client.revision,
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 1,
  }
  return new Promise((resolve, reject) => {
    const req = httpRequest(
      client.url ?? '',
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': client.revision,
          'mcp-method': 'tools/call',
          'mcp-name': name,
        },
      },
      (res) => {
        res.resume()
        res.once('end', () => resolve(res.headers))
      },
    )
    req.once('error', reject)
    req.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, _meta: meta } }))
  })
}
