import type { Deadlines } from '../concurrency/deadlines.js'
import type { Bus } from '../contracts/bus.js'
import type { Clock } from '../contracts/clock.js'
import type { Fetch } from '../contracts/fetch.js'
import type { Logger } from '../contracts/logger.js'
import type { Sealer } from '../contracts/sealer.js'
import type { ServiceCall } from '../contracts/service.js'
import type { Batching } from './batching.js'
import type { Changes } from './changes.js'
import type { OpenInteraction } from './interaction.js'
import type { Pipeline } from './pipeline.js'
import type { ResultBudget } from './result-size.js'
import type { Spilling } from './spilling.js'
import type { Stats } from './stats.js'
import type { Workers } from './workers.js'

/** What every definition of one server shares. */
export interface Environment {
  /** What a call sees as `ctx.services`. */
  readonly services: (call: ServiceCall) => unknown
  readonly batching: Batching
  readonly logger: Logger
  /** For URLs that come from outside. */
  readonly fetch: Fetch
  readonly clock: Clock
  readonly sealer: Sealer
  readonly pipeline: Pipeline
  readonly bus: Bus
  readonly changes: Changes
  readonly openInteraction: OpenInteraction
  readonly workers: Workers
  readonly stats: Stats
  /** For tools that name no limits of their own. */
  readonly results: ResultBudget
  /** Where results go that are too large. */
  readonly spilling: Spilling
  /** What ends with the credential that opened it. */
  readonly expiries: Deadlines
  /** Milliseconds from arrival, for definitions that name no timeout. */
  readonly timeoutMs: number
  /** Entries a list page holds. */
  readonly pageSize: number
  /** Takes advice on definitions for the log, made when there is time; a production server does not want it. */
  readonly advise: (advice: () => readonly string[] | Promise<readonly string[]>) => void
}
