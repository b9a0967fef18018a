import type { ContextSource } from './context.js'
import type { ErrorCatalogue } from './definitions.js'
import type { Environment } from './environment.js'
import type { Fallbacks } from './interaction.js'

export interface ContextSourceOptions {
  readonly name: string
  /** Milliseconds. */
  readonly timeoutMs: number
  readonly errors?: ErrorCatalogue | undefined
  readonly fallbacks?: Fallbacks | undefined
  readonly singleUse?: boolean | undefined
  /** Default: true, as for what is only read. */
  readonly repeatable?: boolean | undefined
  /** Milliseconds that what its calls spill is kept at least. Default: as long as the server says. */
  readonly spillMs?: number | undefined
}

/** What the contexts of a definition's calls share, made once. */
export function contextSource(environment: Environment, options: ContextSourceOptions): ContextSource {
  const { services, logger, clock, fetch, spilling, workers } = environment
  const { name, timeoutMs, errors = {}, fallbacks = {}, singleUse = false, repeatable = true } = options
  const { spillMs = 0 } = options
  const asking = { name, fallbacks, singleUse, timeoutMs }
  return {
    name,
    services,
    batching: environment.batching,
    logger,
    fetch,
    errors,
    timeoutMs,
    repeatable,
    now: clock.monotonic,
    workers,
    spill: (exchange, source, spillOptions) => spilling.write(exchange, source, spillOptions, spillMs),
    interact: (exchange) => environment.openInteraction(exchange, asking),
  }
}
