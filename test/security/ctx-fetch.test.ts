import { createServer } from 'holdfast'
import { cells } from 'holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { keepingLogger, open, testServer } from '../protocol/support.js'
import { type Origin, serveOrigin } from './fetch-world.js'

let origin: Origin
let answered: Promise<void>
beforeEach(async () => {
  let left: () => void
  answered = new Promise((resolve) => {
    left = resolve
  })
  origin = await serveOrigin((req, res) => {
    if (req.url === '/never') res.on('close', () => left())
    else if (req.url === '/inside') res.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    else res.end('the page')
  })
})
afterEach(() => origin.close())

const options = { description: 'Reads a page.', input: z.object({ url: z.string().describe('Where') }) }

describe.each(cells())('ctx.fetch, $name', (cell) => {
  it('refuses what a model must not reach, and the model reads why', async () => {
    const { server } = testServer()
    server.tool('read', options, async ({ url }, ctx) => (await ctx.fetch(url)).text())
    const client = await open(cell, server)
    const result = await client.callTool('read', { url: `${origin.url}/` })
    expect(result.isError).toBe(true)
    expect(result.content).toEqual([
      {
        type: 'text',
        text: '"127.0.0.1" cannot be fetched from: it is a loopback address. Only addresses of the public internet are fetched from.',
      },
    ])
    expect(result._meta).toMatchObject({
      'dev.holdfast/error': { code: 'url_not_allowed', retryable: false },
    })
    expect(origin.requests()).toBe(0)
  })

  it('reaches what the server allows, and no redirect leads out of that', async () => {
    const { server } = testServer({ fetch: { allow: [`127.0.0.1:${origin.port}`] } })
    server.tool('read', options, async ({ url }, ctx) => (await ctx.fetch(url)).text())
    const client = await open(cell, server)
    const result = await client.callTool('read', { url: `${origin.url}/` })
    expect(result.content).toEqual([{ type: 'text', text: 'the page' }])
    const inside = await client.callTool('read', { url: `${origin.url}/inside` })
    expect(inside._meta).toMatchObject({ 'dev.holdfast/error': { code: 'url_not_allowed' } })
    expect(server.stats().bounded.find(({ name }) => name === 'fetches')).toEqual({
      name: 'fetches',
      size: 0,
      limit: 100,
      unit: 'entries',
      dropped: 0,
    })
  })

  it('ends with the call', async () => {
    const { server } = testServer({ fetch: { allow: [`127.0.0.1:${origin.port}`] } })
    server.tool('read', { ...options, timeout: 200 }, async ({ url }, ctx) => (await ctx.fetch(url)).text())
    const client = await open(cell, server)
    const result = await client.callTool('read', { url: `${origin.url}/never` })
    expect(result._meta).toMatchObject({ 'dev.holdfast/error': { code: 'timed_out' } })
    await answered
  })
})

describe('the server', () => {
  it('ends its fetches when it closes', async () => {
    const logger = keepingLogger()
    const server = createServer({
      name: 'test',
      version: '1.0.0',
      logger,
      fetch: { allow: [`127.0.0.1:${origin.port}`] },
    })
    server.tool('read', options, async ({ url }, ctx) => (await ctx.fetch(url)).text())
    const sent: unknown[] = []
    const connection = server.connect({ transport: 'memory', send: (message) => void sent.push(message) })
    connection.receive(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: 'read',
          arguments: { url: `${origin.url}/never` },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    )
    await expect.poll(origin.requests).toBe(1)
    await server.close({ timeoutMs: 10 })
    await answered
  })
})
