import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type HttpPoolOptions, httpPool } from 'holdfast/services'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { DefinitionError } from '../../src/errors/definition-error.js'
import { ToolError } from '../../src/errors/tool-error.js'
import { started, testCall } from './service-world.js'

interface Backend {
  readonly origin: string
  readonly host: string
  /** Connections and requests now, and the most connections there ever were. */
  readonly now: { sockets: number; requests: number; most: number }
  readonly asked: string[]
  /** Lets requests of `/slow` be answered. */
  letGo(): void
}

async function backend(answer?: (req: IncomingMessage, res: ServerResponse) => boolean): Promise<Backend> {
  const now = { sockets: 0, requests: 0, most: 0 }
  const held = new Set<ServerResponse>()
  const asked: string[] = []
  const server = createServer((req, res) => {
    now.requests += 1
    asked.push(`${req.method} ${req.url} ${req.headers['x-key'] ?? ''}`)
    res.once('close', () => {
      now.requests -= 1
      held.delete(res)
    })
    if (answer?.(req, res)) return
    if (req.url === '/slow') held.add(res)
    else res.end(JSON.stringify({ path: req.url }))
  })
  server.on('connection', (socket) => {
    now.sockets += 1
    now.most = Math.max(now.most, now.sockets)
    socket.once('close', () => (now.sockets -= 1))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin: `http://${host}`,
    host,
    now,
    asked,
    letGo() {
      for (const res of held) res.end('late')
    },
  }
}

const world = async (to: Backend, more: Partial<HttpPoolOptions> = {}) =>
  started(httpPool({ name: 'shop', origins: [to.origin], allow: [to.host], ...more }))
const codeOf = (error: unknown): string =>
  ToolError.is(error) ? error.code : error instanceof Error ? error.message : String(error)
const outcome = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'ok', codeOf)

describe('httpPool()', () => {
  it('serves a hundred calls on four connections, with its headers, and leaves no socket when it stops', async () => {
    const shop = await backend()
    const http = await world(shop, { connections: 4, maxWaiting: 100, headers: { 'x-key': 'k1' } })
    const paths = Array.from({ length: 100 }, (_, at) => `/orders/${at}`)
    const answers = await Promise.all(
      paths.map(async (path, at) => {
        // Half of them have a key of their own.
        const init = at % 2 === 0 ? {} : { headers: { 'X-Key': 'mine' } }
        const response = await http.as(testCall()).fetch(path, init)
        return ((await response.json()) as { path: string }).path
      }),
    )
    expect(answers).toEqual(paths)
    expect(shop.now.most).toBeLessThanOrEqual(4)
    expect(shop.asked).toContain('GET /orders/2 k1')
    expect(shop.asked).toContain('GET /orders/3 mine')
    expect(http.stats().map(({ name, limit }) => [name, limit])).toEqual([
      ['resources (shop)', 4],
      ['waiting callers (shop)', 100],
    ])
    await http.stop()
    await expect.poll(() => shop.now.sockets).toBe(0)
    expect(await outcome(http.as(testCall()).fetch('/'))).toBe('shutting_down')
  })

  it('answers in time when it is exhausted, and counts a body that is not read as in use', async () => {
    const shop = await backend()
    const http = await world(shop, { connections: 2, maxWaiting: 1, acquireTimeout: 100 })
    const call = testCall()
    const unread = await http.as(call).fetch('/unread')
    const slow = http.as(testCall()).fetch('/slow')
    await expect.poll(() => shop.asked).toContain('GET /slow ')
    const errors = await Promise.all(
      [1, 2, 3].map(() =>
        http
          .as(testCall())
          .fetch('/')
          .catch((error: unknown) => error as ToolError),
      ),
    )
    for (const error of errors as ToolError[]) {
      expect(error).toMatchObject({ code: 'pool_exhausted', details: { data: { pool: 'shop', inUse: 2 } } })
    }
    expect(http.degraded()).toMatch(/"shop" is exhausted/)
    expect(await unread.json()).toEqual({ path: '/unread' })
    expect(
      await outcome(
        http
          .as(testCall())
          .fetch('/')
          .then((response) => response.text()),
      ),
    ).toBe('ok')
    await expect.poll(() => shop.now.requests).toBe(1)
    shop.letGo()
    expect(await (await slow).text()).toBe('late')
    expect(http.as(call).usage()).toMatchObject([{ inUse: 0, timeouts: 1, refused: 2 }])
  })

  it('closes the request of a call that ends, in the head and in the body, and serves the next', async () => {
    const shop = await backend((req, res) => {
      if (req.url === '/endless') res.write('a part of it')
      return req.url === '/endless'
    })
    const http = await world(shop, { connections: 1 })
    for (const path of ['/slow', '/endless']) {
      const call = testCall()
      const reading = outcome(
        http
          .as(call)
          .fetch(path)
          .then((response) => response.text()),
      )
      await expect.poll(() => shop.now.requests).toBe(1)
      call.end()
      expect(await reading).toBe('cancelled')
      await expect.poll(() => shop.now.requests).toBe(0)
    }
    // Not even its body was looked at.
    const lazy = testCall({ within: 100 })
    await http.as(lazy).fetch('/endless')
    const next = await http.as(testCall()).fetch('/next')
    expect(await next.json()).toEqual({ path: '/next' })
    expect(await outcome(http.as(testCall({ within: 100 })).fetch('/slow'))).toBe('deadline')
  })

  it('connects to its origins only: no other URL, no redirect, no other scheme or port', async () => {
    const other = await backend()
    const shop = await backend((req, res) => {
      const to = { '/away': `${other.origin}/stolen`, '/here': '/there' }[req.url ?? '']
      if (to !== undefined) res.writeHead(302, { location: to }).end()
      return to !== undefined
    })
    const http = await world(shop, { allow: [shop.host, other.host] })
    const client = http.as(testCall())
    expect(await (await client.fetch('/here')).json()).toEqual({ path: '/there' })
    for (const url of [
      '/away',
      `${other.origin}/`,
      `//${other.host}/`,
      shop.origin.replace('http:', 'https:'),
      'http://[',
      `http://me:secret@${shop.host}/`,
      'file:///etc/passwd',
    ]) {
      expect([url, await outcome(client.fetch(url))]).toEqual([url, 'url_not_allowed'])
    }
    expect(other.asked).toEqual([])
    // A listed origin is no leave to connect to a private address.
    const closed = await world(shop, { allow: [] })
    expect(await outcome(closed.as(testCall()).fetch('/'))).toBe('url_not_allowed')
    expect(client.usage()[0]?.inUse).toBe(0)
  })

  it('counts requests by their shape, so that a call that asks for one of many over and over is noticed', async () => {
    const shop = await backend()
    const http = await world(shop)
    const call = testCall()
    for (const path of [
      '/orders/17/lines',
      '/orders/18/lines?page=2&size=5',
      '/orders?size=5&page=1',
      '/about',
    ]) {
      await (await http.as(call).fetch(path)).text()
    }
    await (await http.as(call).fetch('/orders', { method: 'POST', body: '{}' })).text()
    expect(call.noted).toEqual([
      `GET ${shop.origin}/orders/*/lines`,
      `GET ${shop.origin}/orders/*/lines?page&size`,
      `GET ${shop.origin}/orders?page&size`,
      `GET ${shop.origin}/about`,
      `POST ${shop.origin}/orders`,
    ])
  })

  it('has back its place from a request that is none, at once', async () => {
    const shop = await backend()
    const http = await world(shop, { connections: 1, acquireTimeout: 100 })
    const client = http.as(testCall())
    for (const init of [
      { headers: { 'x-name': 'a\nb' } },
      { signal: 'none' as never },
      { method: 'NO WAY' },
    ]) {
      await expect(client.fetch('/', init)).rejects.toThrow(TypeError)
      expect(client.usage()[0]?.inUse).toBe(0)
    }
    expect(await (await client.fetch('/next')).json()).toEqual({ path: '/next' })
  })

  it('has back everything from calls that end without a look at the body', async () => {
    const shop = await backend((req, res) => {
      if (req.url === '/endless') res.write('a part of it')
      return req.url === '/endless'
    })
    const http = await world(shop, { connections: 1 })
    for (let round = 0; round < 5; round += 1) {
      const call = testCall()
      await http.as(call).fetch('/endless')
      call.end()
    }
    expect(await (await http.as(testCall()).fetch('/next')).json()).toEqual({ path: '/next' })
    await expect.poll(() => shop.now.requests).toBe(0)
  })

  it('takes no credentials along to another of its origins, and is free after an answer without a body', async () => {
    const seen: string[] = []
    const second = await backend((req, res) => {
      seen.push(`${req.headers.authorization} ${req.headers['x-api-key']} ${req.headers.accept}`)
      res.writeHead(204).end()
      return true
    })
    const first = await backend((req, res) => {
      if (req.url === '/on') res.writeHead(307, { location: `${second.origin}/` }).end()
      return req.url === '/on'
    })
    const http = await world(first, {
      origins: [first.origin, second.origin],
      allow: [first.host, second.host],
      headers: { authorization: 'Bearer first', 'x-api-key': 'k', accept: 'text/plain' },
      connections: 1,
    })
    const client = http.as(testCall())
    expect((await client.fetch('/on')).status).toBe(204)
    expect(seen).toEqual(['undefined undefined text/plain'])
    expect((await client.fetch('/', { method: 'HEAD' })).status).toBe(200)
    expect(client.usage().map(({ inUse }) => inUse)).toEqual([0, 0])
  })

  it('keeps nothing of what is over: no signal that outlives a fetch has others that depend on it', async () => {
    const shop = await backend()
    const http = await world(shop)
    const combined = vi.spyOn(AbortSignal, 'any')
    onTestFinished(() => combined.mockRestore())
    for (let round = 0; round < 3; round += 1) await (await http.as(testCall()).fetch('/')).text()
    const sources = combined.mock.calls.flatMap(([signals]) => [...signals])
    expect(sources.length).toBeGreaterThanOrEqual(6)
    expect(new Set(sources).size).toBe(sources.length)
  })

  it('has back its place when an upload breaks off, and reads no more of it', async () => {
    const shop = await backend((req, res) => {
      req.resume().on('error', () => undefined)
      if (req.url === '/refuses') res.writeHead(413).end('too large')
      return req.method === 'POST'
    })
    const http = await world(shop, { connections: 1 })
    let isOver = false
    const endless = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setImmediate(resolve))
          controller.enqueue(new Uint8Array(1024))
        },
        cancel() {
          isOver = true
        },
      })
    const call = testCall()
    const uploading = outcome(http.as(call).fetch('/', { method: 'POST', body: endless() }))
    await expect.poll(() => shop.now.requests).toBe(1)
    call.end()
    expect(await uploading).toBe('cancelled')
    await expect.poll(() => isOver).toBe(true)
    const broken = new ReadableStream({ pull: () => Promise.reject(new Error('no more')) })
    expect(await outcome(http.as(testCall()).fetch('/', { method: 'POST', body: broken }))).toBe(
      'fetch_failed',
    )
    expect(await (await http.as(testCall()).fetch('/next')).json()).toEqual({ path: '/next' })
    await expect.poll(() => shop.now.requests).toBe(0)
  })

  it('bounds what it reads, and what it waits for', async () => {
    const shop = await backend((req, res) => {
      if (req.url === '/large') res.end('x'.repeat(5000))
      return req.url === '/large'
    })
    const http = await world(shop, { maxBytes: 1000, timeout: 100, connections: 1 })
    const client = http.as(testCall())
    expect(await outcome(client.fetch('/large'))).toBe('response_too_large')
    expect(await outcome(client.fetch('/slow'))).toBe('fetch_timed_out')
    expect(client.usage()[0]?.inUse).toBe(0)
  })

  it.each([
    [{ origins: [] }, '"origins" of httpPool() must be a list'],
    [{ origins: ['https://api.example.com/v1'] }, '"origins"'],
    [{ origins: ['ftp://api.example.com'] }, '"origins"'],
    [{ origins: ['https://a.example'], connections: 0 }, '"max" must be a whole number'],
    [{ origins: ['https://a.example'], timeout: '0s' as const }, '"timeout" of httpPool()'],
    [{ origins: ['https://a.example'], maxBytes: -1 }, '"maxBytes"'],
    [{ origins: ['https://a.example'], allow: ['0.0.0.0/0'] }, '"allow" opens too much'],
    [
      { origins: ['https://a.example'], headers: { authorization: 'secret\n' + 'x' } },
      '"headers" of httpPool()',
    ],
  ])('refuses %j', (options, sentence) => {
    expect(() => httpPool(options)).toThrow(sentence)
    expect(() => httpPool(options)).toThrow(DefinitionError)
    expect(() => httpPool(options)).toThrow(/^((?!secret).)*$/)
  })
})
