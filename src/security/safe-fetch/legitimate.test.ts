import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type ConnectProxy,
  type Origin,
  serveOrigin,
  serveProxy,
} from '../../../test/security/fetch-world.js'
import { createSafeFetch } from './safe-fetch.js'

// The public internet is asked through a proxy that notes the address of each tunnel; all tunnels end at one real server.
const literals: readonly [url: string, target: string][] = [
  ['http://8.8.8.8/', '8.8.8.8:80'],
  ['http://1.1.1.1/dns-query?name=example.com', '1.1.1.1:80'],
  ['http://93.184.216.34:8080/', '93.184.216.34:8080'],
  ['http://134744072/', '8.8.8.8:80'],
  ['http://9.255.255.255/', '9.255.255.255:80'],
  ['http://11.0.0.0/', '11.0.0.0:80'],
  ['http://100.63.255.255/', '100.63.255.255:80'],
  ['http://100.128.0.1/', '100.128.0.1:80'],
  ['http://126.255.255.255/', '126.255.255.255:80'],
  ['http://128.0.0.1/', '128.0.0.1:80'],
  ['http://169.253.255.255/', '169.253.255.255:80'],
  ['http://169.255.0.1/', '169.255.0.1:80'],
  ['http://172.15.255.255/', '172.15.255.255:80'],
  ['http://172.32.0.1/', '172.32.0.1:80'],
  ['http://192.0.1.1/', '192.0.1.1:80'],
  ['http://192.0.3.1/', '192.0.3.1:80'],
  ['http://192.167.255.255/', '192.167.255.255:80'],
  ['http://192.169.0.1/', '192.169.0.1:80'],
  ['http://198.17.255.255/', '198.17.255.255:80'],
  ['http://198.20.0.1/', '198.20.0.1:80'],
  ['http://198.51.101.1/', '198.51.101.1:80'],
  ['http://203.0.114.1/', '203.0.114.1:80'],
  ['http://223.255.255.1/', '223.255.255.1:80'],
  ['http://168.63.129.17/', '168.63.129.17:80'],
  ['http://[2606:4700:4700::1111]/', '[2606:4700:4700::1111]:80'],
  ['http://[2a00:1450:4001:81b::200e]:8080/x', '[2a00:1450:4001:81b::200e]:8080'],
  ['http://[2001:4860:4860::8888]/', '[2001:4860:4860::8888]:80'],
  ['http://[2001:200::1]/', '[2001:200::1]:80'],
  ['http://[2400:cb00:2048:1::c629:d7a2]/', '[2400:cb00:2048:1::c629:d7a2]:80'],
  ['http://[2620:fe::fe]/', '[2620:fe::fe]:80'],
  ['http://[64:ff9b::8.8.8.8]/', '[64:ff9b::808:808]:80'],
  ['http://[::ffff:8.8.8.8]/', '[::ffff:808:808]:80'],
  ['http://[2002:808:808::1]/', '[2002:808:808::1]:80'],
]

const names: readonly [url: string, addresses: readonly string[], target: string][] = [
  ['http://example.com/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://EXAMPLE.com./', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://münchen.example/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://例え.テスト/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://xn--r8jz45g.xn--zckzah/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://ipv6only.example/', ['2606:2800:220:1::1'], '[2606:2800:220:1::1]:80'],
  ['http://dns64.example/', ['64:ff9b::5db8:d822'], '[64:ff9b::5db8:d822]:80'],
  ['http://both.example/', ['2606:2800:220:1::1', '93.184.216.34'], '93.184.216.34:80'],
  ['http://many.example/', ['93.184.216.34', '93.184.216.35', '93.184.216.36'], '93.184.216.34:80'],
  ['http://localhost.run/', ['35.171.254.69'], '35.171.254.69:80'],
  ['http://localhost.example.com/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://metadata.example.com/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://internal.example.com/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://127.0.0.1.nip.example/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://10.example.com/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://a.b.c.d.e.f.example.co.uk/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://under_score.example.com/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://xn--nxasmq6b.example/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://example.com:3000/', ['93.184.216.34'], '93.184.216.34:3000'],
  ['http://example.com:8443/', ['93.184.216.34'], '93.184.216.34:8443'],
  ['http://example.com:65535/', ['93.184.216.34'], '93.184.216.34:65535'],
  ['http://example.com:81/', ['93.184.216.34'], '93.184.216.34:81'],
  ['http://example.com/?u=127.0.0.1', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://example.com/http://169.254.169.254/', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://example.com/@127.0.0.1', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://example.com/a%20b?q=%E2%9C%93#part', ['93.184.216.34'], '93.184.216.34:80'],
  ['http://example.com/search?q=user:password@host', ['93.184.216.34'], '93.184.216.34:80'],
  ['  http://example.com/trimmed  ', ['93.184.216.34'], '93.184.216.34:80'],
  [`http://example.com/${'long/'.repeat(800)}`, ['93.184.216.34'], '93.184.216.34:80'],
]

let origin: Origin
let proxy: ConnectProxy
beforeAll(async () => {
  origin = await serveOrigin((req, res) => res.end(`${req.headers.host} ${req.url}`))
  proxy = await serveProxy(origin)
})
beforeEach(() => {
  proxy.targets.length = 0
})
afterAll(async () => {
  await proxy.close()
  await origin.close()
})

describe('the public internet', () => {
  it.each(literals)('is connected to at the very address: %s', async (url, target) => {
    const safeFetch = createSafeFetch({ proxy: proxy.url })
    const response = await safeFetch(url)
    expect([response.status, await response.text()]).toEqual([
      200,
      `${new URL(url).host} ${new URL(url).pathname}${new URL(url).search}`,
    ])
    expect(proxy.targets).toEqual([target])
    await safeFetch.close()
  })

  it.each(names)(
    'is connected to by name, at the address that was checked: %s',
    async (url, addresses, target) => {
      const list = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      const safeFetch = createSafeFetch({ proxy: proxy.url, lookup: async () => list })
      const response = await safeFetch(url)
      expect([response.status, proxy.targets]).toEqual([200, [target]])
      expect(await response.text()).toContain(new URL(url).pathname)
      await safeFetch.close()
    },
  )
})

describe('what the operator opens', () => {
  it.each([
    ['an address and its port', () => `127.0.0.1:${origin.port}`, '127.0.0.1'],
    ['a name and its port', () => `localhost:${origin.port}`, 'localhost'],
    ['a name in any case', () => `LocalHost:${origin.port}`, 'localhost'],
    ['a range', () => '127.0.0.0/8', 'localhost'],
    ['one address as a range', () => '127.0.0.1/32', '127.0.0.1'],
  ])('is connected to: %s', async (_, allow, host) => {
    const safeFetch = createSafeFetch({ allow: [allow()] })
    const response = await safeFetch(`http://${host}:${origin.port}/inside`)
    expect(await response.text()).toBe(`${host}:${origin.port} /inside`)
    await safeFetch.close()
  })

  it('covers a mapped form of an IPv4 range', async () => {
    const safeFetch = createSafeFetch({ allow: ['127.0.0.0/8'] })
    const response = await safeFetch(`http://[::ffff:127.0.0.1]:${origin.port}/`)
    expect(response.status).toBe(200)
    await safeFetch.close()
  })

  it.each([
    ['another port', '127.0.0.1:1', 'http://127.0.0.1:PORT/'],
    ['another name for it', '127.0.0.1:PORT', 'http://localhost:PORT/'],
    ['another address of it', 'localhost:PORT', 'http://127.0.0.1:PORT/'],
    ['a subdomain', 'localhost:PORT', 'http://a.localhost:PORT/'],
    ['a neighbouring range', '10.0.0.0/8', 'http://127.0.0.1:PORT/'],
  ])('opens nothing beside it: %s', async (_, allow, url) => {
    const port = String(origin.port)
    const safeFetch = createSafeFetch({
      allow: [allow.replace('PORT', port)],
      lookup: async () => [{ address: '127.0.0.1', family: 4 }],
    })
    await expect(safeFetch(url.replace('PORT', port))).rejects.toMatchObject({ code: 'url_not_allowed' })
    await safeFetch.close()
  })

  it.each(['169.254.169.254', '0.0.0.0', 'fe80::1', '224.0.0.1', '168.63.129.16'])(
    'never lets a name that it opened lead to %s',
    async (address) => {
      const safeFetch = createSafeFetch({
        allow: ['idp.cluster.local:8443'],
        lookup: async () => [{ address, family: address.includes(':') ? 6 : 4 }],
      })
      await expect(safeFetch('http://idp.cluster.local:8443/')).rejects.toMatchObject({
        code: 'url_not_allowed',
      })
      await safeFetch.close()
    },
  )

  it.each([
    '0.0.0.0/0',
    '::/0',
    '0.0.0.0/1',
    '2000::/3',
    '::/8',
    '10.0.0.0/33',
    '10.0.0.0',
    'localhost',
    'http://localhost:3000',
    'localhost:0',
    'localhost:70000',
    '*:80',
    '*.example.com:80',
    '',
    'a b:80',
    'user@host:80',
    '10.0.0.0/8/8',
    'example.com/8',
  ])('is refused where it says too much or nothing: %j', (entry) => {
    expect(() => createSafeFetch({ allow: [entry] })).toThrow(TypeError)
  })
})

describe('an egress list', () => {
  const lookup = async () => [{ address: '93.184.216.34', family: 4 }]
  const egress = ['api.example.com', '*.data.example.org', 'files.example.net:8080']

  it.each([
    'http://api.example.com/',
    'http://API.example.com./x',
    'http://eu.data.example.org/',
    'http://a.b.data.example.org/',
    'http://files.example.net:8080/',
  ])('lets through %s', async (url) => {
    const safeFetch = createSafeFetch({ proxy: proxy.url, lookup, egress })
    expect((await safeFetch(url)).status).toBe(200)
    await safeFetch.close()
  })

  it.each([
    'http://example.com/',
    'http://data.example.org/',
    'http://evildata.example.org/',
    'http://api.example.com.evil.example/',
    'http://api.example.com:8080/',
    'http://files.example.net/',
    'http://93.184.216.34/',
  ])('stops %s', async (url) => {
    const safeFetch = createSafeFetch({ proxy: proxy.url, lookup, egress })
    await expect(safeFetch(url)).rejects.toMatchObject({ code: 'url_not_allowed' })
    expect(proxy.targets).toEqual([])
    await safeFetch.close()
  })

  it('opens no private address', async () => {
    const safeFetch = createSafeFetch({ egress: ['127.0.0.1:8080', 'localhost:8080'] })
    await expect(safeFetch('http://127.0.0.1:8080/')).rejects.toMatchObject({ code: 'url_not_allowed' })
    await expect(safeFetch('http://localhost:8080/')).rejects.toMatchObject({ code: 'url_not_allowed' })
    await safeFetch.close()
  })
})
