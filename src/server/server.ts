import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authenticator } from '../contracts/authenticator.js'
import type { Principal } from '../contracts/principal.js'
import type { HealthCheck } from '../contracts/stores.js'
import type { Middleware } from '../engine/call.js'
import type { StartWatcher } from '../engine/call-watch.js'
import type { Connectable, Connection, ConnectOptions } from '../engine/connection.js'
import type { UserStage } from '../engine/pipeline.js'
import type { ServerStats } from '../engine/stats.js'
import type { HttpHandler } from '../transports/http/http-handler.js'
import type { HttpOptions } from '../transports/http/options.js'
import type { Definer } from './definer.js'
import type { Restricted } from './restricted.js'

/** `degraded` means that calls are answered, with less behind them: the checks say with what. */
export interface ServerHealth {
  readonly status: 'ok' | 'degraded'
  readonly checks: readonly HealthCheck[]
}

/** What a runtime needs of a server to serve it. */
export interface Servable extends Connectable {
  readonly name: string
  /** What `serve` needs to know of how the server was made. */
  readonly options: { readonly http: HttpOptions; readonly auth?: Authenticator }
  /** The definitions that need permissions which this caller was not granted. */
  restricted(principal: Principal): readonly Restricted[]
  /** Where to take sealing keys from, for a server that was given none; asked once, for the first token. */
  provideKeys(source: () => readonly string[] | Promise<readonly string[]>): void
  /** How to find out which call blocks the event loop; asked after the first call, unless `blocking` is off. */
  watchCalls(start: StartWatcher): void
  /** Opens a connection for a transport that carries whole messages: stdio, memory. */
  connect(options: ConnectOptions): Connection
  /**
   * The HTTP side itself, made once; `serve` uses it to check the options before it listens.
   * Rejects with a StartError or DefinitionError for options that cannot be served safely.
   */
  http(): Promise<HttpHandler>
  /**
   * Starts the services, once; `serve` waits for it before it takes a client. Whoever mounts the server calls it to know at once
   * whether they can start; else they start with the first client, and calls wait for them. After a failure it may be called again.
   * @throws StartError with one sentence that names the service.
   */
  start(): Promise<void>
  /** Ends what runs and refuses what comes; safe to call twice. Milliseconds to wait for calls: default 5000. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

/** One MCP server: its definitions, and every way to reach it. */
export interface Server<Services = unknown> extends Definer<Services>, Servable {
  /**
   * Puts a middleware around every call. `edge` sees the input as it was sent, `authorized` after permissions and
   * limits, `validated` (default) right around the handler with checked input.
   * @throws DefinitionError once the server has answered its first call.
   */
  use(middleware: Middleware, options?: { readonly at?: UserStage }): void
  /**
   * Tells clients that asked for it that a resource reads differently now, on every node of the bus. Changes of one
   * turn of the event loop are told once.
   */
  resourceUpdated(uri: string): void
  /**
   * Forgets the cached answers that are known by these tags, on every node. Resolves when they can be served no more; rejects when
   * the shared store could not be told, and then other nodes may serve them until their `ttl`.
   */
  invalidate(...tags: readonly string[]): Promise<void>
  /**
   * Tells clients that other resources are listed now, for templates whose own `list` changed. Definitions that are
   * added, removed, enabled or disabled are told of by themselves.
   */
  resourcesChanged(): void
  /** Counters since start, and every structure that can grow with its size, limit and what it dropped. */
  stats(): ServerStats
  /** Whether all that the server stands on is within reach, from what it last saw; it asks nobody and is cheap. */
  health(): ServerHealth
  /** For `node:http`, Express and Fastify: answers one HTTP request, whatever its path. */
  handler(req: IncomingMessage, res: ServerResponse): void
  /** For Hono and other runtimes with a Web `Request`: answers one HTTP request, whatever its path. */
  fetch(request: Request): Promise<Response>
}
