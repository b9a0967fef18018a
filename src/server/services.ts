import type { ServiceCall } from '../contracts/service.js'
import type { HealthCheck } from '../contracts/stores.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'
import { StartError } from '../errors/start-error.js'
import { ToolError } from '../errors/tool-error.js'
import { RunningService, type RunningServiceOptions } from './running-service.js'
import { type NamedPlan, serviceOrder } from './service-order.js'

const checkEveryMs = 10_000
/** After a start that failed nobody tries again for this long; it doubles each time, up to the second. */
const firstPauseMs = 1000
const longestPauseMs = 30_000

const callOf = Symbol('call')

/** What a handler sees of the services: one object for each call that looks. */
interface View {
  readonly [callOf]: ServiceCall
}

/**
 * The services of one server: started once, before the first call, each after what it depends on; stopped in the reverse of
 * that order. When one cannot start, those that run are stopped again.
 */
export class Services {
  /** Gives a handler what it sees as `ctx.services`. */
  readonly seen: (call: ServiceCall) => unknown
  readonly #plans: readonly NamedPlan[]
  /** Each after those that it depends on, whenever it starts. */
  readonly #services = new Map<string, RunningService>()
  readonly #given: Readonly<Record<string, unknown>>
  readonly #options: RunningServiceOptions
  #state: 'idle' | 'starting' | 'running' | 'stopped' = 'idle'
  #starting: Promise<void> | undefined
  #failure: StartError | undefined
  #failures = 0
  #againAt = Number.NEGATIVE_INFINITY

  /** @throws DefinitionError for dependencies that cannot be. */
  constructor(given: Readonly<Record<string, unknown>>, options: RunningServiceOptions) {
    this.#given = given
    this.#options = options
    this.#plans = serviceOrder(given)
    for (const named of this.#plans) this.#services.set(named.name, new RunningService(named, options))
    this.seen = this.#plans.length === 0 ? () => given : this.#views()
  }

  /** Starts them, once; rejects with the one sentence of what cannot start. After a failure it tries again. */
  start(): Promise<void> {
    if (this.#state === 'stopped') return Promise.reject(new StartError('The server is closed.'))
    this.#starting ??= this.#startAll()
    return this.#starting
  }

  /** The same for who serves without waiting for it: calls wait, and the log says what they are not told. */
  begin(): void {
    if (this.#state === 'idle' && this.#pauseMs() <= 0) this.#startLogged().catch(() => undefined)
  }

  /** Lets calls wait for the start; none, for servers that have nothing to start. */
  readonly gate: MiddlewareFactory = () => {
    if (this.#plans.length === 0) return undefined
    return (_call, next) => {
      if (this.#state === 'running') return next()
      return this.#started().then(() => next())
    }
  }

  /** What is known without asking anybody. */
  health(): readonly HealthCheck[] {
    const checks = [...this.#services.values()]
      .filter((service) => service.running)
      .map((service) => service.health())
    const failure = this.#failure
    return failure === undefined
      ? checks
      : [...checks, { name: 'services', status: 'degraded', message: failure.message }]
  }

  /** Stops them, each after those that depend on it, and gives up what is starting. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    for (const service of this.#services.values()) service.abort(new StartError('The server closes.'))
    await this.#starting?.catch(() => undefined)
    // Lazy ones that never ran must not start any more either.
    for (const service of this.#reversed()) await service.stop()
  }

  async #startAll(): Promise<void> {
    this.#state = 'starting'
    try {
      const eager = this.#plans.filter(({ plan }) => !plan.lazy)
      await firstFailure(eager.map((named) => this.#run(named)))
      if (this.#isStopped()) return
      this.#state = 'running'
      this.#failure = undefined
      this.#failures = 0
      this.#checkLater()
    } catch (error) {
      const failure = StartError.is(error)
        ? error
        : new StartError('A service cannot start.', { cause: error })
      await this.#rollBack()
      if (!this.#isStopped()) this.#state = 'idle'
      this.#starting = undefined
      this.#failure = failure
      this.#failures += 1
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 1))
      this.#againAt = this.#options.clock.monotonic() + pauseMs
      throw failure
    }
  }

  #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** Starts one after what it needs, and says nothing twice: all that wait for it wait for the same start. */
  async #run({ name, plan }: NamedPlan): Promise<unknown> {
    const service = this.#service(name)
    return service.running ? service.value : service.start(() => this.#needs(plan))
  }

  async #needs(plan: NamedPlan['plan']): Promise<Readonly<Record<string, unknown>>> {
    const entries = plan.dependsOn.map(async (name): Promise<[string, unknown]> => {
      const named = this.#plans.find((one) => one.name === name)
      if (named === undefined) return [name, this.#given[name]]
      return [name, named.plan.lazy ? () => this.#run(named) : await this.#run(named)]
    })
    return Object.fromEntries(await Promise.all(entries))
  }

  async #rollBack(): Promise<void> {
    for (const service of this.#services.values())
      service.abort(new StartError('Another service cannot start.'))
    for (const service of this.#reversed()) await service.rollBack()
  }

  /** Each before those that it depends on. */
  #reversed(): readonly RunningService[] {
    return [...this.#services.values()].toReversed()
  }

  /** For calls: what cannot start is said once for each attempt, and they hear only that they may come again. */
  async #started(): Promise<void> {
    if (this.#starting === undefined && this.#pauseMs() > 0) throw unavailable(this.#pauseMs())
    try {
      await (this.#starting ?? this.#startLogged())
    } catch {
      throw unavailable(this.#pauseMs())
    }
  }

  async #startLogged(): Promise<void> {
    try {
      await this.start()
    } catch (error) {
      this.#options.logger.error('The services of the server cannot start; calls are refused.', { error })
      throw error
    }
  }

  /** Milliseconds until a start may be tried again; none before one failed. */
  #pauseMs(): number {
    return this.#againAt - this.#options.clock.monotonic()
  }

  #service(name: string): RunningService {
    const service = this.#services.get(name)
    if (service === undefined) throw new Error(`There is no service "${name}".`)
    return service
  }

  /** Makes the objects that handlers see, with a getter for each name, so that a call pays for what it looks at. */
  #views(): (call: ServiceCall) => unknown {
    class ServicesView implements View {
      declare readonly [callOf]: ServiceCall
      constructor(call: ServiceCall) {
        Object.defineProperty(this, callOf, { value: call })
      }
    }
    const plans = new Map(this.#plans.map((named) => [named.name, named]))
    for (const [name, value] of Object.entries(this.#given)) {
      const named = plans.get(name)
      const look = named === undefined ? () => value : this.#look(named)
      Object.defineProperty(ServicesView.prototype, name, {
        enumerable: true,
        get(this: View) {
          const seen = look(this[callOf])
          Object.defineProperty(this, name, { value: seen, enumerable: true })
          return seen
        },
      })
    }
    return (call) => new ServicesView(call)
  }

  #look(named: NamedPlan): (call: ServiceCall) => unknown {
    const { plan, name } = named
    const service = this.#service(name)
    if (plan.lazy) {
      return (call) => async () => {
        try {
          return plan.forCall(await this.#run(named), call)
        } catch (error) {
          if (!StartError.is(error)) throw error
          throw unavailable(firstPauseMs, error)
        }
      }
    }
    return plan.shared ? () => service.value : (call) => plan.forCall(service.value, call)
  }

  #checkLater(): void {
    const watched = [...this.#services.values()].filter((service) => service.checks)
    if (watched.length === 0) return
    this.#options.clock.after(checkEveryMs, () => {
      if (this.#state !== 'running') return
      void Promise.all(watched.map((service) => service.check())).then(() => this.#checkLater())
    })
  }
}

/** Waits for all, and rejects with the first that failed; the others are heard of by whoever rolls back. */
async function firstFailure(work: readonly Promise<unknown>[]): Promise<void> {
  for (const one of work) one.catch(() => undefined)
  await Promise.all(work)
}

function unavailable(waitMs: number, cause?: unknown): ToolError {
  return new ToolError('backend_unavailable', {
    message: 'A service that this server stands on cannot start; its log says which.',
    hint: 'Try again later.',
    retryable: true,
    retryAfterMs: Math.max(1, Math.ceil(waitMs)),
    ...(cause !== undefined && { cause }),
  })
}
