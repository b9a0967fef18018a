import { once } from 'node:events'
import { createServer as createHttpServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer, type Logger, type Principal } from 'holdfast'
import { describe, expect, it, onTestFinished } from 'vitest'

/** What is put around a server by others may be faulty, and still every request is answered. */
const throwing: Logger = {
  debug: fail,
  info: fail,
  warn: fail,
  error: fail,
}

function fail(): never {
  throw new Error('This log sink is broken.')
}

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

function call(name: string): Request {
  return new Request('http://127.0.0.1:3000/mcp', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, _meta: envelope } }),
  })
}

describe('an authenticator', () => {
  it.each([
    ['throws', () => fail()],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['answers nothing', () => undefined as never],
    [
      'answers a principal that is none',
      () => ({ ok: true, principal: undefined as unknown as Principal }) as const,
    ],
  ])(
    'that %s lets nobody in and blames nobody, even when the log is broken too',
    async (_what, authenticate) => {
      const server = createServer({
        name: 'x',
        version: '1',
        logger: throwing,
        auth: { authenticate },
      })
      server.tool('t', { description: 'Says hello.' }, () => 'hello')
      const response = await server.fetch(call('t'))
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ error: { code: -32600 } })
    },
  )
})

describe('a tool error', () => {
  it('arrives with its code when its value or data cannot be sent, and shows nothing hidden', async () => {
    const server = createServer({ name: 'x', version: '1', logger: throwing })
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    server.tool('t', { description: 'Fails.' }, (_args, ctx) => {
      throw ctx.error('no_such_thing', {
        message: 'There is none.',
        field: 'id',
        value: 'a\u202eb\u001b[31m postgres://u:hunter2@db/x',
        data: { big: 5n, cycle },
      })
    })
    const { result } = (await (await server.fetch(call('t'))).json()) as { result: Record<string, unknown> }
    expect(result).toMatchObject({
      isError: true,
      _meta: { 'dev.holdfast/error': { code: 'no_such_thing' } },
    })
    expect(JSON.stringify(result)).not.toMatch(/\\u202e|\\u001b|hunter2/i)
  })
})

describe('close over HTTP', () => {
  it('waits for a body that is still arriving and answers it', async () => {
    const server = createServer({ name: 'x', version: '1', logger: throwing })
    server.tool('t', { description: 'Says hello.' }, () => 'hello')
    const listener = createHttpServer((req, res) => server.handler(req, res)).listen(0, '127.0.0.1')
    onTestFinished(() => {
      listener.close()
      listener.closeAllConnections()
    })
    await once(listener, 'listening')
    const body = await call('t').text()
    const { port } = listener.address() as AddressInfo
    const headers = { ...Object.fromEntries(call('t').headers), 'content-length': String(body.length) }
    const sent = httpRequest({ port, host: '127.0.0.1', path: '/mcp', method: 'POST', headers })
    sent.write(body.slice(0, 20))
    while (server.stats().bounded.find(({ name }) => name === 'requests in flight (HTTP)')?.size !== 1) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    const closed = server.close({ timeoutMs: 5000 })
    sent.end(body.slice(20))
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
    expect(response.statusCode).toBe(200)
    response.resume()
    await closed
  })
})
