import type { Bounded, BoundedRegistry } from '../contracts/bounded.js'
import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import type { ServiceHost } from '../contracts/service.js'
import type { HealthCheck } from '../contracts/stores.js'
import { reasonOf } from '../errors/reason-of.js'
import { StartError } from '../errors/start-error.js'
import type { NamedPlan } from './service-order.js'

/** How long one look at a service may take. */
const checkMs = 5000

export interface RunningServiceOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly stats: BoundedRegistry & { remove(bounded: Bounded): void }
}

/** One service from its start to its end. */
export class RunningService {
  readonly name: string
  readonly #plan: NamedPlan['plan']
  readonly #options: RunningServiceOptions
  readonly #bounded: Bounded[] = []
  #starting: Promise<unknown> | undefined
  #value: unknown
  #state: 'idle' | 'starting' | 'running' | 'stopped' = 'idle'
  #abort: AbortController | undefined
  /** What the last look found wrong. */
  #wrong: string | undefined
  #checking = false
  /** From the beginning of its stop on; nobody starts it any more. */
  #isClosed = false

  constructor({ name, plan }: NamedPlan, options: RunningServiceOptions) {
    this.name = plan.name ?? name
    this.#plan = plan
    this.#options = options
  }

  get running(): boolean {
    return this.#state === 'running'
  }

  get value(): unknown {
    return this.#value
  }

  /** Starts it, once. @throws StartError with one sentence when it cannot start, or not in time. */
  start(needs: () => Promise<Readonly<Record<string, unknown>>>): Promise<unknown> {
    if (this.#isClosed) {
      return Promise.reject(new StartError(`The service "${this.name}" has been stopped.`))
    }
    this.#starting ??= this.#begin(needs).catch((error: unknown) => {
      // The next one to ask tries again.
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /** Gives up a start that is under way. */
  abort(reason: Error): void {
    this.#abort?.abort(reason)
  }

  /** Ends it and waits no longer than it may take; what goes wrong is told to the log. */
  async stop(): Promise<void> {
    this.#isClosed = true
    this.abort(new StartError('The server closes.'))
    await this.#starting?.catch(() => undefined)
    const wasRunning = this.#state === 'running'
    this.#state = 'stopped'
    if (wasRunning) await this.#end(this.#value)
    this.#forget()
  }

  /** Stops what has started, so that it may start anew. */
  async rollBack(): Promise<void> {
    this.abort(new StartError('Another service cannot start.'))
    await this.#starting?.catch(() => undefined)
    this.#starting = undefined
    if (this.#state === 'running') {
      this.#state = 'idle'
      await this.#end(this.#value)
    }
    this.#forget()
  }

  /** Looks at it in the background, if it has a way to. */
  async check(): Promise<void> {
    const { check } = this.#plan
    if (check === undefined || this.#state !== 'running' || this.#checking) return
    this.#checking = true
    const aborting = new AbortController()
    try {
      const look = Promise.resolve(check.call(this.#plan, this.#value, aborting.signal))
      this.#wrong = (await this.#within(look, checkMs, 'did not say how it does')) ?? undefined
    } catch (error) {
      this.#wrong = this.#failedLook(error)
    } finally {
      aborting.abort()
      this.#checking = false
    }
  }

  get checks(): boolean {
    return this.#plan.check !== undefined
  }

  health(): HealthCheck {
    const { name } = this
    const wrong = this.#state === 'running' ? (this.#knownWrong() ?? this.#wrong) : undefined
    return wrong === undefined ? { name, status: 'ok' } : { name, status: 'degraded', message: wrong }
  }

  #knownWrong(): string | undefined {
    try {
      return this.#plan.degraded?.(this.#value)
    } catch (error) {
      return this.#failedLook(error)
    }
  }

  #failedLook(error: unknown): string {
    return `The service "${this.name}" does badly: ${reasonOf(error)}`
  }

  async #begin(needs: () => Promise<Readonly<Record<string, unknown>>>): Promise<unknown> {
    this.#state = 'starting'
    const aborting = new AbortController()
    this.#abort = aborting
    const { clock, logger, stats } = this.#options
    const host: ServiceHost = {
      name: this.name,
      clock,
      logger,
      signal: aborting.signal,
      stats: {
        add: (bounded) => {
          this.#bounded.push(bounded)
          stats.add(bounded)
        },
      },
    }
    const plan = this.#plan
    let work: Promise<unknown> | undefined
    try {
      const given = await needs()
      aborting.signal.throwIfAborted()
      work = Promise.resolve(plan.start(given, host))
      const value = await this.#within(work, plan.startTimeoutMs, 'did not start', aborting)
      this.#value = value
      this.#state = 'running'
      return value
    } catch (error) {
      this.#state = 'idle'
      this.#forget()
      // What comes too late must not be left behind.
      work?.then(
        (late) => this.#end(late),
        () => undefined,
      )
      if (StartError.is(error)) throw error
      throw new StartError(`The service "${this.name}" cannot start: ${reasonOf(error)}`, { cause: error })
    } finally {
      this.#abort = undefined
    }
  }

  async #end(value: unknown): Promise<void> {
    const { stopTimeoutMs } = this.#plan
    try {
      const stopping = Promise.resolve(this.#plan.stop(value))
      // Whoever fails after it was given up has nobody to tell.
      stopping.catch(() => undefined)
      await this.#within(stopping, stopTimeoutMs, 'did not stop')
    } catch (error) {
      this.#options.logger.error(`The service "${this.name}" did not end well.`, { error })
    }
  }

  #forget(): void {
    for (const bounded of this.#bounded.splice(0)) this.#options.stats.remove(bounded)
  }

  #within<Value>(work: Promise<Value>, ms: number, what: string, aborting?: AbortController): Promise<Value> {
    return new Promise((resolve, reject) => {
      const late = (): void => {
        const error = new StartError(`The service "${this.name}" ${what} within ${ms} ms.`)
        reject(error)
        aborting?.abort(error)
      }
      const cancel = this.#options.clock.after(ms, late)
      aborting?.signal.addEventListener('abort', () => reject(aborting.signal.reason as Error), {
        once: true,
      })
      work.then(resolve, reject).finally(cancel)
    })
  }
}
