import type { Stores } from '../contracts/stores.js'
import {
  checkOptions,
  duration,
  flag,
  httpUrl,
  icons,
  isObject,
  line,
  listOf,
  methods,
  type OptionTable,
  options,
  type Rule,
  recordOf,
  rule,
  text,
  whole,
} from '../engine/option-rules.js'
import { concurrency, rateTable } from '../engine/policy-tables.js'
import { resultTable } from '../engine/result-limit.js'
import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import { readAllow, readEgressRule } from '../security/safe-fetch/destination-lists.js'
import type { SafeFetchOptions } from '../security/safe-fetch/options.js'
import type { SpillSettings } from '../spill/options.js'
import type { HttpOptions } from '../transports/http/options.js'
import type { TasksSettings } from './features.js'
import type { BlockingOptions, CacheLimits, ConcurrencyLimits, RateLimits, ServerOptions } from './options.js'
import type { WorkerLimits } from './workers.js'

const most = Number.MAX_SAFE_INTEGER
/** The longest that a timer can wait, in milliseconds. */
const mostNumber = 2 ** 31 - 1
/** A body becomes one text, and V8 makes none longer than 2^29 - 24 characters. */
const mostBodyBytes = 500 * 1024 * 1024
/** The declared capabilities of a client alone are six levels deep (2026-07-28, `_meta`). */
const leastDepth = 8
/** Beyond it, what reads a message level by level could run out of stack. */
const mostDepth = 1000

/** Each costs some 5 MB before it does anything. */
const mostThreads = 1000
/** With less a thread cannot load a module of some size. */
const leastMemoryMb = 16

const limitRules = {
  maxDepth: whole(leastDepth, mostDepth, 'leave it out for 64'),
  maxBatch: whole(1, most, 'leave it out for 50'),
  maxInFlight: whole(1, most, 'leave it out for 1000'),
  maxSubscriptions: whole(1, most, 'leave it out for 5000'),
} satisfies Record<keyof NonNullable<ServerOptions['limits']>, Rule>

const httpRules = {
  host: rule(
    (value) => typeof value === 'string' && /^[^\s/?#@]+$/.test(value),
    'an address or host name of this machine',
    'write it without scheme and port, such as "127.0.0.1"',
  ),
  port: whole(0, 65_535, 'leave it out for 3000, or write 0 for a free one'),
  path: rule(
    (value) => typeof value === 'string' && /^\/(?:[!"$-.0->@-~][!"$->@-~]*)?$/.test(value),
    'a path that begins with one "/"',
    'write it as clients send it, without query and fragment, such as "/mcp"',
  ),
  allowedHosts: texts('write ["mcp.example.com"]'),
  allowedOrigins: texts('write ["https://app.example.com"]'),
  publicUrl: httpUrl,
  trustedProxies: texts('write addresses or CIDR ranges, such as ["10.0.0.0/8"]'),
  maxBodyBytes: whole(1, mostBodyBytes, 'leave it out for 4 MiB'),
  bodyTimeout: duration,
  maxRequests: whole(1, most, 'leave it out for 10000'),
  maxUnreadBytes: whole(1, most, 'leave it out for 1 MiB'),
  maxStreams: whole(1, most, 'leave it out for 5000'),
  maxEventBytes: whole(1, most, 'leave it out for 16 MiB'),
  keepAlive: duration,
} satisfies Record<keyof HttpOptions, Rule>

const taskRules = {
  ttl: duration,
  pollInterval: duration,
  limit: whole(1, most, 'leave it out for 1000'),
  lease: duration,
} satisfies Record<keyof TasksSettings, Rule>

const store = methods(
  ['get', 'set', 'setIfAbsent', 'delete'],
  'give a store that has all four, or leave it out',
)

const storeRules = {
  bus: methods(['publish', 'subscribe'], 'give a bus that has both, or leave it out'),
  cache: store,
  records: store,
  rates: methods(['take'], 'give a store of rates, or leave it out'),
  tasks: methods(['create', 'get', 'update'], 'give a task store that has all three, or leave it out'),
  events: methods(
    ['append', 'end', 'after', 'forget'],
    'give a store of events that has all four, or leave it out',
  ),
  leases: methods(['hold', 'release', 'claim'], 'give leases that have all three, or leave it out'),
  shared: flag,
  bounded: listOf(methods(['stats'], 'leave it out'), 'leave it out'),
  health: rule((value) => typeof value === 'function', 'a function', 'leave it out'),
  close: rule((value) => typeof value === 'function', 'a function', 'leave it out'),
} satisfies Record<keyof Stores, Rule>

const rate = options(rateTable)

const rateLimitRules = {
  principal: rate,
  server: rate,
  completion: rate,
} satisfies Record<keyof RateLimits, Rule>

const concurrencyRules = {
  principal: concurrency,
  server: concurrency,
} satisfies Record<keyof ConcurrencyLimits, Rule>

const cacheRules = {
  maxEntries: whole(1, most, 'leave it out for 10000'),
  maxBytes: whole(1, most, 'leave it out for 64 MiB'),
} satisfies Record<keyof CacheLimits, Rule>

const workerRules = {
  threads: whole(1, mostThreads, 'leave it out for one less than there are cores'),
  maxQueue: whole(0, mostNumber, 'leave it out for eight for each thread'),
  memory: whole(leastMemoryMb, mostNumber, 'count megabytes, or leave it out for 256'),
  idleTimeout: duration,
} satisfies Record<keyof WorkerLimits, Rule>

const fetchRules = {
  allow: destinations(readAllow),
  egress: destinations(readEgressRule),
  lookup: rule((value) => typeof value === 'function', 'a function', 'give one like dns.lookup'),
  maxBytes: whole(1, mostNumber, 'leave it out for 10 MiB'),
  timeoutMs: whole(1, mostNumber, 'leave it out for 30000'),
  maxRedirects: whole(0, mostNumber, 'leave it out for 5'),
  maxHeaderBytes: whole(1, mostNumber, 'leave it out for 16 KiB'),
  maxConcurrent: whole(1, mostNumber, 'leave it out for 100'),
  proxy: httpUrl,
} satisfies Record<keyof SafeFetchOptions, Rule>

const spillTable: OptionTable = {
  what: '"spill"',
  example: "{ ttl: '15m' }",
  rules: {
    directory: rule(
      (value) => typeof value === 'string' && value.trim() !== '' && !value.includes('\0'),
      'the path of a directory',
      'name one of its own, or leave it out',
    ),
    shared: flag,
    maxBytes: whole(1, most, 'leave it out for 256 MiB'),
    maxBytesPerPrincipal: whole(1, most, 'leave it out for 64 MiB'),
    maxFile: whole(1, most, 'leave it out for 64 MiB'),
    maxFiles: whole(1, 1e6, 'leave it out for 1000'),
    ttl: duration,
    sweep: duration,
  } satisfies Record<keyof SpillSettings, Rule>,
}

const serverRules = {
  name: line(128, 'write a name such as "orders"'),
  version: line(128, 'write your own version, such as "1.0.0"'),
  title: line(1000, 'write the name that people read, or leave it out'),
  description: text('say in a sentence what the server is for, or leave it out'),
  websiteUrl: httpUrl,
  icons,
  instructions: text('say what a model should know to use this server, or leave it out'),
  revisions: texts('write ["2025-11-25"], or leave it out to serve all'),
  services: rule(isObject, 'an object', 'give each service a name, such as { db }'),
  auth: methods(
    ['authenticate'],
    'give an authenticator, such as jwt({...}) of holdfast/auth or { authenticate(credentials) {...} }',
  ),
  keys: secrets,
  timeout: duration,
  pageSize: whole(1, most, 'leave it out for 1000'),
  limits: options({ what: '"limits"', example: '{ maxInFlight: 1000 }', rules: limitRules }),
  tasks: options({ what: '"tasks"', example: "{ ttl: '1h' }", rules: taskRules }),
  stores: options({ what: '"stores"', example: 'redis({ url })', rules: storeRules }),
  rateLimit: options({
    what: '"rateLimit"',
    example: "{ principal: { limit: 600, per: '1m' } }",
    rules: rateLimitRules,
  }),
  concurrency: options({ what: '"concurrency"', example: '{ server: 100 }', rules: concurrencyRules }),
  workers: options({ what: '"workers"', example: '{ threads: 2 }', rules: workerRules }),
  blocking,
  audit: rule(
    (value) => value === true || typeof value === 'function',
    'true or a function',
    'write (record) => {...}, or true for the log',
  ),
  results: options({ ...resultTable, what: '"results"' }),
  spill: (value, path, owner) => {
    if (value !== false) checkOptions(value, spillTable, path, owner)
  },
  cache: options({ what: '"cache"', example: '{ maxEntries: 10_000 }', rules: cacheRules }),
  extensions,
  fetch: options({ what: '"fetch"', example: "{ allow: ['localhost:3000'] }", rules: fetchRules }),
  http: options({ what: '"http"', example: "{ path: '/mcp' }", rules: httpRules, instead: elsewhere }),
  logger: methods(['debug', 'info', 'warn', 'error'], 'give a logger that has all four, or leave it out'),
  clock: methods(['now', 'monotonic', 'after'], 'give a clock that has all three, or leave it out'),
  development: flag,
} satisfies Record<keyof ServerOptions, Rule>

const blockingTable: OptionTable = {
  what: '"blocking"',
  example: "{ after: '200ms' }",
  rules: { after: duration } satisfies Record<keyof BlockingOptions, Rule>,
}

function blocking(value: unknown, path: string, owner: string): void {
  if (value !== false) checkOptions(value, blockingTable, path, owner)
}

const serverTable: OptionTable = {
  what: 'createServer',
  example: "createServer({ name: 'orders', version: '1.0.0' })",
  required: ['name', 'version'],
  rules: serverRules,
  instead,
}

/** Specification 2026-07-28, basic/index, "_meta": a prefix of labels, a slash, a name; the prefix is a must here. */
const extensionId =
  /^[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\/[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?$/

const extensionSettings = recordOf(
  rule(isObject, 'an object of settings', 'write {} for an extension without any'),
  "name each by its id, such as { 'com.example/things': {} }",
)

function extensions(value: unknown, path: string, owner: string): void {
  extensionSettings(value, path, owner)
  if (!isObject(value)) return
  const wrong = Object.keys(value).find((id) => !extensionId.test(id))
  if (wrong === undefined) return
  throw new DefinitionError(
    `${owner}"${path}.${wrong}" is no extension's id; write a prefix of your own and a name, such as "com.example/things".`,
  )
}

/**
 * Checks all that `createServer` is given, down to `limits` and `http`. What the texts of `keys`, `revisions`,
 * `http.allowedHosts`, `http.allowedOrigins` and `http.trustedProxies` say is checked where they are read.
 * @throws DefinitionError that names the option, what was expected, what came and what to do.
 */
export function checkServerOptions(given: unknown): void {
  if (!isObject(given)) {
    throw new DefinitionError(
      `createServer takes an object of options, received ${shown(given)}; write ${serverTable.example}.`,
    )
  }
  checkOptions(given, serverTable, '', '')
}

/**
 * Nodes that share anything must open each other's session ids, cursors and states, and hear each other.
 * @throws DefinitionError for shared stores without sealing keys, with how to make one, and for events without a bus.
 */
export function checkFleet({ stores, keys }: Pick<ServerOptions, 'stores' | 'keys'>): void {
  if (stores?.events !== undefined && stores.bus === undefined) {
    throw new DefinitionError(
      '"stores.events" needs "stores.bus", received none: the node that goes on with a stream tells the one that began it; give the bus that the nodes share.',
    )
  }
  if (stores?.shared !== true || (keys !== undefined && keys.length > 0)) return
  throw new DefinitionError(
    '"keys" must be given with shared "stores", received none: each node would make up a key, and refuse the sessions of the others; make one with `openssl rand -base64 32`, and give it to all of them.',
  )
}

/** Each entry is read as it will be used, so that a mistake is told at the start. */
function destinations(read: (entry: string) => unknown): Rule {
  const list = texts('write ["localhost:3000"]')
  return (value, path, owner) => {
    list(value, path, owner)
    for (const entry of value as readonly string[]) {
      try {
        read(entry)
      } catch (error) {
        throw new DefinitionError(`${owner}"${path}": ${error instanceof Error ? error.message : ''}`)
      }
    }
  }
}

function texts(mend: string): Rule {
  return listOf(
    rule((value) => typeof value === 'string' && value.trim() !== '', 'a text that is not empty', mend),
    mend,
  )
}

/** Only the kind of what came may be named: it could be the secret itself. */
function secrets(value: unknown, path: string, owner: string): void {
  if (Array.isArray(value)) return
  const mend = 'write [secret], the one that seals first'
  const came = value === null ? 'null' : `a value of type ${typeof value}`
  throw new DefinitionError(`${owner}"${path}" must be an array of texts, received ${came}; ${mend}.`)
}

/** What other frameworks call differently, and what stands one level further down. */
function instead(name: string): string | undefined {
  if (Object.hasOwn(httpRules, name)) return `use "http.${name}"`
  if (Object.hasOwn(limitRules, name)) return `use "limits.${name}"`
  switch (name) {
    case 'authenticate':
    case 'authenticator':
      return 'use "auth"'
    case 'bus':
      return 'use "stores.bus"'
    case 'nonces':
      return 'use "stores.records"'
    case 'tools':
    case 'resources':
    case 'prompts':
      return `add each with server.${name.slice(0, -1)}(...)`
    case 'middleware':
      return 'add it with server.use(...)'
    case 'capabilities':
      return 'drop it, because they follow from what the server defines'
    default:
      return undefined
  }
}

function elsewhere(name: string): string | undefined {
  return Object.hasOwn(serverRules, name) ? `write "${name}" beside "http"` : undefined
}
