import { onTestFinished } from 'vitest'
import type { BoundedStats } from '../../src/contracts/bounded.js'
import { systemClock } from '../../src/contracts/clock.js'
import type { LogFields } from '../../src/contracts/logger.js'
import { anonymous } from '../../src/contracts/principal.js'
import { type Service, type ServiceCall, servicePlan } from '../../src/contracts/service.js'

/** A service that runs, as a server would have it. */
export interface Running<Seen, Value = unknown> {
  readonly value: Value
  /** What a handler of `call` sees. */
  as(call: ServiceCall): Seen
  degraded(): string | undefined
  stats(): readonly BoundedStats[]
  readonly log: readonly { readonly level: string; readonly message: string; readonly fields: LogFields }[]
  stop(): Promise<void>
}

/** Starts a service, and stops it when the test is over. */
export async function started<Value, Seen>(service: Service<Value, Seen>): Promise<Running<Seen, Value>> {
  const running = await run(service)
  onTestFinished(running.stop)
  return running
}

/** Starts a service that whoever asked for it stops. */
export async function run<Value, Seen>(service: Service<Value, Seen>): Promise<Running<Seen, Value>> {
  const plan = service[servicePlan]
  const bounded: { stats(): BoundedStats }[] = []
  const log: { level: string; message: string; fields: LogFields }[] = []
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void log.push({ level, message, fields })
  const value = await plan.start(
    {},
    {
      name: plan.name ?? 'given',
      clock: systemClock,
      logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
      stats: { add: (one) => void bounded.push(one) },
      signal: new AbortController().signal,
    },
  )
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= Promise.resolve(plan.stop(value))
    return stopping
  }
  return {
    value,
    as: (call) => plan.forCall(value, call),
    degraded: () => plan.degraded?.(value),
    stats: () => bounded.map((one) => one.stats()),
    log,
    stop,
  }
}

export interface TestCall extends ServiceCall {
  /** Ends it, as a client that cancels. */
  end(): void
  readonly noted: readonly string[]
}

/** A call with a deadline that is met, as the server meets it: its signal aborts. */
export function testCall({
  name = 'find-order',
  within = 20_000,
  repeatable = true,
}: {
  name?: string
  within?: number
  repeatable?: boolean
} = {}): TestCall {
  const ends = new AbortController()
  const deadlineAt = performance.now() + within
  systemClock.after(within, () => ends.abort(new Error('deadline')))
  const noted: string[] = []
  return {
    name,
    principal: anonymous,
    signal: ends.signal,
    repeatable,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    remaining: () => Math.max(0, deadlineAt - performance.now()),
    noteQuery: (shape) => void noted.push(shape),
    end: () => ends.abort(new Error('cancelled')),
    noted,
  }
}
