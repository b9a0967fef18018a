import { Buffer } from 'node:buffer'
import type { RequestListener } from 'node:http'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { fetchingForFile, serveProxy } from '../../../test/security/fetch-world.js'
import type { SafeFetchOptions } from './options.js'
import { createSafeFetch } from './safe-fetch.js'

const { origin, fetching } = fetchingForFile()

describe('limits', () => {
  const mebibyte = 1024 * 1024

  it('stop a body that is longer than it may be, declared or not', async () => {
    const fetch = fetching({ maxBytes: 1000 }, (req, res) => {
      if (req.url === '/declared') res.writeHead(200, { 'content-length': '1001' })
      res.end('x'.repeat(1001))
    })
    await expect(fetch(`${origin().url}/declared`)).rejects.toMatchObject({ code: 'response_too_large' })
    const response = await fetch(`${origin().url}/`).catch((error: unknown) => error)
    const failed = response instanceof Response ? response.text() : Promise.reject(response)
    await expect(failed).rejects.toMatchObject({ code: 'response_too_large' })
    expect(fetch.stats().size).toBe(0)
  })

  it('let through a body of just that length', async () => {
    const fetch = fetching({ maxBytes: 1000 }, (_req, res) => res.end('x'.repeat(1000)))
    expect((await (await fetch(origin().url)).text()).length).toBe(1000)
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
    await expect(fetch(origin().url).then((response) => response.arrayBuffer())).rejects.toMatchObject({
      code: 'response_too_large',
    })
    expect((process.memoryUsage().rss - before) / mebibyte).toBeLessThan(64)
  })

  it('refuse more encodings than anyone means', async () => {
    const fetch = fetching({}, (_req, res) =>
      res.writeHead(200, { 'content-encoding': Array(50).fill('gzip').join(', ') }).end('x'),
    )
    await expect(fetch(origin().url).then((response) => response.text())).rejects.toMatchObject({
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
    await expect(fetch(origin().url).then((response) => response.text())).rejects.toMatchObject({
      code: 'response_too_large',
    })
  })

  it('stop a head that is too long', async () => {
    const fetch = fetching({ maxHeaderBytes: 2000 }, (_req, res) =>
      res.writeHead(200, { 'x-long': 'y'.repeat(4000) }).end(),
    )
    await expect(fetch(origin().url)).rejects.toMatchObject({ code: 'response_too_large' })
  })

  it.each([
    ['never answers', () => undefined],
    ['never ends', (_req: unknown, res: { write(text: string): void }) => void res.write('x')],
  ])('stop a server that %s', async (_, handler) => {
    const fetch = fetching({ timeoutMs: 200 }, handler as RequestListener)
    const started = performance.now()
    await expect(fetch(origin().url).then((response) => response.text())).rejects.toMatchObject({
      code: 'fetch_timed_out',
    })
    expect(performance.now() - started).toBeLessThan(2000)
    expect(fetch.stats().size).toBe(0)
  })

  it('count redirects into the time', async () => {
    const fetch = fetching({ timeoutMs: 300, maxRedirects: 1000 }, (_req, res) => {
      setTimeout(() => res.writeHead(302, { location: '/' }).end(), 20)
    })
    await expect(fetch(origin().url)).rejects.toMatchObject({ code: 'fetch_timed_out' })
  })

  it('free the place of a body that nobody reads', async () => {
    const fetch = fetching({ timeoutMs: 100, maxConcurrent: 1 }, (_req, res) => res.end('x'))
    const unread = await fetch(origin().url)
    await expect(fetch(origin().url)).rejects.toMatchObject({ code: 'overloaded' })
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
    await expect(fetch(origin().url)).rejects.toMatchObject({
      code: 'fetch_failed',
      details: { retryable: true },
    })
  })

  it('of a proxy are told, and its password is sent to nobody else', async () => {
    const proxy = await serveProxy(origin())
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
    const pending = fetch(origin().url)
    pending.catch(() => undefined)
    await expect.poll(() => origin().requests()).toBe(1)
    await fetch.close()
    await expect(pending).rejects.toMatchObject({ code: 'fetch_failed' })
    await expect(fetch(origin().url)).rejects.toMatchObject({ code: 'fetch_failed' })
  })

  it('ignore the proxies of the environment', async () => {
    const fetch = fetching({}, (_req, res) => res.end('direct'))
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1'
    try {
      expect(await (await fetch(origin().url)).text()).toBe('direct')
    } finally {
      delete process.env['HTTP_PROXY']
    }
  })
})
