import { Deadlines } from '../concurrency/deadlines.js'
import { systemClock } from '../contracts/clock.js'
import { anonymous } from '../contracts/principal.js'
import type { ServicesSeen } from '../contracts/service.js'
import type { HealthCheck } from '../contracts/stores.js'
import { CallWatch } from '../engine/call-watch.js'
import { Changes } from '../engine/changes.js'
import { PeerConnection } from '../engine/connection.js'
import { toMs } from '../engine/duration.js'
import { Engine } from '../engine/engine.js'
import type { Environment } from '../engine/environment.js'
import { Pipeline } from '../engine/pipeline.js'
import { toBudget } from '../engine/result-limit.js'
import { Stats } from '../engine/stats.js'
import { audit, auditLog } from '../middleware/audit.js'
import { defaultFrameLimits } from '../protocol/json-rpc.js'
import { ServedRevisions } from '../protocol/revisions/all.js'
import { warmUp } from '../schema/compile.js'
import { checkSecrets, createSealer, randomSecret } from '../security/sealer.js'
import { SealedSessions } from '../sessions/sealed-sessions.js'
import { createMemoryBus } from '../stores/memory/memory-bus.js'
import { createConsoleLogger } from '../telemetry/console-logger.js'
import { guardLogger } from '../telemetry/guarded-logger.js'
import type { HttpHandler } from '../transports/http/http-handler.js'
import { createAdviser } from './adviser.js'
import { createBatching } from './batching.js'
import { Caching } from './caching.js'
import { checkFleet, checkServerOptions } from './check-options.js'
import { createDefiner } from './definer.js'
import { addSubscriptions, addTasks, lazyFetch, lazyIntents, lazyInteraction } from './features.js'
import type { ServerOptions, ServicesOption } from './options.js'
import { middlewareOrder } from './order.js'
import { ratesOf } from './rates.js'
import { refuseUnreachable, restricted } from './restricted.js'
import type { Server, ServerHealth } from './server.js'
import { Services } from './services.js'
import { checkSpill, createSpilling } from './spilling.js'
import { LazyWorkers } from './workers.js'

const defaultDrainMs = 5000
const defaultSubscriptions = 5000
/** Longer than a first compile or a large collection takes; long enough for everyone who waits to notice. */
const defaultBlockedMs = 200
/** Shown as the limit of their table; each is a stream, and those have limits of their own. */
const maxExpiries = 10_000

/**
 * Makes a server: add tools, resources and prompts to it, then `serve(server)`, or mount `server.handler` or
 * `server.fetch`.
 * @throws DefinitionError for an option that cannot work, with the sentence that mends it.
 */
export function createServer<Given extends ServicesOption = Readonly<Record<never, never>>>(
  options: ServerOptions<Given>,
): Server<ServicesSeen<Given>> {
  checkServerOptions(options)
  checkFleet(options)
  checkSpill(options)
  const {
    name,
    version,
    title,
    description,
    websiteUrl,
    icons,
    instructions,
    http = {},
    limits = {},
    stores = {},
  } = options
  const { bus = createMemoryBus() } = stores
  const { clock = systemClock, development = developmentByEnvironment() } = options
  if (options.keys !== undefined) checkSecrets(options.keys)
  let keySource = (): readonly string[] | Promise<readonly string[]> => options.keys ?? [randomSecret()]
  const logger = guardLogger(options.logger ?? createConsoleLogger())
  const stats = new Stats()
  const caching = new Caching({ clock, logger, stats, bus, limits: options.cache, store: stores.cache })
  const intents = lazyIntents(() => environment, stores.records)
  const { rates, health: rateHealth } = ratesOf(stores.rates, { clock, stats, logger })
  const services = new Services(options.services ?? {}, { clock, logger, stats })
  const { blocking = development ? {} : false } = options
  const afterMs =
    blocking === false ? undefined : toMs(blocking.after ?? defaultBlockedMs, '"blocking.after"')
  const watch = new CallWatch(
    afterMs === undefined ? undefined : { afterMs, logger, counters: stats.counters },
    clock,
  )
  const spilling = createSpilling(options, () => environment)
  const pipeline = new Pipeline(
    middlewareOrder({
      clock,
      services: services.gate,
      stats,
      development,
      caching,
      intents,
      rateLimit: options.rateLimit,
      concurrency: options.concurrency,
      rates,
      watch,
      spilling,
      audit: audit(options.audit === true ? auditLog(logger) : options.audit, { clock, logger }),
    }),
  )
  const expiries = new Deadlines(clock, maxExpiries, {
    name: 'streams that end with their token',
    tickMs: 1000,
  })
  stats.add(expiries)
  const fetching = lazyFetch(options.fetch, stats)
  const workers = new LazyWorkers({ limits: options.workers, clock, logger, stats })
  const environment: Environment = {
    services: services.seen,
    batching: createBatching({ clock, stats, development }),
    logger,
    fetch: fetching.fetch,
    clock,
    sealer: createSealer(() => keySource()),
    pipeline,
    bus,
    changes: new Changes(bus, logger),
    workers,
    openInteraction: lazyInteraction(() => environment, stores.records),
    stats,
    results: toBudget(options.results),
    spilling,
    expiries,
    timeoutMs: toMs(options.timeout ?? '60s', '"timeout"'),
    pageSize: options.pageSize ?? 1000,
    advise: development ? createAdviser(clock, logger) : () => undefined,
  }
  const engine = new Engine({
    info: {
      name,
      version,
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description }),
      ...(websiteUrl !== undefined && { websiteUrl }),
      ...(icons && { icons }),
    },
    instructions,
    revisions: new ServedRevisions(options.revisions),
    frameLimits: {
      maxDepth: limits.maxDepth ?? defaultFrameLimits.maxDepth,
      maxBatch: limits.maxBatch ?? defaultFrameLimits.maxBatch,
    },
    extensions: options.extensions,
    environment,
    // The first call will need the validators; while the client reads the list there is time.
    onFirstList: () => {
      warmUp().catch(() => undefined)
      workers.warm()
    },
  })
  const { changes } = environment
  stats.add(changes)
  caching.follow(changes)
  for (const bounded of [...(stores.bounded ?? []), ...(options.auth?.bounded ?? [])]) stats.add(bounded)
  addSubscriptions(engine, limits.maxSubscriptions ?? defaultSubscriptions)
  spilling.attach(engine)
  const tasks = addTasks(engine, options.tasks ?? {}, stores)
  const connections = new Set<PeerConnection>()
  let httpSide: Promise<HttpHandler> | undefined
  let handler: HttpHandler | undefined
  let closing: Promise<void> | undefined

  /** From here on there may be clients. */
  function open(): void {
    pipeline.seal()
    changes.open()
    tasks.watch()
    services.begin()
    spilling.open()
  }

  async function loadHttp(): Promise<typeof import('../transports/http/http-handler.js')> {
    refuseUnreachable(engine, options.auth)
    await options.auth?.prepare?.()
    return import('../transports/http/http-handler.js')
  }

  /** Loaded when first wanted: a server on stdio never pays for it. */
  function httpHandler(): Promise<HttpHandler> {
    open()
    httpSide ??= loadHttp().then((module) => {
      handler = new module.HttpHandler({
        engine,
        sessions: new SealedSessions({
          sealer: environment.sealer,
          discovery: engine.discovery,
          clock,
          stats,
          bus,
          logger,
          // Records of this process alone would say of ended sessions what the process knows already.
          ended: stores.shared === true ? stores.records : undefined,
        }),
        authenticator: options.auth,
        http,
        events: stores.events,
      })
      if (closing !== undefined) void handler.drain(0)
      return handler
    })
    return httpSide
  }

  async function drainAll(timeoutMs: number): Promise<void> {
    changes.flush()
    // The server's own timers never hold a process; here somebody waits for them.
    const alive = setInterval(() => undefined, 60_000)
    const openConnections = [...connections]
    await Promise.all([
      handler?.drain(timeoutMs),
      tasks.drain(timeoutMs),
      ...openConnections.map((connection) => connection.drain(timeoutMs)),
    ])
    for (const connection of openConnections) connection.close()
    // What is being kept may come out of a service.
    await spilling.close()
    await services.stop()
    await fetching.close()
    await workers.close()
    await watch.close()
    await stores.close?.()
    clearInterval(alive)
  }

  return {
    ...createDefiner<ServicesSeen<Given>>(engine),
    name,
    options: { http, ...(options.auth && { auth: options.auth }) },
    restricted: (principal) => restricted(engine, principal),
    provideKeys(source) {
      if (options.keys === undefined) keySource = source
    },
    watchCalls: (start) => watch.want(start),
    use: (middleware, { at = 'validated' } = {}) => pipeline.use(middleware, at),
    stats: () => stats.snapshot(),
    resourceUpdated(uri) {
      // Clients hear of it when nothing old would be read any more.
      const announce = (): void => changes.announce({ kind: 'resource', uri })
      const told = caching.resourceChanged(uri)
      if (told === undefined) announce()
      else void told.then(announce)
    },
    invalidate: (...tags) => caching.invalidate(tags),
    health: () => overallHealth([...(stores.health?.() ?? []), ...rateHealth(), ...services.health()]),
    start: () => services.start(),
    resourcesChanged: () => changes.announce({ kind: 'resources' }),
    connect(connectOptions) {
      open()
      const connection = new PeerConnection(engine, {
        ...connectOptions,
        principal: connectOptions.principal ?? anonymous,
        maxInFlight: limits.maxInFlight ?? 1000,
        onClose: () => {
          connections.delete(connection)
          stats.remove(connection.calls)
          stats.remove(connection.peer.questions)
          if (connectOptions.outgoing !== undefined) stats.remove(connectOptions.outgoing)
        },
      })
      connections.add(connection)
      if (closing !== undefined) void connection.drain(0)
      stats.add(connection.calls)
      stats.add(connection.peer.questions)
      if (connectOptions.outgoing !== undefined) stats.add(connectOptions.outgoing)
      return connection
    },
    handler(req, res) {
      if (handler !== undefined) {
        handler.handle(req, res)
        return
      }
      httpHandler().then(
        (made) => made.handle(req, res),
        (error: unknown) => {
          logger.error('The HTTP side cannot start.', { error })
          const body =
            '{"jsonrpc":"2.0","error":{"code":-32603,"message":"The server cannot start its HTTP side."}}'
          res.writeHead(500, { 'content-type': 'application/json' }).end(body)
        },
      )
    },
    fetch: async (request) => (await httpHandler()).fetch(request),
    http: httpHandler,
    close({ timeoutMs = defaultDrainMs } = {}) {
      closing ??= drainAll(timeoutMs)
      return closing
    },
  }
}

function overallHealth(checks: readonly HealthCheck[]): ServerHealth {
  return { status: checks.some(({ status }) => status === 'degraded') ? 'degraded' : 'ok', checks }
}

/** Workers have no `process`; there every deployment is a production. */
function developmentByEnvironment(): boolean {
  return typeof process !== 'undefined' && process.env['NODE_ENV'] !== 'production'
}
