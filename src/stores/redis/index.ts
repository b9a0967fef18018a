import type { Logger } from '../../contracts/logger.js'
import type { HealthCheck, Stores } from '../../contracts/stores.js'
import { DefinitionError } from '../../errors/definition-error.js'
import { createConsoleLogger } from '../../telemetry/console-logger.js'
import { RedisBus } from './redis-bus.js'
import { RedisEvents } from './redis-events.js'
import { RedisLeases } from './redis-leases.js'
import { RedisLink } from './redis-link.js'
import { RedisRates } from './redis-rates.js'
import { RedisStore } from './redis-store.js'
import { RedisTasks } from './redis-tasks.js'

/** Raised when what is kept is written differently, so that an older and a newer node do not read each other's. */
const version = 'v1'

export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. Default: `redis://127.0.0.1:6379`. */
  readonly url?: string
  /** Further options of ioredis, such as `tls`, `sentinels` or `family`. Timeouts, queues and retries are ours. */
  readonly client?: Readonly<Record<string, unknown>>
  /** What all keys and channels begin with; each server needs its own. Default: `holdfast:`. */
  readonly prefix?: string
  /** Milliseconds that a command may take before Redis counts as out of reach. Default: 250. */
  readonly commandTimeoutMs?: number
  /** Milliseconds between two looks whether Redis still answers on connections that are idle. Default: 5,000. */
  readonly heartbeatMs?: number
  /** Commands that may wait for their answers at once, on each of both connections. Default: 10,000. */
  readonly maxInFlight?: number
  /** Tasks that are kept at once, by all nodes together. Default: 100,000. */
  readonly maxTasks?: number
  /** Bytes of events that are kept for clients that come back, by all nodes together. Default: 64 MiB. */
  readonly maxEventBytes?: number
  /** Told once when Redis goes out of reach, and once when it is back. Default: JSON lines on stderr. */
  readonly logger?: Logger
}

/** A result beyond this many characters has no place in a store that all nodes wait for. */
const maxTaskLength = 16 * 1024 * 1024

const away =
  'Redis is out of reach: rates are counted on this node alone, the shared cache is not asked, other nodes are not told of changes and do not find streams, and what counts once and tasks is refused.'
const deaf = 'Redis takes commands but cannot be listened to: this node does not hear of other nodes.'

/**
 * What the nodes of a fleet share, in one Redis: bus, cache, records, rates, tasks, events of streams. It connects when the server is made,
 * by two connections, and again after an outage. While Redis is out of reach every call rejects within
 * `commandTimeoutMs`, all but the first at once. Needs the package `ioredis`; without it, calls reject with a StartError.
 * @throws DefinitionError for an option that cannot work.
 */
export function redis(options: RedisOptions = {}): Stores {
  const {
    url = 'redis://127.0.0.1:6379',
    client = {},
    prefix = 'holdfast:',
    commandTimeoutMs = 250,
    heartbeatMs = 5000,
    maxInFlight = 10_000,
    maxTasks = 100_000,
    maxEventBytes = 64 * 1024 * 1024,
    logger = createConsoleLogger(),
  } = options
  checkUrl(url)
  checkNumbers({ commandTimeoutMs, heartbeatMs, maxInFlight, maxTasks, maxEventBytes })
  if (prefix === '') throw new DefinitionError('"prefix" of redis() must not be empty; write "orders:".')

  const base = `${prefix}${version}:`
  const shared = { url, client, commandTimeoutMs, heartbeatMs, maxInFlight }
  const commands = new RedisLink({
    ...shared,
    name: 'commands to Redis',
    onAway: (error) => logger.error(away, { error }),
    onBack: () => logger.info('Redis is back.'),
  })
  const subscriber: RedisLink = new RedisLink({
    ...shared,
    name: 'subscriptions to Redis',
    prepare: (connection) => bus.listen(connection),
    onAway(error) {
      // When both are gone one line says it, whichever was first to notice.
      setTimeout(() => {
        if (commands.reachable && !subscriber.reachable) logger.warn(deaf, { error })
      }, commandTimeoutMs).unref()
    },
    onBack: () => logger.debug('This node hears of the others again.'),
  })
  const bus: RedisBus = new RedisBus(commands, subscriber, `${base}bus:`)
  const tasksPrefix = `${base}task:`
  return {
    shared: true,
    bus,
    cache: new RedisStore(commands, `${base}cache:`),
    records: new RedisStore(commands, `${base}record:`),
    rates: new RedisRates(commands, `${base}rate:`),
    tasks: new RedisTasks(commands, tasksPrefix, { limit: maxTasks, maxLength: maxTaskLength }),
    events: new RedisEvents(commands, `${base}events:`, maxEventBytes),
    leases: new RedisLeases(commands, `${base}lease:`),
    bounded: [commands, subscriber],
    health: () => [healthOf(commands, subscriber)],
    async close() {
      await Promise.all([commands.close(), subscriber.close()])
    },
  }
}

function healthOf(commands: RedisLink, subscriber: RedisLink): HealthCheck {
  if (!commands.reachable) return { name: 'redis', status: 'degraded', message: away }
  if (!subscriber.reachable) return { name: 'redis', status: 'degraded', message: deaf }
  return { name: 'redis', status: 'ok' }
}

function checkUrl(url: string): void {
  // What it is must not be shown: it may have a password in it.
  if (typeof url === 'string' && URL.canParse(url) && /^rediss?:\/\//.test(url)) return
  throw new DefinitionError('"url" of redis() must be an address such as "redis://127.0.0.1:6379".')
}

function checkNumbers(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    throw new DefinitionError(
      `"${name}" of redis() must be a whole number from 1, received ${String(value)}; leave it out for the usual.`,
    )
  }
}
