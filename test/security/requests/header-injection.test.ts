import type { AuthenticationResult, Authenticator } from 'holdfast'
import { describe, expect, it } from 'vitest'
import type { RawResponse } from '../../hostile/raw-http.js'
import { oneTool } from '../../protocol/http-support.js'
import { testServer } from '../../protocol/support.js'
import { initialize, listen, send, stateless } from './raw-requests.js'

/** What would end a header, begin another or end the head. */
const injections: readonly (readonly [label: string, text: string])[] = [
  ['CR LF and a header', 'x\r\nX-Injected: 1'],
  ['CR LF twice and a body', 'x\r\n\r\n<script>1</script>'],
  ['LF alone', 'x\nX-Injected: 1'],
  ['CR alone', 'x\rX-Injected: 1'],
  ['a folded line', 'x\r\n X-Injected: 1'],
  ['NUL', 'x\0X-Injected: 1'],
  ['other control characters', 'x\u0001\u0008\u000b\u000c\u001f\u007fy'],
  ['C1 control characters', 'x\u0085X-Injected: 1\u009b'],
  ['line separators', 'x\u2028X-Injected: 1\u2029'],
  ['characters that Latin-1 cuts down to CR LF', 'x\u560d\u560aX-Injected: 1'],
  ['what Latin-1 has not', 'realm="中文 😀"'],
  ['what Latin-1 has', 'realm="é"'],
  ['a lone surrogate', 'x\ud800y'],
  ['a response of its own', '\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
]

const plain = /^[\t\x20-\x7e]*$/

function expectNoInjection(response: RawResponse): void {
  expect([...response.headers.keys()]).not.toContain('x-injected')
  for (const [name, value] of response.headers) expect([name, plain.test(value)]).toEqual([name, true])
}

function refusing(
  result: Partial<Record<'status' | 'message' | 'challenge' | 'retryAfterMs', unknown>>,
): Authenticator {
  return {
    authenticate: () => ({ ok: false, status: 401, message: 'No.', ...result }) as AuthenticationResult,
  }
}

describe('what an authenticator answers', () => {
  it.each(injections)('cannot inject by %s', async (_label, text) => {
    const { server } = testServer({ auth: refusing({ challenge: `Bearer ${text}`, message: text }) })
    const port = await listen(server)
    for (const line of ['POST /mcp', 'GET /mcp', 'DELETE /mcp']) {
      const response = await send(port, { line })
      expectNoInjection(response)
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringMatching(/^Bearer/) as string,
      ])
      const { error } = JSON.parse(response.body) as { error: { message: string } }
      expect(error.message).toBe(text)
    }
    const web = await server.fetch(new Request('http://127.0.0.1/mcp', { method: 'POST', body: '{}' }))
    expect([web.status, web.headers.has('x-injected')]).toEqual([401, false])
  })

  it.each([
    ['a text with a header', '1\r\nX-Injected: 1'],
    ['no number', Number.NaN],
    ['without end', Number.POSITIVE_INFINITY],
    ['in the past', -5000],
    ['beyond integers', 1e300],
  ])('says when to come back in seconds or not at all: %s', async (_label, retryAfterMs) => {
    const port = await listen(testServer({ auth: refusing({ retryAfterMs }) }).server)
    const response = await send(port)
    expectNoInjection(response)
    expect(response.status).toBe(401)
    // RFC 9110 §10.2.3: a number of seconds without a sign.
    expect(response.headers.get('retry-after') ?? '0').toMatch(/^\d{1,10}$/)
  })
})

describe('an authenticator that answers what it must not', () => {
  it.each([
    ['a challenge that is no text', { challenge: new URL('https://issuer.example') }],
    ['a challenge that is a list', { challenge: ['Bearer', 'x\r\nX-Injected: 1'] }],
    ['a message that is no text', { message: 5 }],
    ['no message', { message: undefined }],
    ['a status that is text', { status: '200 OK\r\nX-Injected: 1' }],
    ['a status of success', { status: 200 }],
  ])('lets nobody in, and ends no request without an answer: %s', async (_label, result) => {
    const { server, logged } = testServer({ auth: refusing(result) })
    const response = await send(await listen(server))
    expectNoInjection(response)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(logged.map(({ message }) => message)).toEqual(['The authenticator failed.'])
    const web = await server.fetch(new Request('http://127.0.0.1/mcp', { method: 'POST', body: '{}' }))
    expect(web.status).toBe(503)
  })
})

describe('what a peer sends', () => {
  /** As header lines: Node's parser ends what holds CR, LF or NUL with 400, and the rest must not come back raw. */
  const values = [
    'x\u0001y',
    'x\u000by',
    'x\u007fy',
    '\u00ff\u00fe',
    '"><script>',
    'a, b; c="d"',
    '%0d%0aX-Injected: 1',
    '\\r\\nX-Injected: 1',
    'å\u0098\u008då\u0098\u008aX-Injected: 1',
    'x'.repeat(7000),
  ]
  const names = [
    'Mcp-Session-Id',
    'MCP-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
    'Last-Event-ID',
    'Origin',
    'Authorization',
    'X-Forwarded-For',
    'Access-Control-Request-Headers',
    'traceparent',
    'Content-Encoding',
  ]

  it.each(names)('does not come back in a header: %s', async (name) => {
    const port = await listen(oneTool({ http: { allowedOrigins: ['https://app.example.com'] } }))
    for (const value of values) {
      for (const line of ['POST /mcp', 'GET /mcp', 'DELETE /mcp', 'OPTIONS /mcp']) {
        const response = await send(port, { line, headers: [`${name}: ${value}`], body: '{}' })
        expect(response.status).toBeGreaterThanOrEqual(200)
        expectNoInjection(response)
        const all = [...response.headers.values()].join('\n')
        expect(all).not.toMatch(/injected|script|xxxxx|ÿ/i)
      }
    }
  })

  it.each([
    ['a folded line', ['Mcp-Session-Id: x\r\n y: 1']],
    ['a NUL', ['Mcp-Session-Id: x\0y']],
    ['a bare CR', ['Mcp-Session-Id: x\ry']],
    ['a bare LF', ['Mcp-Session-Id: x\ny']],
    ['a space before the colon', ['Mcp-Session-Id : x']],
    ['two lengths', ['Content-Length: 5']],
    ['a length and chunks', ['Transfer-Encoding: chunked']],
  ])('is refused where two readings are possible: %s', async (_label, headers) => {
    const port = await listen(oneTool())
    const response = await send(port, { headers, body: '{}' })
    expect(response.status).toBe(400)
    expectNoInjection(response)
  })

  it('names an origin in the answer only when it is on the list, as it is written there', async () => {
    const port = await listen(oneTool({ http: { allowedOrigins: ['https://app.example.com'] } }))
    const granted = async (origin: string): Promise<string | undefined> => {
      const response = await send(port, { line: 'OPTIONS /mcp', headers: [`Origin: ${origin}`] })
      return response.headers.get('access-control-allow-origin')
    }
    expect(await granted('https://app.example.com')).toBe('https://app.example.com')
    for (const origin of [
      'https://app.example.com.evil.example',
      'https://app.example.com\tX',
      'https://app.example.com, https://evil.example',
      'https://evil.example/https://app.example.com',
      'https://app.example.com%0d%0aX-Injected:1',
      'null',
    ]) {
      expect([origin, await granted(origin)]).toEqual([origin, undefined])
    }
  })

  it('gives no session id and no type that a peer or a name could shape', async () => {
    const { server } = testServer({ name: 'a\u00e9b', version: '1' })
    server.tool('one', { description: 'One.' }, () => '1')
    const port = await listen(server)
    const opened = await send(port, { body: initialize() })
    expect(opened.headers.get('mcp-session-id')).toMatch(/^[A-Za-z0-9_-]{32,512}$/)
    expect(opened.headers.get('content-type')).toBe('application/json')
    const called = await send(port, stateless('tools/call', { name: 'one', arguments: {} }))
    expect([called.status, called.headers.get('content-type')]).toEqual([200, 'application/json'])
    expectNoInjection(opened)
    expectNoInjection(called)
  })
})
