import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { bodyOf, fetchingForFile, serveOrigin } from '../../../test/security/fetch-world.js'

const { origin, fetching } = fetchingForFile()

describe('a response', () => {
  it('is what fetch gives: status, headers, body, url', async () => {
    const fetch = fetching({}, (req, res) => {
      if (req.url === '/old') res.writeHead(301, { location: '/new?x=1' }).end()
      else res.writeHead(201, 'Made', { 'set-cookie': ['a=1', 'b=2'] }).end(JSON.stringify({ ok: true }))
    })
    const response = await fetch(new URL(`${origin().url}/old#part`))
    expect(response).toBeInstanceOf(Response)
    expect([response.status, response.statusText, response.ok, response.redirected, response.url]).toEqual([
      201,
      'Made',
      true,
      true,
      `${origin().url}/new?x=1`,
    ])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.json()).toEqual({ ok: true })
  })

  it.each([204, 304])('without a body has none: %d', async (status) => {
    const fetch = fetching({}, (_req, res) => res.writeHead(status).end())
    const response = await fetch(origin().url)
    expect([response.status, response.body, await response.text()]).toEqual([status, null, ''])
    expect(fetch.stats().size).toBe(0)
  })

  it('to HEAD has a length and no body, however large', async () => {
    const fetch = fetching({ maxBytes: 10 }, (_req, res) =>
      res.writeHead(200, { 'content-length': '99999' }).end(),
    )
    const response = await fetch(origin().url, { method: 'HEAD' })
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['99999', ''])
  })

  it('that is compressed is unpacked', async () => {
    const fetch = fetching({}, (_req, res) =>
      res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('a text')),
    )
    expect(await (await fetch(origin().url)).text()).toBe('a text')
  })

  it('that is let go frees its place', async () => {
    const fetch = fetching({}, (_req, res) => res.end('x'.repeat(100_000)))
    const response = await fetch(origin().url)
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
    const fetch = fetching({}, (req, res) => {
      void bodyOf(req).then((body) => res.end(`${req.method} ${req.headers['x-own']} ${body}`))
    })
    const response = await fetch(origin().url, { method: 'POST', headers: { 'x-own': 'yes' }, ...init() })
    expect(await response.text()).toBe(`POST yes ${expected}`)
  })

  it('may be a Request', async () => {
    const fetch = fetching({}, (req, res) => res.end(`${req.method} ${req.headers['accept']}`))
    const request = new Request(origin().url, { method: 'PUT', headers: { accept: 'text/csv' }, body: 'x' })
    expect(await (await fetch(request)).text()).toBe('PUT text/csv')
  })

  it('of two headers in one value is refused', async () => {
    const fetch = fetching({}, (_req, res) => res.end())
    await expect(fetch(origin().url, { headers: { a: 'b\r\nc: d' } })).rejects.toThrow(TypeError)
    expect(origin().requests()).toBe(0)
  })

  it('ends with its signal, and by its reason', async () => {
    const fetch = fetching({}, () => undefined)
    const controller = new AbortController()
    const pending = fetch(origin().url, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
    expect(fetch.stats().size).toBe(0)
  })

  it('that is cancelled while its answer comes ends there', async () => {
    const fetch = fetching({}, (_req, res) => void res.write('half'))
    const controller = new AbortController()
    const response = await fetch(origin().url, { signal: controller.signal })
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
    const fetch = fetching({}, (req, res) => {
      if (req.url === '/') {
        res.writeHead(status, { location: '/next' }).end()
        return
      }
      void bodyOf(req).then((text) => res.end(`${req.method} ${text} ${req.headers['content-type'] ?? '-'}`))
    })
    const response = await fetch(origin().url, {
      method,
      body: 'body',
      headers: { 'content-type': 'text/x' },
    })
    expect(await response.text()).toBe(`${then} ${body} ${body === '' ? '-' : 'text/x'}`)
  })

  it('take no credentials to another origin, and keep them within one', async () => {
    const seen: Record<string, unknown>[] = []
    const other = await serveOrigin((req, res) => {
      seen.push(req.headers)
      res.end()
    })
    const fetch = fetching(
      { allow: [`127.0.0.1:${origin().port}`, `127.0.0.1:${other.port}`] },
      (req, res) => {
        seen.push(req.headers)
        res.writeHead(307, { location: req.url === '/' ? '/again' : `${other.url}/` }).end()
      },
    )
    const secret = {
      authorization: 'Bearer t',
      cookie: 'a=b',
      'proxy-authorization': 'Basic x',
      'x-api-key': 'k',
      'x-auth-token': 't',
      'x-amz-security-token': 's',
    }
    await fetch(origin().url, { headers: { ...secret, accept: 'text/csv', 'x-trace': '1' } })
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
    expect(await (await fetch(`${origin().url}/5`)).text()).toBe('there')
    await expect(fetch(`${origin().url}/6`)).rejects.toMatchObject({ code: 'too_many_redirects' })
    expect(fetch.stats().size).toBe(0)
  })

  it('are given as they are, or are an error, where that is asked for', async () => {
    const fetch = fetching({}, (_req, res) => res.writeHead(302, { location: 'http://10.0.0.1/' }).end())
    const response = await fetch(origin().url, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://10.0.0.1/'])
    await expect(fetch(origin().url, { redirect: 'error' })).rejects.toMatchObject({
      code: 'url_not_allowed',
    })
  })
})
