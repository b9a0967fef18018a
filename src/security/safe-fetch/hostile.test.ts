import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ConnectProxy,
  countSockets,
  type Origin,
  serveOrigin,
  serveProxy,
} from '../../../test/security/fetch-world.js'
import { createSafeFetch } from './safe-fetch.js'

// `PORT` stands for a server that listens on this machine and would answer.
const urls: readonly [why: string, url: string][] = [
  ['loopback', 'http://127.0.0.1:PORT/'],
  ['loopback, another of its addresses', 'http://127.0.0.2:PORT/'],
  ['loopback, the last of them', 'http://127.255.255.254:PORT/'],
  ['loopback, short', 'http://127.1:PORT/'],
  ['loopback, shorter', 'http://127.0.1:PORT/'],
  ['loopback, decimal', 'http://2130706433:PORT/'],
  ['loopback, hexadecimal', 'http://0x7f000001:PORT/'],
  ['loopback, hexadecimal bytes', 'http://0x7f.0x0.0x0.0x1:PORT/'],
  ['loopback, octal', 'http://0177.0.0.1:PORT/'],
  ['loopback, octal with zeros', 'http://00000177.0.0.01:PORT/'],
  ['loopback, mixed', 'http://0x7f.1:PORT/'],
  ['loopback, wide digits', 'http://１２７.０.０.１:PORT/'],
  ['loopback, circled digits', 'http://①②⑦.⓪.⓪.①:PORT/'],
  ['loopback, ideographic dots', 'http://127。0。0。1:PORT/'],
  ['loopback, a final dot', 'http://127.0.0.1.:PORT/'],
  ['loopback, percent-encoded', 'http://%31%32%37.0.0.1:PORT/'],
  ['loopback, tabs and line ends', 'http://127\t.0.0\n.1:PORT/'],
  ['loopback, backslashes', 'http:\\\\127.0.0.1:PORT\\'],
  ['loopback, no slashes', 'http:127.0.0.1:PORT'],
  ['loopback, many slashes', 'http://////127.0.0.1:PORT/'],
  ['loopback, in capitals', 'HTTP://LOCALHOST:PORT/'],
  ['loopback, by name', 'http://localhost:PORT/'],
  ['loopback, by name with a final dot', 'http://localhost.:PORT/'],
  ['loopback, by a soft hyphen in its name', 'http://local\u00adhost:PORT/'],
  ['loopback, by wide letters', 'http://ｌｏｃａｌｈｏｓｔ:PORT/'],
  ['unspecified', 'http://0.0.0.0:PORT/'],
  ['unspecified, short', 'http://0:PORT/'],
  ['this network', 'http://0.1.2.3:PORT/'],
  ['IPv6 loopback', 'http://[::1]:PORT/'],
  ['IPv6 loopback, written out', 'http://[0:0:0:0:0:0:0:1]:PORT/'],
  ['IPv6 unspecified', 'http://[::]:PORT/'],
  ['mapped', 'http://[::ffff:127.0.0.1]:PORT/'],
  ['mapped, hexadecimal', 'http://[::ffff:7f00:1]:PORT/'],
  ['mapped private', 'http://[::ffff:10.0.0.1]/'],
  ['mapped metadata', 'http://[::ffff:169.254.169.254]/'],
  ['compatible', 'http://[::127.0.0.1]:PORT/'],
  ['compatible private', 'http://[::192.168.1.1]/'],
  ['translated (SIIT)', 'http://[::ffff:0:127.0.0.1]:PORT/'],
  ['NAT64', 'http://[64:ff9b::127.0.0.1]:PORT/'],
  ['NAT64 private', 'http://[64:ff9b::a00:1]/'],
  ['NAT64 metadata', 'http://[64:ff9b::169.254.169.254]/'],
  ['NAT64, local prefix', 'http://[64:ff9b:1::8.8.8.8]/'],
  ['6to4 of loopback', 'http://[2002:7f00:1::]/'],
  ['6to4 of private', 'http://[2002:c0a8:101::1]/'],
  ['Teredo whose client is private', 'http://[2001:0:808:808:0:0:f5ff:fffe]/'],
  ['Teredo whose server is loopback', 'http://[2001:0:7f00:1:0:0:f7f7:f7f7]/'],
  ['ISATAP', 'http://[2001:4860::5efe:10.0.0.1]/'],
  ['ISATAP, unique', 'http://[2001:4860::200:5efe:127.0.0.1]/'],
  ['private 10', 'http://10.0.0.1/'],
  ['private 172', 'http://172.16.0.1/'],
  ['private 172, its end', 'http://172.31.255.255/'],
  ['private 192', 'http://192.168.0.1/'],
  ['carrier-grade NAT', 'http://100.64.0.1/'],
  ['carrier-grade NAT, its end', 'http://100.127.255.254/'],
  ['link-local', 'http://169.254.1.1/'],
  ['AWS, Azure, GCP metadata', 'http://169.254.169.254/latest/meta-data/'],
  ['metadata, decimal', 'http://2852039166/'],
  ['metadata, hexadecimal', 'http://0xa9fea9fe/'],
  ['metadata, octal', 'http://0251.0376.0251.0376/'],
  ['ECS credentials', 'http://169.254.170.2/v2/credentials'],
  ['Alibaba metadata', 'http://100.100.100.200/'],
  ['Oracle metadata', 'http://192.0.0.192/'],
  ['Azure host agent', 'http://168.63.129.16/'],
  ['GCP metadata, by name', 'http://metadata.google.internal/computeMetadata/v1/'],
  ['GCP metadata, with a final dot', 'http://metadata.google.internal./'],
  ['GCP metadata, short', 'http://METADATA/'],
  ['EC2, by name', 'http://instance-data/latest/'],
  ['EC2 over IPv6', 'http://[fd00:ec2::254]/'],
  ['IETF assignments', 'http://192.0.0.1/'],
  ['documentation 1', 'http://192.0.2.1/'],
  ['documentation 2', 'http://198.51.100.1/'],
  ['documentation 3', 'http://203.0.113.1/'],
  ['6to4 relay', 'http://192.88.99.1/'],
  ['benchmarking', 'http://198.18.0.1/'],
  ['benchmarking, its end', 'http://198.19.255.254/'],
  ['multicast', 'http://224.0.0.1/'],
  ['multicast, SSDP', 'http://239.255.255.250/'],
  ['reserved', 'http://240.0.0.1/'],
  ['broadcast', 'http://255.255.255.255/'],
  ['unique local', 'http://[fc00::1]/'],
  ['unique local, in use', 'http://[fd12:3456:789a::1]/'],
  ['link-local IPv6', 'http://[fe80::1]/'],
  ['site-local IPv6', 'http://[fec0::1]/'],
  ['multicast IPv6', 'http://[ff02::1]/'],
  ['documentation IPv6', 'http://[2001:db8::1]/'],
  ['new documentation IPv6', 'http://[3fff::1]/'],
  ['benchmarking IPv6', 'http://[2001:2::1]/'],
  ['ORCHID', 'http://[2001:10::1]/'],
  ['ORCHID 2', 'http://[2001:20::1]/'],
  ['discard-only', 'http://[100::1]/'],
  ['SRv6', 'http://[5f00::1]/'],
  ['6bone', 'http://[3ffe::1]/'],
  ['never assigned', 'http://[4000::1]/'],
  ['file', 'file:///etc/passwd'],
  ['file with a host', 'file://127.0.0.1/etc/passwd'],
  ['ftp', 'ftp://example.com/'],
  ['gopher', 'gopher://127.0.0.1:6379/_INFO'],
  ['data', 'data:text/plain,hello'],
  ['blob', 'blob:http://127.0.0.1/1'],
  ['javascript', 'javascript:alert(1)'],
  ['about', 'about:blank'],
  ['web socket', 'ws://127.0.0.1:PORT/'],
  ['user and password', 'http://user:password@example.com/'],
  ['user only', 'http://user@example.com/'],
  ['a host that is a user name', 'http://example.com@127.0.0.1:PORT/'],
  ['a host that is a password', 'http://example.com:80@127.0.0.1:PORT/'],
  ['an encoded @', 'http://example.com%40127.0.0.1:PORT/'],
  ['SMTP', 'http://example.com:25/'],
  ['SSH', 'http://example.com:22/'],
  ['DNS', 'http://example.com:53/'],
  ['IRC', 'http://example.com:6667/'],
  ['port 0', 'http://example.com:0/'],
  ['NFS', 'https://example.com:2049/'],
  ['no URL', '127.0.0.1'],
  ['a path', '/etc/passwd'],
  ['protocol-relative', '//127.0.0.1:PORT/'],
  ['empty', ''],
  ['a port that is none', 'http://example.com:99999/'],
  ['brackets without an address', 'http://[localhost]/'],
  ['a zone', 'http://[fe80::1%25eth0]/'],
  ['NUL', 'http://127.0.0.1\0.example.com/'],
  ['too long', `http://example.com/${'a'.repeat(10_000)}`],
]

/** What a hostile name server answers. */
const answers: readonly [why: string, addresses: readonly string[]][] = [
  ['loopback', ['127.0.0.1']],
  ['private', ['10.1.2.3']],
  ['metadata', ['169.254.169.254']],
  ['IPv6 loopback', ['::1']],
  ['mapped loopback', ['::ffff:127.0.0.1']],
  ['mapped, hexadecimal', ['::ffff:7f00:1']],
  ['compatible loopback', ['::7f00:1']],
  ['NAT64 of private', ['64:ff9b::c0a8:1']],
  ['6to4 of private', ['2002:a00:1::']],
  ['link-local with a zone', ['fe80::1%lo']],
  ['IPv6 loopback with a zone', ['::1%lo']],
  ['unique local', ['fd00::1']],
  ['unspecified', ['0.0.0.0']],
  ['a public one first', ['93.184.216.34', '127.0.0.1']],
  ['a private one first', ['192.168.1.1', '93.184.216.34']],
  ['a public IPv6 and a loopback', ['2606:2800:220:1::1', '::1']],
  ['short, which some resolvers take for loopback', ['127.1']],
  ['octal', ['0177.0.0.1']],
  ['decimal', ['2130706433']],
  ['hexadecimal', ['0x7f000001']],
  ['a name', ['localhost']],
  ['rubbish', ['not an address']],
  ['empty', ['']],
]

/** Those that lead away from where they stand; beside them are paths, to which a redirect is one within its origin. */
const elsewhere = urls.filter(([, url]) => {
  const base = 'http://here.example.com/'
  const location = encodeURI(url)
  return !URL.canParse(location, base) || new URL(location, base).host !== 'here.example.com'
})

let origin: Origin
let proxy: ConnectProxy
beforeAll(async () => {
  origin = await serveOrigin((_req, res) => res.end('secret'), '::')
  proxy = await serveProxy(origin)
})
afterAll(async () => {
  await proxy.close()
  await origin.close()
})

/** Fails unless it was refused before anything was opened. */
async function refusedUnconnected(attempt: () => Promise<unknown>): Promise<void> {
  const sockets = countSockets()
  const before = origin.requests()
  try {
    await expect(attempt()).rejects.toMatchObject({ code: 'url_not_allowed' })
    expect([sockets.opened(), origin.requests() - before]).toEqual([0, 0])
  } finally {
    sockets.stop()
  }
}

describe('hostile URLs', () => {
  const safeFetch = createSafeFetch()
  afterAll(() => safeFetch.close())

  it.each(urls)('are not connected to: %s', async (_, url) => {
    await refusedUnconnected(() => safeFetch(url.replaceAll('PORT', String(origin.port))))
  })

  it.each(urls)('are not asked of a proxy: %s', async (_, url) => {
    const proxied = createSafeFetch({ proxy: proxy.url })
    await refusedUnconnected(() => proxied(url.replaceAll('PORT', String(origin.port))))
    expect(proxy.targets).toEqual([])
    await proxied.close()
  })

  it.each(elsewhere)('are not followed to: %s', async (_, url) => {
    const location = encodeURI(url.replaceAll('PORT', String(origin.port)))
    const open = await serveOrigin((_req, res) => res.writeHead(302, { location }).end())
    const following = createSafeFetch({ allow: [`127.0.0.1:${open.port}`] })
    const before = origin.requests()
    await expect(following(open.url)).rejects.toMatchObject({ code: 'url_not_allowed' })
    expect([open.requests(), origin.requests() - before]).toEqual([1, 0])
    await following.close()
    await open.close()
  })
})

describe('names of hostile resolvers', () => {
  it.each(answers)('are not connected to: %s', async (_, addresses) => {
    const list = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    for (const proxied of [{}, { proxy: proxy.url }]) {
      const safeFetch = createSafeFetch({ ...proxied, lookup: async () => list })
      await refusedUnconnected(() => safeFetch(`http://rebind.example.com:${origin.port}/`))
      await safeFetch.close()
    }
  })

  it('are resolved once for each connection, so that a second answer is never asked for', async () => {
    let asked = 0
    const safeFetch = createSafeFetch({
      allow: [`first.example.com:${origin.port}`],
      lookup: async () => {
        asked += 1
        return [{ address: asked === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]
      },
    })
    const response = await safeFetch(`http://first.example.com:${origin.port}/`)
    expect([await response.text(), asked]).toEqual(['secret', 1])
    await safeFetch.close()
  })
})
