import { createServer as createHttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { serve } from 'holdfast/node'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { expectRefusal, listRequest, newest, oneTool, raw } from './http-support.js'
import { envelopeOf, testServer } from './support.js'

/** The part of Express that is used here; it brings no types of its own. */
interface Express {
  (): RequestListener & { all(path: string, ...handlers: RequestListener[]): void }
  json(): RequestListener
}

async function loadExpress(): Promise<Express> {
  const { default: express } = (await import('express' as string)) as { default: Express }
  return express
}

describe('mounts', () => {
  const list = async (url: string): Promise<unknown> => {
    const reply = await fetch(url, { method: 'POST', ...listRequest() })
    return [
      reply.status,
      ((await reply.json()) as { result?: { tools: { name: string }[] } }).result?.tools[0]?.name,
    ]
  }
  const listen = async (listener: ReturnType<typeof createHttpServer>): Promise<string> => {
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      listener.closeAllConnections()
      listener.close()
    })
    return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  }

  it('in Express, alone and behind its body parser', async () => {
    const server = oneTool()
    const express = await loadExpress()
    const app = express()
    app.all('/mcp', server.handler)
    app.all('/parsed', express.json(), server.handler)
    const url = await listen(createHttpServer(app))
    expect(await list(`${url}/mcp`)).toEqual([200, 'one'])
    expect(await list(`${url}/parsed`)).toEqual([200, 'one'])
    expectRefusal(await raw(`${url}/mcp`, { method: 'PUT' }), 405)
  })

  it('in Fastify', async () => {
    const server = oneTool()
    const app = fastify()
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.all('/mcp', (request, reply) => {
      void reply.hijack()
      server.handler(request.raw, reply.raw)
    })
    onTestFinished(() => app.close())
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    expect(await list(`${url}/mcp`)).toEqual([200, 'one'])
    expectRefusal(await raw(`${url}/mcp`, { headers: { 'content-type': 'text/plain' }, body: '{}' }), 415)
  })

  it('in Hono, by server.fetch, with the same answers and refusals', async () => {
    const { server } = testServer({ http: { maxBodyBytes: 1000 } })
    server.tool('work', { description: 'Works.' }, async (_args, ctx) => {
      await ctx.progress(1)
      return 'done'
    })
    const app = new Hono()
    app.all('/mcp', (context) => server.fetch(context.req.raw))
    const send = (init: RequestInit): Promise<Response> =>
      Promise.resolve(app.fetch(new Request('http://localhost/mcp', init)))

    const listed = await send({ method: 'POST', ...listRequest() })
    expect([listed.status, listed.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await listed.json()).toMatchObject({ result: { tools: [{ name: 'work' }] } })

    const meta = { ...(envelopeOf(newest)['_meta'] as object), progressToken: 'p' }
    const streamed = await send({
      method: 'POST',
      headers: { ...listRequest().headers, 'mcp-method': 'tools/call', 'mcp-name': 'work' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'work', _meta: meta },
      }),
    })
    expect(streamed.headers.get('content-type')).toBe('text/event-stream')
    const events = (await streamed.text()).split('\n\n').filter((event) => event !== '')
    expect(events).toHaveLength(2)
    expect(events[1]).toContain('"result"')

    const statuses: [RequestInit, number][] = [
      [{ method: 'PUT' }, 405],
      [{ method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' }, 415],
      [{ method: 'POST', headers: { ...listRequest().headers, accept: 'text/html' }, body: '{}' }, 406],
      [
        { method: 'POST', headers: { ...listRequest().headers, origin: 'https://evil.example' }, body: '{}' },
        403,
      ],
      [{ method: 'POST', headers: listRequest().headers, body: 'x'.repeat(1001) }, 413],
      [{ method: 'POST', headers: listRequest().headers, body: '{' }, 400],
      [{ method: 'DELETE' }, 400],
    ]
    for (const [init, status] of statuses) {
      const reply = await send(init)
      expectRefusal(
        { status: reply.status, headers: Object.fromEntries(reply.headers), text: await reply.text() },
        status,
      )
    }
  })

  it('by serve: the endpoint at its path, and a JSON-RPC 404 elsewhere', async () => {
    const server = oneTool({ http: { path: '/tools' } })
    const served = await serve(server, { transport: 'http', port: 0 })
    onTestFinished(() => served.close())
    expect(served.url).toBe(`http://127.0.0.1:${served.port}/tools`)
    expect(await list(served.url)).toEqual([200, 'one'])
    expect(await list(`${served.url}?x=1`)).toEqual([200, 'one'])
    expectRefusal(await raw(served.url.replace('/tools', '/mcp')), 404)
    await expect(serve(oneTool(), { transport: 'http', port: served.port })).rejects.toThrow(
      `Port ${served.port}`,
    )
  })

  it('does not start on an open address that names no host', async () => {
    await expect(
      serve(oneTool({ http: { host: '0.0.0.0' } }), { transport: 'http', port: 0 }),
    ).rejects.toThrow('allowedHosts')
  })
})
