import type { AuditSink } from '../contracts/audit.js'
import type { Authenticator } from '../contracts/authenticator.js'
import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import type { Stores } from '../contracts/stores.js'
import type { Duration } from '../engine/duration.js'
import type { ConcurrencyOptions, RateOptions } from '../engine/policies.js'
import type { ResultLimits } from '../engine/result-limit.js'
import type { Icon } from '../protocol/types.js'
import type { SafeFetchOptions } from '../security/safe-fetch/options.js'
import type { SpillSettings } from '../spill/options.js'
import type { HttpOptions } from '../transports/http/options.js'
import type { TasksSettings } from './features.js'
import type { WorkerLimits } from './workers.js'

/** What handlers find, typed, as `ctx.services`: plain values as they are, and what `defineService` made as what it gives to calls. */
export type ServicesOption = Readonly<Record<string, unknown>>

export interface RateLimits {
  /** For each caller; anonymous callers are told apart by their address. Default: none. */
  readonly principal?: RateOptions
  /** For all callers together. Default: none. */
  readonly server?: RateOptions
  /** For each caller's `completion/complete`. Default: 50 a second (2025-11-25, server/utilities/completion, "Security"). */
  readonly completion?: RateOptions
}

export interface ConcurrencyLimits {
  /** For each caller. Default: none. */
  readonly principal?: number | ConcurrencyOptions
  /** For all callers together. Default: none. */
  readonly server?: number | ConcurrencyOptions
}

export interface CacheLimits {
  /** Default: 10,000. */
  readonly maxEntries?: number
  /** Default: 64 MiB. */
  readonly maxBytes?: number
}

export interface BlockingOptions {
  /** Default: 200 ms. */
  readonly after?: Duration
}

export interface ServerOptions<Services extends ServicesOption = ServicesOption> {
  /** The server's name for programs: letters, digits, dashes. */
  readonly name: string
  readonly version: string
  readonly title?: string
  readonly description?: string
  readonly websiteUrl?: string
  readonly icons?: readonly Icon[]
  /** What a model should know to use this server; sent once, when a client opens. */
  readonly instructions?: string
  /** Narrows the protocol revisions that are served. Default: all five. */
  readonly revisions?: readonly string[]
  /**
   * What handlers stand on: pools and clients. Those made by `defineService`, `postgres(...)` and others of `holdfast/services` are started
   * before the first call, watched, and stopped after the last.
   */
  readonly services?: Services
  /** Who is calling: `jwt(...)`, `apiKeys(...)` and others of `holdfast/auth`, or your own. Default: everyone is anonymous. */
  readonly auth?: Authenticator
  /**
   * Secrets of at least 32 characters that seal cursors and session ids: the first seals, all open. A fleet
   * shares them. Default: `serve()` keeps one in the user's state directory, anything else makes one up.
   */
  readonly keys?: readonly string[]
  /** How long a call may take from its arrival. Default: 60 s. */
  readonly timeout?: Duration
  /** Entries in a page of a list. Default: 1000. */
  readonly pageSize?: number
  readonly limits?: {
    /** Nesting of one message. Default: 64. */
    readonly maxDepth?: number
    /** Messages in one batch (2025-03-26 only). Default: 50. */
    readonly maxBatch?: number
    /** Calls at once on one stdio or memory connection. Default: 1000. */
    readonly maxInFlight?: number
    /** Streams that may listen for changes at once (2026-07-28). Default: 5,000. */
    readonly maxSubscriptions?: number
  }
  /** Tools whose calls go on as tasks. */
  readonly tasks?: TasksSettings
  /**
   * What the nodes of a fleet share: `redis({ url })` of `holdfast/stores/redis`, or parts of your own. Default: this process's
   * memory, bounded. Shared stores need `keys`.
   */
  readonly stores?: Stores
  /** How often callers may call, over all definitions; each definition's own `rateLimit` comes on top. */
  readonly rateLimit?: RateLimits
  /** How many calls run at once on this node, over all definitions; each definition's own `concurrency` comes on top. */
  readonly concurrency?: ConcurrencyLimits
  /** The threads of tools with a `worker`, over all of them. docs/workers.md */
  readonly workers?: WorkerLimits
  /** Takes one record for each call of a tool, resource or prompt; `true` writes them to the log. Default: none. */
  readonly audit?: true | AuditSink
  /** What is kept by definitions with a `cache`, on this node. */
  readonly cache?: CacheLimits
  /** How much of a tool's result is sent, for tools without a `maxResult`. Default: 1,000,000 bytes. */
  readonly results?: ResultLimits
  /**
   * Where results are kept that are too large to be sent, for `ctx.spill` and for what is cut. False: nowhere. Default: a directory of
   * this process below the system's temporary one, with 256 MiB; with shared `stores` nowhere. Node only.
   */
  readonly spill?: false | SpillSettings
  /** Settings of protocol extensions, by their id, as capabilities show them. */
  readonly extensions?: Readonly<Record<string, object>>
  /**
   * What `ctx.fetch` may reach beside the public internet (`allow: ['idp.cluster.local:8443', '10.20.0.0/16']`), what alone it
   * may reach (`egress`), and its limits.
   */
  readonly fetch?: SafeFetchOptions
  readonly http?: HttpOptions
  /** Default: JSON lines on stderr. */
  readonly logger?: Logger
  readonly clock?: Clock
  /**
   * Reports in the log which call blocks the event loop for longer than `after` (default: 200 ms), with its stack. Where the server is
   * served by `serve()`, or `watchBlocking(server)` of holdfast/node was called. Default: unless NODE_ENV is "production". docs/workers.md
   */
  readonly blocking?: false | BlockingOptions
  /** Advice about definitions in the log. Default: unless NODE_ENV is "production". */
  readonly development?: boolean
}
