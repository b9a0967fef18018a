import type { CircuitBreakerPolicy } from 'cockatiel'
import type { Bounded } from '../contracts/bounded.js'
import { type Clock, systemClock } from '../contracts/clock.js'
import type { ServiceCall } from '../contracts/service.js'
import type { HealthCheck } from '../contracts/stores.js'
import { type Duration, toMs } from '../engine/duration.js'
import { DefinitionError } from '../errors/definition-error.js'
import { StartError } from '../errors/start-error.js'
import { ToolError } from '../errors/tool-error.js'
import { RetryBudget } from './retry-budget.js'

export interface RetryOptions {
  /** Tries after the first. Default: 2. */
  readonly attempts?: number
  /** The longest first wait; each further one is up to twice as long, and each is cut at random. Default: 100 ms. */
  readonly delay?: Duration
  /** The longest wait. Default: 2 s. */
  readonly maxDelay?: Duration
  /** Retries in proportion to calls, over all callers. Default: 0.1, so that a backend in trouble gets a tenth more load at most. */
  readonly budget?: number
}

export interface BreakerOptions {
  /** The share of calls that must fail. Default: 0.5. */
  readonly threshold?: number
  /** The time over which calls are looked at. Default: 10 s. */
  readonly over?: Duration
  /** Calls a second below which nothing is concluded. Default: 1. */
  readonly minimumPerSecond?: number
  /** How long the backend is left alone before one call tries again. Default: 5 s. */
  readonly openFor?: Duration
}

export interface BackendOptions {
  readonly retry?: RetryOptions | false
  readonly breaker?: BreakerOptions | false
  /**
   * Whether an error says that the backend does badly, and not the caller. Default: all but tool errors that are not `retryable`, and
   * but those of callers who left.
   */
  readonly isFailure?: (error: unknown) => boolean
  readonly clock?: Clock
}

/** What a backend needs to know of the call that asks it: `ctx` of any handler. */
export type BackendCall = Pick<ServiceCall, 'signal' | 'repeatable' | 'remaining'>

export interface Backend {
  /**
   * Asks the backend. Where the call may be repeated a failure is tried again, with waits that the deadline allows; while the backend
   * fails too often it is not asked at all.
   * @throws ToolError `backend_unavailable` while it is left alone, with `retryAfterMs`; else what `work` throws at last.
   */
  run<Value>(call: BackendCall, work: (signal: AbortSignal) => Promise<Value>): Promise<Value>
  /** `degraded` while it is left alone. */
  health(): HealthCheck
  /** Its retry budget, for a table of limits. */
  readonly bounded: readonly Bounded[]
}

/**
 * Stands before something outside that can fail: a breaker, and retries with jitter under one budget. The breaker is cockatiel's
 * (optional peer). @throws DefinitionError for an option that cannot work.
 */
export function backend(name: string, options: BackendOptions = {}): Backend {
  const { retry = {}, breaker = {}, isFailure = usuallyFails, clock = systemClock } = options
  const retries = retry === false ? undefined : readRetry(name, retry)
  const opensFor =
    breaker === false ? 0 : toMs(breaker.openFor ?? '5s', `backend "${name}": "breaker.openFor"`)
  const budget = new RetryBudget(name, retries?.share ?? 0)
  let openUntil = 0
  let loading: Promise<CircuitBreakerPolicy> | undefined

  async function load(settings: BreakerOptions): Promise<CircuitBreakerPolicy> {
    const { circuitBreaker, handleWhen, SamplingBreaker } = await import('cockatiel').catch(
      (cause: unknown) => {
        loading = undefined
        throw new StartError(
          'A backend needs the package cockatiel: install it with `npm install cockatiel`.',
          {
            cause,
          },
        )
      },
    )
    const policy = circuitBreaker(handleWhen(isFailure), {
      halfOpenAfter: opensFor,
      breaker: new SamplingBreaker({
        threshold: settings.threshold ?? 0.5,
        duration: toMs(settings.over ?? '10s', `backend "${name}": "breaker.over"`),
        minimumRps: settings.minimumPerSecond ?? 1,
      }),
    })
    policy.onBreak(() => {
      openUntil = clock.monotonic() + opensFor
    })
    policy.onReset(() => {
      openUntil = 0
    })
    return policy
  }

  async function once<Value>(
    call: BackendCall,
    work: (signal: AbortSignal) => Promise<Value>,
  ): Promise<Value> {
    if (breaker === false) return work(call.signal)
    loading ??= load(breaker)
    const policy = await loading
    try {
      return await policy.execute(() => work(call.signal))
    } catch (error) {
      if (!isBroken(error)) throw error
      const retryAfterMs = Math.max(1, Math.ceil(openUntil - clock.monotonic()))
      throw new ToolError('backend_unavailable', {
        message: `"${name}" failed too often just now and is left alone for a moment.`,
        hint: 'Try again later.',
        retryable: true,
        retryAfterMs,
        cause: error,
      })
    }
  }

  return {
    async run(call, work) {
      budget.earn()
      for (let attempt = 0; ; attempt += 1) {
        try {
          return await once(call, work)
        } catch (error) {
          const refused = ToolError.is(error) && error.code === 'backend_unavailable'
          if (retries === undefined || refused || attempt >= retries.attempts) throw error
          if (!call.repeatable || call.signal.aborted || !isFailure(error)) throw error
          const waitMs = Math.random() * Math.min(retries.maxDelayMs, retries.delayMs * 2 ** attempt)
          // Nobody would hear of a try that begins when the time is over.
          if (waitMs >= call.remaining() || !budget.take()) throw error
          await pause(waitMs, call.signal, clock)
          if (call.signal.aborted) throw error
        }
      }
    },
    health() {
      const closed = clock.monotonic() >= openUntil
      return closed
        ? { name, status: 'ok' }
        : { name, status: 'degraded', message: `"${name}" failed too often and is left alone for a moment.` }
    },
    bounded: [budget],
  }
}

interface Retries {
  readonly attempts: number
  readonly delayMs: number
  readonly maxDelayMs: number
  readonly share: number
}

function readRetry(
  name: string,
  { attempts = 2, delay = 100, maxDelay = '2s', budget = 0.1 }: RetryOptions,
): Retries {
  const owner = `backend "${name}": "retry`
  if (!Number.isSafeInteger(attempts) || attempts < 0 || attempts > 10) {
    throw new DefinitionError(
      `${owner}.attempts" must be a whole number from 0 to 10, received ${String(attempts)}; leave it out for 2.`,
    )
  }
  if (!(budget >= 0 && budget <= 1)) {
    throw new DefinitionError(
      `${owner}.budget" must be a number from 0 to 1, received ${String(budget)}; leave it out for 0.1.`,
    )
  }
  return {
    attempts,
    delayMs: toMs(delay, `${owner}.delay"`),
    maxDelayMs: toMs(maxDelay, `${owner}.maxDelay"`),
    share: budget,
  }
}

/** A caller who left, and a rule that said no, tell nothing of the backend. */
function usuallyFails(error: unknown): boolean {
  if (ToolError.is(error)) return error.details.retryable === true
  return !(error instanceof Error && error.name === 'AbortError')
}

function isBroken(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'isBrokenCircuitError' in error
}

/** Resolves after `ms`, or as soon as nobody waits any more. */
function pause(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      stop()
      signal.removeEventListener('abort', over)
      resolve()
    }
    const stop = clock.after(ms, over)
    signal.addEventListener('abort', over, { once: true })
  })
}
