import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../../errors/definition-error.js'
import { StartError } from '../../errors/start-error.js'
import { createHostPolicy } from './host-policy.js'

const local = createHostPolicy({ bind: { host: '127.0.0.1', port: 3000 } })
const behindProxy = createHostPolicy({
  bind: { host: '0.0.0.0' },
  publicUrl: 'https://mcp.example.com/mcp',
  allowedHosts: [
    'api.example.net:8443',
    '*.tenants.example.org',
    'plain.example.net:443',
    '[2001:DB8:0::1]',
    'bücher.example',
  ],
  allowedOrigins: ['https://app.example.com', 'https://*.example.org', 'http://dev.example.com:5173'],
})

describe('Host on loopback', () => {
  it.each([
    'localhost',
    'localhost:3000',
    'LocalHost:1',
    '127.0.0.1',
    '127.0.0.1:65535',
    '[::1]',
    '[::1]:3000',
  ])('serves %s', (host) => expect(local.checkHost(host)).toBeUndefined())

  it.each([
    'evil.example',
    'evil.example:3000',
    'localhost.evil.com',
    'evil-localhost',
    'xlocalhost',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:0:0:1]',
    'localhost.localdomain',
    'null',
  ])('refuses %s with 403', (host) => {
    expect(local.checkHost(host)).toMatchObject({ status: 403, code: -32600 })
  })

  it.each([
    undefined,
    '',
    ' ',
    'localhost.',
    '127.0.0.1.',
    'localhost:',
    'localhost:123456',
    'localhost:80:80',
    'localhost:-1',
    'user@localhost',
    'localhost@evil.example',
    'localhost, evil.example',
    'localhost evil.example',
    'localhost/evil',
    'localhost#x',
    'localhost\\evil.example',
    'localhost%00.evil.example',
    'http://localhost',
    '::1',
    '[::1',
    '[::1]evil',
    'ｌocalhost',
    'a'.repeat(5000),
  ])('calls %j no host, with 400', (host) => {
    const refusal = local.checkHost(host)
    expect(refusal).toMatchObject({ status: 400, code: -32600 })
    expect(refusal?.message.length).toBeLessThan(250)
  })

  it('does not let an accepted value open the door for the next', () => {
    expect(local.checkHost('localhost:3000')).toBeUndefined()
    expect(local.checkHost('evil.example')?.status).toBe(403)
    expect(local.checkHost('localhost:3000')).toBeUndefined()
    expect(local.checkHost('evil.example')?.status).toBe(403)
  })

  it('keeps its names when more hosts are allowed', () => {
    const policy = createHostPolicy({ bind: { host: '::1' }, allowedHosts: ['desk.local'] })
    expect(policy.checkHost('localhost:1')).toBeUndefined()
    expect(policy.checkHost('desk.local:1')).toBeUndefined()
  })

  it('serves the address it is bound to', () => {
    expect(createHostPolicy({ bind: { host: '127.0.0.2' } }).checkHost('127.0.0.2:3000')).toBeUndefined()
  })
})

describe('Origin on loopback', () => {
  it.each([
    undefined,
    'http://localhost',
    'http://localhost:5173',
    'https://localhost:8443',
    'http://127.0.0.1:3000',
    'https://[::1]:3000',
    'HTTP://LOCALHOST:3000',
  ])('lets %s in', (origin) => expect(local.checkOrigin(origin)).toBeUndefined())

  it.each([
    'null',
    '',
    'https://evil.example',
    'http://localhost.evil.com',
    'http://localhost.evil.com:3000',
    'http://127.0.0.1.nip.io',
    'http://evil.com/localhost',
    'http://evil.com?localhost',
    'http://evil.com#http://localhost',
    'http://localhost@evil.com',
    'http://localhost:3000@evil.com',
    'http://user:pass@localhost',
    'http://user@localhost:3000',
    'http://localhost/',
    'http://localhost:3000/mcp',
    'http://localhost.',
    'http://localhost:',
    'http://localhost:x',
    'http://localhost\\@evil.com',
    'http://localhost%2eevil.com',
    'http://localhost, https://evil.example',
    'http://localhost http://evil.example',
    'http:localhost',
    'http:/localhost',
    '//localhost',
    'localhost',
    'file://localhost',
    'ftp://localhost',
    'ws://localhost',
    'chrome-extension://localhost',
    'javascript://localhost',
    'http://127.1',
    'http://2130706433',
    'http://0.0.0.0:3000',
    'http://[::]:3000',
    'http://[::ffff:7f00:1]',
    'http://xlocalhost',
    'http://evil-localhost:3000',
    `http://${'a'.repeat(5000)}`,
  ])('refuses %j with 403', (origin) => {
    expect(local.checkOrigin(origin)).toMatchObject({ status: 403, code: -32600 })
    expect(local.corsOrigin(origin)).toBeUndefined()
  })

  it('does not let an accepted value open the door for the next', () => {
    expect(local.checkOrigin('http://localhost:1')).toBeUndefined()
    expect(local.checkOrigin('http://localhost:1.evil.com')?.status).toBe(403)
  })

  it('keeps what it repeats short and printable', () => {
    const message = local.checkOrigin(`http://evil\u001b[31m\u202e${'x'.repeat(500)}`)?.message ?? ''
    expect(message.length).toBeLessThan(250)
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})

describe('named hosts', () => {
  it.each([
    'mcp.example.com',
    'mcp.example.com:443',
    'MCP.EXAMPLE.COM:8080',
    'api.example.net:8443',
    'a.tenants.example.org',
    'a.b.tenants.example.org:99',
    'plain.example.net',
    'plain.example.net:443',
    '[2001:db8::1]:3000',
    'xn--bcher-kva.example',
  ])('serves %s', (host) => expect(behindProxy.checkHost(host)).toBeUndefined())

  it.each([
    'localhost',
    '127.0.0.1',
    '0.0.0.0',
    'example.com',
    'xmcp.example.com',
    'mcp.example.com.evil.com',
    'api.example.net',
    'api.example.net:443',
    'tenants.example.org',
    'eviltenants.example.org',
    'a.tenants.example.org.evil.com',
    'plain.example.net:444',
  ])('refuses %s', (host) => expect(behindProxy.checkHost(host)?.status).toBe(403))

  it.each([
    'https://mcp.example.com',
    'https://mcp.example.com:443',
    'https://app.example.com',
    'https://a.example.org',
    'https://a.b.example.org',
    'http://dev.example.com:5173',
  ])('lets %s in', (origin) => {
    expect(behindProxy.checkOrigin(origin)).toBeUndefined()
    expect(behindProxy.corsOrigin(origin)).toBe(origin)
  })

  it.each([
    'http://localhost:3000',
    'http://mcp.example.com',
    'https://mcp.example.com:8443',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.com',
    'https://example.org',
    'https://evilexample.org',
    'https://.example.org',
    'http://a.example.org',
    'https://dev.example.com:5173',
    'http://dev.example.com',
  ])('refuses %s', (origin) => {
    expect(behindProxy.checkOrigin(origin)?.status).toBe(403)
    expect(behindProxy.corsOrigin(origin)).toBeUndefined()
  })

  it('lets a page of the same host in when the checked Host is given', () => {
    expect(behindProxy.checkOrigin('https://api.example.net:8443')?.status).toBe(403)
    expect(behindProxy.checkOrigin('https://api.example.net:8443', 'api.example.net:8443')).toBeUndefined()
    expect(behindProxy.checkOrigin('https://api.example.net:9443', 'api.example.net:8443')?.status).toBe(403)
    expect(behindProxy.checkOrigin('null', 'api.example.net:8443')?.status).toBe(403)
  })
})

describe('construction', () => {
  it.each([
    '0.0.0.0',
    '::',
    '192.168.1.5',
    '',
    'example.com',
    'localhost.evil.com',
    '::ffff:10.0.0.1',
    '128.0.0.1',
  ])('refuses to bind %j without a named host', (host) => {
    const create = () => createHostPolicy({ bind: { host } })
    expect(create).toThrow(StartError)
    expect(create).toThrow(host === '' ? 'every address' : host)
    expect(create).toThrow('http.allowedHosts')
  })

  it('refuses it with an empty list as well', () => {
    expect(() => createHostPolicy({ bind: { host: '0.0.0.0' }, allowedHosts: [] })).toThrow(StartError)
  })

  it.each(['127.0.0.1', 'localhost', 'LOCALHOST', '::1', '[::1]', '127.255.0.9', '::ffff:127.0.0.1'])(
    'needs none for %s',
    (host) => expect(createHostPolicy({ bind: { host } }).checkHost('localhost')).toBeUndefined(),
  )

  it.each([
    '*',
    '*.com',
    '*.',
    '',
    'https://x.example',
    'x.example/',
    'a@b.example',
    '*.*.example.com',
    'a*.example.com',
    '::1',
    'x.example:99999',
    'x.example:',
    '*.[::1]',
  ])('refuses the allowed host %j', (host) => {
    const create = () => createHostPolicy({ bind: { host: '127.0.0.1' }, allowedHosts: [host] })
    expect(create).toThrow(DefinitionError)
    expect(create).toThrow('http.allowedHosts')
  })

  it.each([
    '*',
    'null',
    'https://*',
    'app.example.com',
    'https://app.example.com/',
    'ftp://x.example',
    'https://u@x.example',
    'https://*.com',
  ])('refuses the allowed origin %j', (origin) => {
    const create = () => createHostPolicy({ bind: { host: '127.0.0.1' }, allowedOrigins: [origin] })
    expect(create).toThrow(DefinitionError)
  })

  it.each(['mcp.example.com', 'ftp://x.example', 'https://u:p@x.example', ''])(
    'refuses the public address %j',
    (url) => {
      expect(() => createHostPolicy({ bind: { host: '127.0.0.1' }, publicUrl: url })).toThrow(DefinitionError)
    },
  )
})
