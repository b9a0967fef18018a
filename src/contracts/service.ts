import type { BoundedRegistry } from './bounded.js'
import type { Clock } from './clock.js'
import type { Logger } from './logger.js'
import type { Principal } from './principal.js'

/** What a service may know of the call that uses it; `ctx` of every handler is one. */
export interface ServiceCall {
  /** The tool's, prompt's or resource's name, for messages. */
  readonly name: string
  readonly principal: Principal
  /** Aborts when the client cancels or leaves, at the deadline, and when the server closes. */
  readonly signal: AbortSignal
  /** Whether the work may be done twice: the tool says `readOnlyHint` or `idempotentHint`. */
  readonly repeatable: boolean
  readonly log: Logger
  /** Milliseconds until the deadline; 0 when it has passed. */
  remaining(): number
  /**
   * Counts one query of the call, by its text without values, so that in development a call is warned of that asks the
   * same over and over.
   */
  noteQuery(shape: string): void
}

/** What a service is given to start with. */
export interface ServiceHost {
  /** Its own name, or the one that the server gives it: what messages, health and stats call it. */
  readonly name: string
  readonly clock: Clock
  readonly logger: Logger
  /** Takes everything of the service that can grow, for `server.stats()`; it is taken out when the service has stopped. */
  readonly stats: BoundedRegistry
  /** Aborts when the start has taken too long, or nobody wants it any more. */
  readonly signal: AbortSignal
}

/** How one service is started, looked after and stopped; times are milliseconds. */
export interface ServicePlan<Value = unknown, Seen = unknown> {
  /** What it is called in messages, health and stats; undefined: the name that the server gives it. */
  readonly name: string | undefined
  /** The names, as the server gives them, of services that must run before. */
  readonly dependsOn: readonly string[]
  /** Whether it starts when a handler first asks for it; what handlers see is then a function that resolves with it. */
  readonly lazy: boolean
  readonly startTimeoutMs: number
  readonly stopTimeoutMs: number
  /** `needs` holds the services of `dependsOn`, by their names. */
  start(needs: Readonly<Record<string, unknown>>, host: ServiceHost): Value | Promise<Value>
  stop(value: Value): void | Promise<void>
  /** What handlers see; made for each call that looks. */
  forCall(value: Value, call: ServiceCall): Seen
  /** Whether handlers of all calls see the same, so that nothing has to be made for each. */
  readonly shared: boolean
  /** Asked in the background: the sentence that says what is wrong, or nothing. A rejection is one too. */
  check?(value: Value, signal: AbortSignal): CheckOutcome | Promise<CheckOutcome>
  /** What it knows without asking anybody: the sentence that says what is wrong now, or nothing. Must be cheap. */
  degraded?(value: Value): string | undefined
}

// biome-ignore lint/suspicious/noConfusingVoidType: a check that returns nothing says that all is well.
export type CheckOutcome = string | undefined | void

/** Found on what `defineService` made, also by another copy of this package. */
export const servicePlan: unique symbol = Symbol.for('holdfast.service') as never

/** A value of the server's `services` that is started and stopped with the server. `Seen` is what handlers get. */
export interface Service<Value = unknown, Seen = Value> {
  readonly [servicePlan]: ServicePlan<Value, Seen>
}

/** What handlers see of services: what a service makes of itself, and anything else as it is. */
export type ServicesSeen<Services> = {
  readonly [Name in keyof Services]: Services[Name] extends Service<infer _Value, infer Seen>
    ? Seen
    : Services[Name]
}
