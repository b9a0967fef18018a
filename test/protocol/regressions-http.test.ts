import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cells } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listRequest, newest, oneTool } from './http-support.js'
import { envelopeOf, gate, open, refused, testServer, textOf } from './support.js'

function only(options: Parameters<typeof cells>[0]): ReturnType<typeof cells>[number] {
  const [cell] = cells(options)
  if (cell === undefined) throw new Error('There is such a cell.')
  return cell
}

function callRequest(name: string, signal: AbortSignal, meta: object = {}): Request {
  return new Request('http://127.0.0.1:3000/mcp', {
    method: 'POST',
    signal,
    headers: { ...listRequest().headers, 'mcp-method': 'tools/call', 'mcp-name': name },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, _meta: { ...(envelopeOf(newest)['_meta'] as object), ...meta } },
    }),
  })
}

describe('arguments that are JSON text', () => {
  it('do not pass by the comparison with mirrored headers', async () => {
    const { server } = testServer()
    const ran: unknown[] = []
    const input = {
      type: 'object',
      properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
    } as const
    server.tool('find', { description: 'Finds.', input }, (args) => {
      ran.push(args)
      return 'ok'
    })
    const plain = { type: 'object', properties: { region: { type: 'string' } } } as const
    server.tool('plain', { description: 'Finds.', input: plain }, () => 'ok')
    const client = await open(only({ transports: ['http'], revisions: [newest] }), server)
    const call = (name: string): Promise<{ content: object[]; isError?: boolean }> =>
      client.request('tools/call', { name, arguments: '{"region":"eu"}' })
    expect(await call('find')).toMatchObject({
      isError: true,
      _meta: { 'dev.holdfast/error': { code: 'invalid_arguments' } },
    })
    expect(ran).toEqual([])
    // Without such a header the same text is read: it is the header that makes the difference.
    expect(textOf(await call('plain'))).toBe('ok')
  })
})

describe('after close', () => {
  it.each(cells({ transports: ['memory', 'stdio'], revisions: ['2025-11-25', newest] }))(
    'a new connection is told so, and a second close is fine ($name)',
    async (cell) => {
      const server = oneTool()
      await server.close()
      const client = await open(cell, server)
      const error = await refused(client.callTool('one'))
      expect(error.message).toContain('shutting down')
      await server.close()
      await server.close({ timeoutMs: 0 })
    },
  )

  it.each([true, false])('fetch answers 503 (served before: %s)', async (isServedBefore) => {
    const server = oneTool()
    const post = (): Promise<Response> => server.fetch(callRequest('one', new AbortController().signal))
    if (isServedBefore) expect((await post()).status).toBe(200)
    await server.close()
    const refusal = await post()
    expect(refusal.status).toBe(503)
    expect(await refusal.json()).toMatchObject({
      error: { message: expect.stringContaining('shutting down') as string },
    })
    await server.close()
    expect((await post()).status).toBe(503)
  })
})

describe('fetch with a signal', () => {
  const watching = () => {
    const { server } = testServer()
    const begun = gate()
    const aborted = gate()
    const seen = { calls: 0 }
    server.tool('wait', { description: 'Waits for its signal.' }, async (_args, ctx) => {
      seen.calls += 1
      await ctx.progress(1)
      if (ctx.signal.aborted) aborted.open()
      ctx.signal.addEventListener('abort', () => aborted.open())
      begun.open()
      return new Promise<string>(() => undefined)
    })
    return { server, begun, aborted, seen }
  }
  const running = (server: ReturnType<typeof watching>['server']): number | undefined =>
    server.stats().bounded.find(({ name }) => name === 'requests in flight (HTTP)')?.size

  it('that was aborted before ends the body and leaves no call behind', async () => {
    const { server, aborted, seen } = watching()
    const response = await server.fetch(callRequest('wait', AbortSignal.abort()))
    expect(await response.text()).toBe('')
    await expect.poll(() => running(server)).toBe(0)
    if (seen.calls > 0) await aborted.opened
  })

  it.each([
    ['before anything was sent', {}],
    ['while events are sent', { progressToken: 'p' }],
  ])('that is aborted %s fires ctx.signal and ends the body', async (_when, meta) => {
    const { server, begun, aborted } = watching()
    const leaving = new AbortController()
    const responding = server.fetch(callRequest('wait', leaving.signal, meta))
    await begun.opened
    const streamed = 'progressToken' in meta ? await responding : undefined
    leaving.abort()
    await aborted.opened
    const response = streamed ?? (await responding)
    const body = await response.text()
    expect(body.includes('notifications/progress')).toBe(streamed !== undefined)
    expect(body).not.toContain('"result"')
    await expect.poll(() => running(server)).toBe(0)
  })
})

describe('a batch whose only call is cancelled (2025-03-26)', () => {
  it('ends the stream that its progress opened', async () => {
    const { server } = testServer()
    server.tool('stuck', { description: 'Never settles.' }, async (_args, ctx) => {
      await ctx.progress(1, 2)
      return new Promise<string>(() => undefined)
    })
    const client = await open(only({ transports: ['http'], revisions: ['2025-03-26'] }), server)
    const params = { name: 'stuck', _meta: { progressToken: 'p' } }
    const posted = client.exchange(
      JSON.stringify([{ jsonrpc: '2.0', id: 'only', method: 'tools/call', params }]),
    )
    const progress = { method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } }
    await client.waitFor((message) => (message as { method?: string }).method === 'notifications/progress')
    await client.notify('notifications/cancelled', { requestId: 'only' })
    const { messages, headers } = await posted
    expect(headers?.get('content-type')).toBe('text/event-stream')
    expect(messages).toHaveLength(1)
    expect(messages[0]).toMatchObject(progress)
  })
})

describe('a body that was read before', () => {
  it('into a Buffer is served', async () => {
    const server = oneTool()
    const listener = createHttpServer((req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.once('end', () => server.handler(Object.assign(req, { body: Buffer.concat(chunks) }), res))
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      listener.closeAllConnections()
      listener.close()
    })
    const { port } = listener.address() as AddressInfo
    const post = (body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST', ...listRequest(), body })
    const reply = await post(listRequest().body)
    expect(reply.status).toBe(200)
    expect(await reply.json()).toMatchObject({ result: { tools: [{ name: 'one' }] } })
    const garbage = await post(Uint8Array.of(0xff, 0xfe))
    expect([garbage.status >= 400, garbage.status < 600]).toEqual([true, true])
    expect(await garbage.json()).toHaveProperty('error')
  })
})
