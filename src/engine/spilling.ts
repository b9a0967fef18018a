import type { ResourceLink } from '../protocol/types.js'
import type { Duration } from './duration.js'
import type { Exchange } from './exchange.js'
import type { CacheSetting } from './policies.js'

/** How long beside a kept answer: who is served it at its end should still have time to read. */
const readingMs = 15 * 60 * 1000

/** How long at least what a definition's results lead to is kept where they are served again; milliseconds, 0 where they are not. */
export function leastSpillMs(cache: CacheSetting | undefined): number {
  return cache === undefined ? 0 : cache.ttlMs + cache.staleMs + readingMs
}

/** The same for a task's result, which its client may come back for as long as the task is kept. */
export function leastTaskSpillMs({ background }: Exchange): number {
  return background?.begun === true ? background.keptMs + readingMs : 0
}

/** What can be spilled: texts and bytes that come one after another, such as an async generator or a stream; or all at once. */
export type SpillSource =
  | string
  | Uint8Array
  | AsyncIterable<string | Uint8Array>
  | Iterable<string | Uint8Array>

export interface SpillOptions {
  /** What people call it: `orders-2026.csv`. */
  readonly name: string
  /** Default: `text/plain`. Texts are read in parts that end with a line, anything else byte by byte. */
  readonly mimeType?: string
  /**
   * How long it can be read, from when it was written. Default: the server's `spill.ttl`, and where a cached answer or a task's result leads
   * to it, 15 minutes longer than that is kept.
   */
  readonly ttl?: Duration
  /** What is in it, for the model. */
  readonly description?: string
}

/** Where results go that are too large to be sent: kept for a while, and read by the caller who got the link. */
export interface Spilling {
  /** Whether what is too large may be kept without the author asking for it. */
  readonly automatic: boolean
  /**
   * Writes a source, no faster than it can be kept, and gives the link to it. `leastMs`: it is kept so long at least, unless
   * `options` say how long.
   * @throws ToolError `spill_failed` when there is no room, and what the source throws
   */
  write(
    exchange: Exchange,
    source: SpillSource,
    options: SpillOptions,
    leastMs: number,
  ): Promise<ResourceLink>
}
