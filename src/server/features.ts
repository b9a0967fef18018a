import type { Fetch } from '../contracts/fetch.js'
import type { Principal } from '../contracts/principal.js'
import type { Store } from '../contracts/store.js'
import type { Stores } from '../contracts/stores.js'
import type { TaskStore } from '../contracts/task-store.js'
import { type Duration, toMs } from '../engine/duration.js'
import type { Engine } from '../engine/engine.js'
import type { Environment } from '../engine/environment.js'
import type { OpenInteraction } from '../engine/interaction.js'
import type { Method } from '../engine/method.js'
import type { Stats } from '../engine/stats.js'
import type { Intents } from '../middleware/idempotency/intents.js'
import { tasksExtension } from '../protocol/meta-keys.js'
import type { SafeFetchOptions } from '../security/safe-fetch/options.js'
import type { SafeFetch } from '../security/safe-fetch/safe-fetch.js'
import { resourceSubscriptions } from '../subscriptions/resource-subscriptions.js'
import type { Tasks } from '../tasks/tasks.js'

/** Parts of the protocol that many servers never use, so each is loaded when it is first needed. */

export interface TasksSettings {
  /** How long a task and its result are kept, from its creation. Default: 1 h. */
  readonly ttl?: Duration
  /** How long clients are asked to wait between two looks at a task. Default: 1 s. */
  readonly pollInterval?: Duration
  /** Tasks that are kept at once; a call that would make one more is refused. Default: 1,000. */
  readonly limit?: number
  /** With shared stores: after how long without a sign of the node that runs it a task is ended. Default: 15 s. */
  readonly lease?: Duration
}

/** States that count once and are remembered, where nobody gave a store for them. */
const maxNonces = 100_000
const defaultTaskLimit = 1000
/** Idempotent calls that are remembered for a day, where nobody gave a store for them, and the bytes of their answers. */
const maxIntents = 100_000
const maxIntentBytes = 64 * 1024 * 1024

/** What a call asks its client with. */
export function lazyInteraction(environment: () => Environment, records: Store | undefined): OpenInteraction {
  let store = records
  return async (exchange, options) => {
    const { openInteraction } = await import('../interaction/open-interaction.js')
    if (store === undefined) {
      const { MemoryStore } = await import('../stores/memory/memory-store.js')
      const { clock, stats } = environment()
      const memory = new MemoryStore('states that count once', maxNonces, clock)
      // Two first questions may have come here at the same time.
      if (store === undefined) {
        store = memory
        stats.add(memory)
      }
    }
    return openInteraction(exchange, options, environment(), store)
  }
}

/** Calls that run once for each idempotency key. */
export function lazyIntents(
  environment: () => Pick<Environment, 'clock' | 'logger' | 'stats'>,
  records: Store | undefined,
): () => Promise<Intents> {
  let loading: Promise<Intents> | undefined
  const load = async (): Promise<Intents> => {
    const { Intents } = await import('../middleware/idempotency/intents.js')
    const { clock, logger, stats } = environment()
    let store = records
    if (store === undefined) {
      const { MemoryStore } = await import('../stores/memory/memory-store.js')
      const memory = new MemoryStore('idempotent calls', maxIntents, clock, maxIntentBytes)
      stats.add(memory)
      store = memory
    }
    const intents = new Intents({ store, clock, logger })
    stats.add(intents)
    return intents
  }
  return () => {
    loading ??= load()
    return loading
  }
}

/** `ctx.fetch`, and how it ends. */
export function lazyFetch(
  options: SafeFetchOptions | undefined,
  stats: Stats,
): { fetch: Fetch; close: () => Promise<void> } {
  let loading: Promise<SafeFetch> | undefined
  const load = async (): Promise<SafeFetch> => {
    const { createSafeFetch } = await import('../security/safe-fetch/safe-fetch.js')
    const made = createSafeFetch(options)
    stats.add(made)
    return made
  }
  return {
    async fetch(input, init) {
      loading ??= load()
      return (await loading)(input, init)
    },
    async close() {
      if (loading !== undefined) await (await loading).close()
    },
  }
}

/** `subscriptions/listen`, `resources/subscribe` and `resources/unsubscribe`. */
export function addSubscriptions(engine: Engine, limit: number): void {
  const exists = (uri: string, principal: Principal): boolean => {
    const entry = engine.catalogue.find(uri)?.entry
    return entry !== undefined && (entry.access?.lists(principal) ?? true)
  }
  engine.addFeature(resourceSubscriptions({ offered: () => engine.resources.size > 0, exists }))
  let listening: Promise<Method> | undefined
  const load = async (): Promise<Method> => {
    const { Subscriptions } = await import('../subscriptions/listen.js')
    const { changes, clock, expiries, stats } = engine.environment
    const subscriptions = new Subscriptions({
      changes,
      clock,
      expiries,
      limit,
      exists,
      offers: (kind) => engine[kind].size > 0,
      deferral: () => engine.deferral,
    })
    stats.add(subscriptions)
    return subscriptions.listen
  }
  engine.addFeature({
    methods: {
      'subscriptions/listen': async (exchange) => {
        listening ??= load()
        return (await listening)(exchange)
      },
    },
    offered: () => true,
    capabilities: () => ({}),
  })
}

export interface TasksSide {
  /** From here on what other nodes leave behind is looked for, where there are leases and a tool has tasks. */
  watch(): void
  /** Waits for the tasks that run. */
  drain(timeoutMs: number): Promise<void>
}

/** The tasks extension; there once a tool has tasks. */
export function addTasks(engine: Engine, settings: TasksSettings, stores: Stores): TasksSide {
  const { ttl = '1h', pollInterval = '1s', limit = defaultTaskLimit, lease = '15s' } = settings
  const ttlMs = Math.round(toMs(ttl, '"tasks.ttl"'))
  const pollIntervalMs = Math.round(toMs(pollInterval, '"tasks.pollInterval"'))
  const leaseMs = Math.round(toMs(lease, '"tasks.lease"'))
  let loading: Promise<Tasks> | undefined
  const load = async (): Promise<Tasks> => {
    const { Tasks } = await import('../tasks/tasks.js')
    return new Tasks({
      engine,
      store: stores.tasks ?? (await memoryTasks(engine, limit)),
      ttlMs,
      pollIntervalMs,
      limit,
      leaseMs,
      // Leases without the records they stand for would end nothing.
      leases: stores.tasks === undefined ? undefined : stores.leases,
    })
  }
  const tasks = (): Promise<Tasks> => {
    loading ??= load()
    return loading
  }
  const offered = (): boolean => engine.tools.list().some((entry) => entry.task !== undefined)
  engine.deferral = {
    run: async (exchange, tool, work) => (await tasks()).run(exchange, tool, work),
    state: async (id, exchange) => (await tasks()).state(id, exchange),
  }
  engine.addFeature({
    methods: {
      'tasks/get': async (exchange) => (await tasks()).get(exchange),
      'tasks/update': async (exchange) => (await tasks()).update(exchange),
      'tasks/cancel': async (exchange) => (await tasks()).cancel(exchange),
    },
    offered,
    capabilities: () => ({ extensions: { [tasksExtension]: {} } }),
  })
  return {
    watch() {
      // A failure shows itself to the first call that needs them.
      if (stores.leases !== undefined && offered()) tasks().catch(() => undefined)
    },
    async drain(timeoutMs) {
      if (loading !== undefined) await (await loading).drain(timeoutMs)
    },
  }
}

async function memoryTasks(engine: Engine, limit: number): Promise<TaskStore> {
  const { MemoryTaskStore } = await import('../stores/memory/memory-task-store.js')
  const { clock, stats } = engine.environment
  const memory = new MemoryTaskStore(limit, clock)
  stats.add(memory)
  stats.add(memory.results)
  return memory
}
