import {
  type CheckOutcome,
  type Service,
  type ServiceCall,
  type ServiceHost,
  servicePlan,
} from '../contracts/service.js'
import { type Duration, toMs } from '../engine/duration.js'
import { DefinitionError } from '../errors/definition-error.js'

export interface ServiceOptions<Value, Needs, Seen> {
  /** What it is called in messages, health and stats. Default: the name that it has in the server's `services`. */
  readonly name?: string
  /** The names, in the server's `services`, of what must run before it; `start` is given them. */
  readonly dependsOn?: readonly (keyof Needs & string)[]
  /** How long `start` may take. Default: 30 s. */
  readonly startTimeout?: Duration
  /** How long `stop` is waited for. Default: 5 s. */
  readonly stopTimeout?: Duration
  /** Makes the value that handlers find as `ctx.services.<name>`; called once. `host.signal` aborts when it takes too long. */
  start(needs: Needs, host: ServiceHost): Value | Promise<Value>
  /** Ends it when the server closes, after everything that depends on it, and when another service cannot start. */
  stop?(value: Value): void | Promise<void>
  /**
   * Looks whether it does well, every ten seconds and in the background: a sentence that says what is wrong, or nothing. What it
   * throws is shown as wrong, too.
   */
  check?(value: Value, signal: AbortSignal): CheckOutcome | Promise<CheckOutcome>
  /** What it knows of itself without asking anybody: the sentence that says what is wrong now, or nothing. Must be cheap. */
  degraded?(value: Value): string | undefined
  /** What a handler sees in place of the value: tied to its call, so that deadline and cancellation reach the work. */
  forCall?(value: Value, call: ServiceCall): Seen
}

export interface EagerOptions<Value, Needs, Seen> extends ServiceOptions<Value, Needs, Seen> {
  readonly lazy?: false
}

export interface LazyOptions<Value, Needs, Seen> extends ServiceOptions<Value, Needs, Seen> {
  /** Started when a handler first asks: `await ctx.services.model()`. */
  readonly lazy: true
}

/** What has no dependencies. */
export type NoNeeds = Readonly<Record<never, never>>

/**
 * A service with a life of its own, for the server's `services`. Services start once, before the first call, each after what it
 * depends on; when one cannot start, those that run are stopped again. They stop in the reverse order after the server's calls have ended.
 * @throws DefinitionError for an option that cannot work.
 */
export function defineService<Value, Needs = NoNeeds, Seen = Value>(
  options: LazyOptions<Value, Needs, Seen>,
): Service<Value, () => Promise<Seen>>
export function defineService<Value, Needs = NoNeeds, Seen = Value>(
  options: EagerOptions<Value, Needs, Seen>,
): Service<Value, Seen>
export function defineService<Value, Needs, Seen>(
  options: EagerOptions<Value, Needs, Seen> | LazyOptions<Value, Needs, Seen>,
): Service<Value, unknown> {
  const { name, dependsOn = [], lazy = false, startTimeout = '30s', stopTimeout = '5s' } = options
  const owner = `service ${JSON.stringify(name ?? 'without a name')}`
  if (typeof options.start !== 'function') {
    throw new DefinitionError(`The ${owner}: "start" must be a function that makes it.`)
  }
  const { stop, check, degraded, forCall } = options
  return {
    [servicePlan]: {
      name,
      dependsOn,
      lazy,
      startTimeoutMs: toMs(startTimeout, `The ${owner}: "startTimeout"`),
      stopTimeoutMs: toMs(stopTimeout, `The ${owner}: "stopTimeout"`),
      start: (needs, host) => options.start(needs as Needs, host),
      stop: (value) => stop?.(value),
      forCall: (value, call) => (forCall === undefined ? value : forCall(value, call)),
      shared: forCall === undefined,
      ...(check !== undefined && { check: (value: Value, signal: AbortSignal) => check(value, signal) }),
      ...(degraded !== undefined && { degraded: (value: Value) => degraded(value) }),
    },
  }
}
