import { Buffer } from 'node:buffer'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Origin, serveOrigin, serveProxy } from '../../../test/security/fetch-world.js'
import type { SafeFetchOptions } from './options.js'
import { createSafeFetch, type SafeFetch } from './safe-fetch.js'

type Handler = Parameters<typeof serveOrigin>[0]

let handle: Handler
let origin: Origin
let safeFetch: SafeFetch | undefined
beforeEach(async () => {
  origin = await serveOrigin((req, res) => handle(req, res))
})
afterEach(async () => {
  await safeFetch?.close()
  await origin.close()
})

function fetching(options: SafeFetchOptions, handler: Handler): SafeFetch {
  handle = handler
  safeFetch = createSafeFetch({ allow: [`127.0.0.1:${origin.port}`], ...options })
  return safeFetch
}

describe('a response', () => {
  it('is what fetch gives: status, headers, body, url', async () => {
    const fetch = fetching({}, (req, res) => {
      if (req.url === '/old') res.writeHead(301, { location: '/new?x=1' }).end()
      else res.writeHead(201, 'Made', { 'set-cookie': ['a=1', 'b=2'] }).end(JSON.stringify({ ok: true }))
    })
    const response = await fetch(new URL(`${origin.url}/old#part`))
    expect(response).toBeInstanceOf(Response)
    expect([response.status, response.statusText, response.ok, response.redirected, response.url]).toEqual([
      201,
      'Made',
      true,
      true,
      `${origin.url}/new?x=1`,
    ])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.json()).toEqual({ ok: true })
  })

  it.each([204, 304])('without a body has none: %d', async (status) => {
    const fetch = fetching({}, (_req, res) => res.writeHead(status).end())
    const response = await fetch(origin.url)
    expect([response.status, response.body, await response.text()]).toEqual([status, null, ''])
    expect(fetch.stats().size).toBe(0)
  })

  it('to HEAD has a length and no body, however large', async () => {
    const fetch = fetching({ maxBytes: 10 }, (_req, res) =>
      res.writeHead(200, { 'content-length': '99999' }).end(),
    )
    const response = await fetch(origin.url, { method: 'HEAD' })
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['99999', ''])
  })

  it('that is compressed is unpacked', async () => {
    const fetch = fetching({}, (_req, res) =>
      res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('a text')),
    )
    expect(await (await fetch(origin.url)).text()).toBe('a text')
  })

  it('that is let go frees its place', async () => {
    const fetch = fetching({}, (_req, res) => res.end('x'.repeat(100_000)))
    const response = await fetch(origin.url)
    expect(fetch.stats().size).toBe(1)
    await response.body?.cancel()
    expect(fetch.stats().size).toBe(0)
  })
})

describe('a request', () => {
  it.each<[string, () => RequestInit, string]>([
    ['a text', () => ({ body: 'text' }), 'text'],
    ['a form', () => ({ body: new URLSearchParams({ a: '1' }) }), 'a=1'],
    ['bytes', () => ({ body: new TextEncoder().encode('bytes') }), 'bytes'],
    ['a blob', () => ({ body: new Blob(['blob']) }), 'blob'],
    ['a stream', () => ({ body: new Blob(['stream']).stream(), duplex: 'half' }) as RequestInit, 'stream'],
  ])('carries %s', async (_, init, expected) => {
    const fetch = fetching({}, async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      res.end(`${req.method} ${req.headers['x-own']} ${Buffer.concat(chunks).toString()}`)
    })
    const response = await fetch(origin.url, { method: 'POST', headers: { 'x-own': 'yes' }, ...init() })
    expect(await response.text()).toBe(`POST yes ${expected}`)
  })

  it('may be a Request', async () => {
    const fetch = fetching({}, (req, res) => res.end(`${req.method} ${req.headers['accept']}`))
    const request = new Request(origin.url, { method: 'PUT', headers: { accept: 'text/csv' }, body: 'x' })
    expect(await (await fetch(request)).text()).toBe('PUT text/csv')
  })

  it('of two headers in one value is refused', async () => {
    const fetch = fetching({}, (_req, res) => res.end())
    await expect(fetch(origin.url, { headers: { a: 'b\r\nc: d' } })).rejects.toThrow(TypeError)
    expect(origin.requests()).toBe(0)
  })

  it('ends with its signal, and by its reason', async () => {
    const fetch = fetching({}, () => undefined)
    const controller = new AbortController()
    const pending = fetch(origin.url, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
    expect(fetch.stats().size).toBe(0)
  })

  it('that is cancelled while its answer comes ends there', async () => {
    const fetch = fetching({}, (_req, res) => void res.write('half'))
    const controller = new AbortController()
    const response = await fetch(origin.url, { signal: controller.signal })
    const body = response.text()
    controller.abort()
    await expect(body).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('redirects', () => {
  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [301, 'PUT', 'PUT', 'body'],
    [307, 'POST', 'POST', 'body'],
    [308, 'POST', 'POST', 'body'],
  ])('by %d of %s ask with %s', async (status, method, then, body) => {
    const fetch = fetching({}, async (req, res) => {
      if (req.url === '/') {
        res.writeHead(status, { location: '/next' }).end()
        return
      }
      let text = ''
      for await (const chunk of req) text += String(chunk)
      res.end(`${req.method} ${text} ${req.headers['content-type'] ?? '-'}`)
    })
    const response = await fetch(origin.url, { method, body: 'body', headers: { 'content-type': 'text/x' } })
    expect(await response.text()).toBe(`${then} ${body} ${body === '' ? '-' : 'text/x'}`)
  })

  it('take no credentials to another origin, and keep them within one', async () => {
    const seen: Record<string, unknown>[] = []
    const other = await serveOrigin((req, res) => {
      seen.push(req.headers)
      res.end()
    })
    const fetch = fetching({ allow: [`127.0.0.1:${origin.port}`, `127.0.0.1:${other.port}`] }, (req, res) => {
      seen.push(req.headers)
      res.writeHead(307, { location: req.url === '/' ? '/again' : `${other.url}/` }).end()
    })
    const secret = {
      authorization: 'Bearer t',
      cookie: 'a=b',
      'proxy-authorization': 'Basic x',
      'x-api-key': 'k',
      'x-auth-token': 't',
      'x-amz-security-token': 's',
    }
    await fetch(origin.url, { headers: { ...secret, accept: 'text/csv', 'x-trace': '1' } })
    const [first, second, third] = seen
    for (const name of Object.keys(secret)) {
      expect([name, first?.[name], second?.[name], third?.[name]]).toEqual([
        name,
        expect.any(String),
        expect.any(String),
        undefined,
      ])
    }
    expect(third).toMatchObject({ accept: 'text/csv', 'x-trace': '1', host: `127.0.0.1:${other.port}` })
    await other.close()
  })

  it('are followed five times, and no more', async () => {
    const fetch = fetching({}, (req, res) => {
      const step = Number(req.url?.slice(1))
      if (step === 0) res.end('there')
      else res.writeHead(302, { location: `/${step - 1}` }).end()
    })
    expect(await (await fetch(`${origin.url}/5`)).text()).toBe('there')
    await expect(fetch(`${origin.url}/6`)).rejects.toMatchObject({ code: 'too_many_redirects' })
    expect(fetch.stats().size).toBe(0)
  })

  it('are given as they are, or are an error, where that is asked for', async () => {
    const fetch = fetching({}, (_req, res) => res.writeHead(302, { location: 'http://10.0.0.1/' }).end())
    const response = await fetch(origin.url, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://10.0.0.1/'])
    await expect(fetch(origin.url, { redirect: 'error' })).rejects.toMatchObject({ code: 'url_not_allowed' })
  })
})

describe('limits', () => {
  const mebibyte = 1024 * 1024

  it('stop a body that is longer than it may be, declared or not', async () => {
    const fetch = fetching({ maxBytes: 1000 }, (req, res) => {
      if (req.url === '/declared') res.writeHead(200, { 'content-length': '1001' })
      res.end('x'.repeat(1001))
    })
    await expect(fetch(`${origin.url}/declared`)).rejects.toMatchObject({ code: 'response_too_large' })
    const response = await fetch(`${origin.url}/`).catch((error: unknown) => error)
    const failed = response instanceof Response ? response.text() : Promise.reject(response)
    await expect(failed).rejects.toMatchObject({ code: 'response_too_large' })
    expect(fetch.stats().size).toBe(0)
  })

  it('let through a body of just that length', async () => {
    const fetch = fetching({ maxBytes: 1000 }, (_req, res) => res.end('x'.repeat(1000)))
    expect((await (await fetch(origin.url)).text()).length).toBe(1000)
  })

  it.each([
    ['gzip', gzipSync(Buffer.alloc(256 * mebibyte))],
    ['br', brotliCompressSync(Buffer.alloc(256 * mebibyte))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(256 * mebibyte)))],
  ])('hold a bomb of %s to what may be read of it', async (encoding, bomb) => {
    const fetch = fetching({ maxBytes: mebibyte }, (_req, res) =>
      res.writeHead(200, { 'content-encoding': encoding }).end(bomb),
    )
    const before = process.memoryUsage().rss
    await expect(fetch(origin.url).then((response) => response.arrayBuffer())).rejects.toMatchObject({
      code: 'response_too_large',
    })
    expect((process.memoryUsage().rss - before) / mebibyte).toBeLessThan(64)
  })

  it('refuse more encodings than anyone means', async () => {
    const fetch = fetching({}, (_req, res) =>
      res.writeHead(200, { 'content-encoding': Array(50).fill('gzip').join(', ') }).end('x'),
    )
    await expect(fetch(origin.url).then((response) => response.text())).rejects.toMatchObject({
      code: 'fetch_failed',
    })
  })

  it('stop an endless body', async () => {
    const fetch = fetching({ maxBytes: mebibyte }, (_req, res) => {
      const more = (): void => {
        while (res.write('x'.repeat(65_536)));
      }
      res.on('drain', more)
      more()
    })
    await expect(fetch(origin.url).then((response) => response.text())).rejects.toMatchObject({
      code: 'response_too_large',
    })
  })

  it('stop a head that is too long', async () => {
    const fetch = fetching({ maxHeaderBytes: 2000 }, (_req, res) =>
      res.writeHead(200, { 'x-long': 'y'.repeat(4000) }).end(),
    )
    await expect(fetch(origin.url)).rejects.toMatchObject({ code: 'response_too_large' })
  })

  it.each([
    ['never answers', () => undefined],
    ['never ends', (_req: unknown, res: { write(text: string): void }) => void res.write('x')],
  ])('stop a server that %s', async (_, handler) => {
    const fetch = fetching({ timeoutMs: 200 }, handler as Handler)
    const started = performance.now()
    await expect(fetch(origin.url).then((response) => response.text())).rejects.toMatchObject({
      code: 'fetch_timed_out',
    })
    expect(performance.now() - started).toBeLessThan(2000)
    expect(fetch.stats().size).toBe(0)
  })

  it('count redirects into the time', async () => {
    const fetch = fetching({ timeoutMs: 300, maxRedirects: 1000 }, (_req, res) => {
      setTimeout(() => res.writeHead(302, { location: '/' }).end(), 20)
    })
    await expect(fetch(origin.url)).rejects.toMatchObject({ code: 'fetch_timed_out' })
  })

  it('free the place of a body that nobody reads', async () => {
    const fetch = fetching({ timeoutMs: 100, maxConcurrent: 1 }, (_req, res) => res.end('x'))
    const unread = await fetch(origin.url)
    await expect(fetch(origin.url)).rejects.toMatchObject({ code: 'overloaded' })
    await expect.poll(() => fetch.stats().size).toBe(0)
    expect(fetch.stats()).toMatchObject({ name: 'fetches', limit: 1, dropped: 1 })
    await expect(unread.text()).rejects.toMatchObject({ code: 'fetch_timed_out' })
  })

  it.each([
    [{ maxBytes: 0 }, '"maxBytes" must be a whole number from 1, received 0.'],
    [{ timeoutMs: 1.5 }, '"timeoutMs" must be a whole number from 1, received 1.5.'],
    [{ maxRedirects: -1 }, '"maxRedirects" must be a whole number from 0, received -1.'],
    [{ allowed: [] }, 'A safe fetch has no option "allowed"; it has'],
    [{ lookup: 'dns' }, '"lookup" must be a function like dns.lookup, received "dns".'],
    [{ proxy: 'socks5://x' }, '"proxy" must be a URL such as'],
    [{ allow: 'localhost:3000' }, '"allow" must be a list of at most 100 texts'],
    [null, 'The options of a safe fetch must be an object'],
  ])('are refused in one sentence when they cannot work: %j', (options, message) => {
    expect(() => createSafeFetch(options as SafeFetchOptions)).toThrow(message)
  })
})

describe('failures', () => {
  it('name the host and no address', async () => {
    const fetch = fetching({ lookup: async () => [] }, () => undefined)
    await expect(fetch('http://nowhere.example/')).rejects.toMatchObject({
      code: 'fetch_failed',
      message: 'The host "nowhere.example" has no address.',
    })
    const gone = createSafeFetch({ allow: ['127.0.0.1:9'] })
    await expect(gone('http://127.0.0.1:9/')).rejects.toMatchObject({ code: 'url_not_allowed' })
    await gone.close()
  })

  it('of a connection say which', async () => {
    const fetch = fetching({}, (req) => req.socket.destroy())
    await expect(fetch(origin.url)).rejects.toMatchObject({
      code: 'fetch_failed',
      details: { retryable: true },
    })
  })

  it('of a proxy are told, and its password is sent to nobody else', async () => {
    const proxy = await serveProxy(origin)
    const url = proxy.url.replace('http://', 'http://me:p%40ss@')
    const fetch = fetching(
      { proxy: url, lookup: async () => [{ address: '93.184.216.34', family: 4 }] },
      (req, res) => res.end(String(req.headers['proxy-authorization'])),
    )
    expect(await (await fetch('http://example.com/')).text()).toBe('undefined')
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('me:p@ss').toString('base64')}`])
    await proxy.close()
    await expect(fetch('http://other.example/')).rejects.toMatchObject({ code: 'fetch_failed' })
  })

  it('after close are refusals', async () => {
    const fetch = fetching({}, () => undefined)
    const pending = fetch(origin.url)
    pending.catch(() => undefined)
    await expect.poll(origin.requests).toBe(1)
    await fetch.close()
    await expect(pending).rejects.toMatchObject({ code: 'fetch_failed' })
    await expect(fetch(origin.url)).rejects.toMatchObject({ code: 'fetch_failed' })
  })

  it('ignore the proxies of the environment', async () => {
    const fetch = fetching({}, (_req, res) => res.end('direct'))
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1'
    try {
      expect(await (await fetch(origin.url)).text()).toBe('direct')
    } finally {
      delete process.env['HTTP_PROXY']
    }
  })
})
