import { describe, expect, it } from 'vitest'
import { createCors } from './cors.js'
import { createHostPolicy } from './host-policy.js'

const policy = createHostPolicy({ bind: { host: '127.0.0.1' }, allowedOrigins: ['https://app.example.com'] })
const cors = createCors({ corsOrigin: policy.corsOrigin })

describe('preflight', () => {
  it('answers a page that is on the list', () => {
    const { status, headers } = cors.preflight('https://app.example.com', 'content-type, mcp-method')
    expect(status).toBe(204)
    expect(headers['access-control-allow-origin']).toBe('https://app.example.com')
    expect(headers['access-control-allow-methods']).toBe('GET, POST, DELETE, OPTIONS')
    expect(headers['access-control-max-age']).toBe('7200')
    expect(headers['vary']).toContain('Origin')
    const allowed = headers['access-control-allow-headers']?.split(', ')
    expect(allowed).toEqual(
      expect.arrayContaining([
        'content-type',
        'authorization',
        'mcp-protocol-version',
        'mcp-session-id',
        'mcp-method',
        'mcp-name',
        'last-event-id',
      ]),
    )
  })

  it('allows the headers of mirrored arguments that are asked for, and nothing else', () => {
    const { headers } = cors.preflight(
      'http://localhost:5173',
      'Mcp-Param-Region,mcp-param-region, x-evil, mcp-param-, mcp-param-a b, cookie, *',
    )
    const allowed = headers['access-control-allow-headers']?.split(', ') ?? []
    expect(allowed.filter((name) => name === 'mcp-param-region')).toHaveLength(1)
    for (const name of ['x-evil', 'mcp-param-', 'mcp-param-a b', 'cookie', '*'])
      expect(allowed).not.toContain(name)
  })

  it('bounds what it repeats', () => {
    const many = Array.from({ length: 5000 }, (_, at) => `mcp-param-${at}`).join(',')
    const { headers } = cors.preflight('http://localhost', many)
    expect(headers['access-control-allow-headers']?.match(/mcp-param-/g)).toHaveLength(64)
    const long = cors.preflight('http://localhost', `mcp-param-${'x'.repeat(5000)}`)
    expect(long.headers['access-control-allow-headers']).not.toContain('mcp-param-')
  })

  it.each([undefined, 'null', 'https://evil.example', 'https://app.example.com.evil.com'])(
    'permits nothing to %s',
    (origin) => {
      const { headers } = cors.preflight(origin, 'content-type')
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
      expect(headers['allow']).toBe('GET, POST, DELETE, OPTIONS')
    },
  )

  it('never allows credentials or any origin', () => {
    for (const origin of ['https://app.example.com', 'http://localhost', undefined, 'null']) {
      const all = { ...cors.preflight(origin, '*').headers, ...cors.responseHeaders(origin) }
      expect(all).not.toHaveProperty('access-control-allow-credentials')
      expect(Object.values(all)).not.toContain('*')
    }
  })
})

describe('answers', () => {
  it('expose what a client has to read', () => {
    const headers = cors.responseHeaders('https://app.example.com')
    expect(headers['access-control-allow-origin']).toBe('https://app.example.com')
    for (const name of ['Mcp-Session-Id', 'MCP-Protocol-Version', 'WWW-Authenticate', 'Retry-After']) {
      expect(headers['access-control-expose-headers']).toContain(name)
    }
    expect(headers['vary']).toBe('Origin')
  })

  it('name no origin that is not on the list, also after one that is', () => {
    cors.responseHeaders('https://app.example.com')
    expect(cors.responseHeaders('https://evil.example')).toEqual({ vary: 'Origin' })
    expect(cors.responseHeaders(undefined)).toEqual({ vary: 'Origin' })
    expect(cors.responseHeaders('http://localhost:1')['access-control-allow-origin']).toBe(
      'http://localhost:1',
    )
  })
})
