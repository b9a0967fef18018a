import { describe, expect, it } from 'vitest'
import { systemClock } from '../contracts/clock.js'
import type { Store } from '../contracts/store.js'
import { DefinitionError } from '../errors/definition-error.js'
import type { HttpOptions } from '../transports/http/options.js'
import { checkServerOptions } from './check-options.js'
import { createServer } from './create-server.js'
import type { ServerOptions } from './options.js'

const given = { name: 'orders', version: '1.0.0' }
const logger = { debug() {}, info() {}, warn() {}, error() {} }

/** `Required` at each level: an option that is added to a type and not here does not compile. */
const http: Required<HttpOptions> = {
  host: '0.0.0.0',
  port: 0,
  path: '/api/v1/mcp',
  allowedHosts: ['mcp.example.com'],
  allowedOrigins: ['https://app.example.com'],
  publicUrl: 'https://mcp.example.com/mcp',
  trustedProxies: ['10.0.0.0/8'],
  maxBodyBytes: 1000,
  bodyTimeout: '2s',
  maxRequests: 1,
  maxUnreadBytes: 1,
  maxStreams: 1,
  maxEventBytes: 1,
  keepAlive: '5s',
}
const limits: Required<NonNullable<ServerOptions['limits']>> = {
  maxDepth: 10,
  maxBatch: 1,
  maxInFlight: 1,
  maxSubscriptions: 1,
}
const fetch: Required<NonNullable<ServerOptions['fetch']>> = {
  allow: ['localhost:3000', '10.20.0.0/16'],
  egress: ['api.example.com', '*.example.org'],
  lookup: async () => [],
  maxBytes: 1,
  timeoutMs: 1,
  maxRedirects: 0,
  maxHeaderBytes: 1,
  maxConcurrent: 1,
  proxy: 'http://proxy.example.com:3128',
}
const store: Store = {
  async get() {
    return undefined
  },
  async set() {},
  async setIfAbsent() {
    return true
  },
  async delete() {},
}
const rate = { limit: 60, per: '1m', burst: 10 } as const
const all: Required<ServerOptions> = {
  name: 'Bestellungen – größer',
  version: '1.0.0-rc.1+build',
  title: 'Orders',
  description: 'Two\nlines.',
  websiteUrl: 'https://example.com',
  icons: [
    { src: 'https://example.com/i.png', mimeType: 'image/png', sizes: ['48x48', 'any'], theme: 'dark' },
    { src: 'data:image/svg+xml;base64,AAAA' },
  ],
  instructions: 'Read.\nThen call.',
  revisions: ['2025-11-25'],
  services: { db: new Map() },
  auth: { authenticate: () => ({ ok: false, status: 401, message: 'No.' }) },
  keys: ['a secret of 32 characters or more'],
  timeout: 250,
  pageSize: 1,
  limits,
  tasks: {
    ttl: '1h',
    pollInterval: '1s',
    limit: 5,
    lease: '5s',
  },
  stores: {
    bus: { publish() {}, subscribe: () => () => undefined },
    cache: store,
    records: store,
    rates: { take: () => ({ allowed: true }) },
    tasks: {
      async create() {},
      async get() {
        return undefined
      },
      async update() {},
    },
    events: {
      append: () => true,
      end() {},
      after: () => undefined,
      forget() {},
    },
    leases: {
      hold: async () => [],
      async release() {},
      claim: async () => [],
    },
    shared: false,
    bounded: [],
    health: () => [],
    async close() {},
  },
  blocking: { after: '1s' },
  workers: { threads: 2, maxQueue: 0, memory: 64, idleTimeout: '5s' },
  rateLimit: { principal: rate, server: rate, completion: { limit: 1, per: '1s' } },
  concurrency: { principal: 5, server: { limit: 100, queue: 0, by: 'everyone' } },
  audit: () => undefined,
  cache: { maxEntries: 1, maxBytes: 1 },
  results: { bytes: 4096, tokens: 1024, items: 1 },
  spill: {
    directory: '/var/spool/orders',
    shared: false,
    maxBytes: 1,
    maxBytesPerPrincipal: 1,
    maxFile: 1,
    maxFiles: 1,
    ttl: '15m',
    sweep: '1m',
  },
  extensions: { 'com.example/things': { size: 1 }, 'com.example/none': {} },
  fetch,
  http,
  logger,
  clock: systemClock,
  development: false,
}

const refusal = (options: object): Error => {
  try {
    checkServerOptions(options)
  } catch (error) {
    if (error instanceof DefinitionError) return error
    throw error
  }
  throw new Error('Nothing was refused.')
}

describe('checkServerOptions', () => {
  it('knows every option of the types', () => {
    expect(() => checkServerOptions(all)).not.toThrow()
  })

  it.each(Object.keys(all))('looks at %s', (option) => {
    // A symbol is no option's value, so a table that lets one through does not look.
    expect(refusal({ ...given, [option]: Symbol('wrong') }).message).toContain(`"${option}"`)
  })

  it.each(Object.keys(http))('looks at http.%s', (option) => {
    expect(refusal({ ...given, http: { [option]: Symbol('wrong') } }).message).toContain(`"http.${option}"`)
  })

  it.each(Object.keys(fetch))('looks at fetch.%s', (option) => {
    expect(refusal({ ...given, fetch: { [option]: Symbol('wrong') } }).message).toContain(`"fetch.${option}"`)
  })

  it.each([
    ['allow', '0.0.0.0/0', 'opens too much'],
    ['allow', 'localhost', 'is neither host:port nor an address range'],
    ['egress', 'https://example.com', 'is no host'],
  ])('reads the entries of fetch.%s: %s', (list, entry, why) => {
    const { message } = refusal({ ...given, fetch: { [list]: [entry] } })
    expect([message.startsWith(`"fetch.${list}": "${entry}"`), message.includes(why)]).toEqual([true, true])
  })

  it.each(Object.keys(limits))('looks at limits.%s', (option) => {
    expect(refusal({ ...given, limits: { [option]: -1 } }).message).toContain(`"limits.${option}"`)
  })

  it('takes undefined as left out, a class for a logger and a path of one slash', () => {
    class Log {
      debug() {}
      info() {}
      warn() {}
      error() {}
    }
    const undefinedOnes = Object.fromEntries(Object.keys(all).map((option) => [option, undefined]))
    expect(() => checkServerOptions({ ...undefinedOnes, ...given })).not.toThrow()
    expect(() => checkServerOptions({ ...given, logger: new Log(), http: { path: '/' } })).not.toThrow()
  })

  it.each<[object, string]>([
    [{ name: '' }, '"name" must be one line of text with 1 to 128 characters'],
    [{ name: undefined }, '"name" must be one line of text'],
    [{ name: undefined }, 'received nothing; write a name such as "orders".'],
    [{ name: 'a\u0000b' }, 'none of them a control character'],
    [{ name: 'a\nb' }, 'none of them a control character'],
    [{ name: 'a\u202eb' }, 'none of them a control character'],
    [{ name: 'a\ud800' }, 'none of them a control character'],
    [{ name: 'x'.repeat(129) }, '1 to 128 characters'],
    [{ version: 1 }, '"version" must be one line of text'],
    [{ version: 1 }, 'received 1; write your own version, such as "1.0.0".'],
    [{ title: ' ' }, '"title"'],
    [{ description: 5 }, '"description" must be a text, received 5; say in a sentence'],
    [{ instructions: ['Read.'] }, '"instructions" must be a text, received an array; say what a model'],
    [{ websiteUrl: 'example.com' }, '"websiteUrl" must be an http or https address, received "example.com"'],
    [{ icons: 'x' }, '"icons" must be an array, received "x"; write [{ src:'],
    [{ icons: [{ src: 'http://example.com/i.png' }] }, '"icons[0].src" must be an https: or data: URL'],
    [{ icons: [{ sizes: [] }] }, '"icons[0].src" must be an https: or data: URL, received nothing'],
    [
      { icons: [{ src: 'data:,', size: '1x1' }] },
      '"icons[0].size" is no option of an icon; use "icons[0].sizes".',
    ],
    [{ icons: [{ src: 'data:,', sizes: ['big'] }] }, '"icons[0].sizes[0]" must be a size such as "48x48"'],
    [{ icons: ['https://example.com/i.png'] }, '"icons[0]" must be an object, received "https://example.com'],
    [
      { revisions: '2025-11-25' },
      '"revisions" must be an array, received "2025-11-25"; write ["2025-11-25"]',
    ],
    [{ services: [] }, '"services" must be an object, received an array; give each service a name'],
    [{ services: null }, '"services" must be an object, received null'],
    [{ auth: () => true }, '"auth.authenticate" must be a function, received nothing'],
    [{ auth: 5 }, '"auth" must be an object with the function authenticate, received 5'],
    [{ keys: { current: 'a' } }, '"keys" must be an array of texts, received a value of type object; write'],
    [{ timeout: null }, '"timeout" must be a positive number of milliseconds or a text such as "2s"'],
    [{ timeout: '2 weeks' }, 'received "2 weeks"'],
    [{ timeout: Number.POSITIVE_INFINITY }, 'received Infinity'],
    [{ pageSize: 0 }, '"pageSize" must be a whole number from 1, received 0; leave it out for 1000.'],
    [{ pageSize: '10' }, '"pageSize" must be a whole number from 1, received "10"'],
    [{ limits: 5 }, '"limits" must be an object, received 5; write { maxInFlight: 1000 }.'],
    [
      { limits: { maxInFlight: -1 } },
      '"limits.maxInFlight" must be a whole number from 1, received -1; leave',
    ],
    [
      { limits: { maxDepth: Number.NaN } },
      '"limits.maxDepth" must be a whole number from 8 to 1000, received NaN; leave it out for 64.',
    ],
    [{ limits: { maxDepth: 7 } }, 'from 8 to 1000, received 7'],
    [{ limits: { maxBatch: 1.5 } }, '"limits.maxBatch" must be a whole number from 1, received 1.5'],
    [{ limits: { maxDept: 8 } }, '"limits.maxDept" is no option of "limits"; use "limits.maxDepth".'],
    [{ extensions: [] }, '"extensions" must be an object, received an array; name each by its id'],
    [{ extensions: { 'a/b': true } }, '"extensions.a/b" must be an object of settings, received true'],
    [{ http: null }, '"http" must be an object, received null'],
    [
      { http: { maxBodyBytes: Number.NaN } },
      '"http.maxBodyBytes" must be a whole number from 1 to 524288000',
    ],
    [{ http: { maxRequests: -5 } }, '"http.maxRequests" must be a whole number from 1, received -5'],
    [{ http: { maxUnreadBytes: 'x' } }, '"http.maxUnreadBytes" must be a whole number from 1, received "x"'],
    [{ http: { path: 'mcp' } }, '"http.path" must be a path that begins with one "/", received "mcp"; write'],
    [{ http: { path: '/mcp?a=1' } }, 'without query and fragment'],
    [{ http: { path: '//mcp' } }, '"http.path"'],
    [{ http: { path: '/größe' } }, '"http.path"'],
    [{ http: { port: 70_000 } }, '"http.port" must be a whole number from 0 to 65535, received 70000'],
    [{ http: { host: 'http://localhost' } }, '"http.host" must be an address or host name'],
    [{ http: { publicUrl: 'mcp.example.com' } }, '"http.publicUrl" must be an http or https address'],
    [{ http: { allowedHosts: 'a.example' } }, '"http.allowedHosts" must be an array, received "a.example"'],
    [
      { http: { allowedOrigins: [5] } },
      '"http.allowedOrigins[0]" must be a text that is not empty, received 5',
    ],
    [{ http: { bodyTimeout: 0 } }, '"http.bodyTimeout" must be a positive number'],
    [{ http: { logger } }, '"http.logger" is no option of "http"; write "logger" beside "http".'],
    [
      { logger: { info() {} } },
      '"logger.debug" must be a function, received nothing; give a logger that has all',
    ],
    [{ logger: 'x' }, '"logger" must be an object with the functions debug, info, warn, error'],
    [{ clock: { now: Date.now } }, '"clock.monotonic" must be a function, received nothing'],
    [{ development: 'yes' }, '"development" must be true or false, received "yes"'],
    [{ pageSise: 10 }, '"pageSise" is no option of createServer; use "pageSize".'],
    [{ port: 3000 }, '"port" is no option of createServer; use "http.port".'],
    [{ maxInFlight: 5 }, 'use "limits.maxInFlight".'],
    [{ authenticate: {} }, 'use "auth".'],
    [{ tools: [] }, 'add each with server.tool(...).'],
    [{ capabilities: {} }, 'drop it, because they follow from what the server defines.'],
    [{ colour: 'red' }, '"colour" is no option of createServer; drop it; there are name, version, title'],
    [{ constructor: 1 }, '"constructor" is no option of createServer'],
  ])('refuses %j: %s', (wrong, sentence) => {
    const { message } = refusal({ ...given, ...wrong })
    expect(message).toContain(sentence)
    expect(message).toMatch(/^"[^\n]+\.$/)
  })

  it.each([undefined, null, 'orders', [given], () => given])('refuses %j for options', (options) => {
    expect(() => checkServerOptions(options)).toThrow(DefinitionError)
    expect(() => checkServerOptions(options)).toThrow('createServer takes an object of options, received')
  })

  it('never shows a key, nor what is in services', () => {
    const secret = 'not for any eye, and of 32 characters'
    expect(refusal({ ...given, keys: secret }).message).not.toContain('eye')
    expect(refusal({ ...given, services: [secret] }).message).not.toContain('eye')
  })

  it.each([undefined, []])('refuses shared stores with the keys %j, and says how to make one', (keys) => {
    const options = { ...given, stores: { shared: true }, ...(keys && { keys }) }
    const create = () => createServer(options)
    expect(create).toThrow(DefinitionError)
    expect(create).toThrow(
      /^"keys" must be given with shared "stores"[^\n]+`openssl rand -base64 32`[^\n]+\.$/,
    )
    expect(() => createServer({ ...options, keys: all.keys })).not.toThrow()
  })

  it('is asked by createServer', () => {
    expect(() => createServer({ ...given, limits: { maxInFlight: -1 } })).toThrow('"limits.maxInFlight"')
    // @ts-expect-error: there is no such option
    expect(() => createServer({ ...given, pageSise: 5 })).toThrow('use "pageSize"')
  })
})
