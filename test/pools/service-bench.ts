import type { BoundedStats } from '../../src/contracts/bounded.js'
import { systemClock } from '../../src/contracts/clock.js'
import type { Logger } from '../../src/contracts/logger.js'
import { type Service, type ServiceCall, type ServiceHost, servicePlan } from '../../src/contracts/service.js'

/** A service that runs without a server, and the calls of handlers that use it. */
export interface Started<Seen, Value = unknown> {
  readonly value: Value
  /** What a handler of this call sees. */
  for(call: ServiceCall): Seen
  degraded(): string | undefined
  stats(): BoundedStats[]
  readonly logged: string[]
  stop(): Promise<void>
}

export async function started<Value, Seen>(service: Service<Value, Seen>): Promise<Started<Seen, Value>> {
  const plan = service[servicePlan]
  const logged: string[] = []
  const tables: { stats(): BoundedStats }[] = []
  const host: ServiceHost = {
    clock: systemClock,
    logger: loggerInto(logged),
    stats: { add: (bounded) => tables.push(bounded) },
    signal: new AbortController().signal,
  }
  const value = await plan.start({}, host)
  return {
    value,
    for: (call) => plan.forCall(value, call),
    degraded: () => plan.degraded?.(value),
    stats: () => tables.map((table) => table.stats()),
    logged,
    stop: async () => plan.stop(value),
  }
}

export interface TestCall extends ServiceCall {
  cancel(): void
  readonly queries: string[]
}

/** A call that ends after `ms`, or when it is cancelled. */
export function callOf(ms = 60_000): TestCall {
  const controller = new AbortController()
  const endsAt = performance.now() + ms
  const stop = systemClock.after(ms, () => controller.abort(new Error('The deadline has passed.')))
  const queries: string[] = []
  return {
    name: 'test',
    principal: {} as ServiceCall['principal'],
    signal: controller.signal,
    repeatable: true,
    log: loggerInto([]),
    remaining: () => Math.max(0, endsAt - performance.now()),
    noteQuery: (shape) => queries.push(shape),
    cancel() {
      stop()
      controller.abort(new Error('The caller left.'))
    },
    queries,
  }
}

function loggerInto(lines: string[]): Logger {
  const write = (message: string): void => void lines.push(message)
  return { debug: write, info: write, warn: write, error: write }
}
