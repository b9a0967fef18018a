import { BoundedMap } from '../contracts/bounded-map.js'
import type { Logger } from '../contracts/logger.js'
import type { Store } from '../contracts/store.js'

const maxEnded = 10_000

export interface EndedSessionsOptions {
  /** Where all nodes remember them; undefined: each knows those it heard of. */
  readonly store: Store | undefined
  readonly logger: Logger
}

/**
 * Which sessions were ended before their time. What this node ended or heard of it knows; a shared store says the rest: what
 * was ended before this node started, or while it could not be told.
 */
export class EndedSessions {
  readonly #options: EndedSessionsOptions
  /** When each began, by its key. */
  readonly known: BoundedMap<string, number> = new BoundedMap('sessions, ended', maxEnded)
  /** Sessions from before this time are over: raised when the list had to forget one. */
  #watermark = 0
  /** Once for each outage. */
  #failing = false

  constructor(options: EndedSessionsOptions) {
    this.#options = options
  }

  add(key: string, begun: number): void {
    const forgotten = this.known.set(key, begun)
    if (forgotten !== undefined) this.#watermark = Math.max(this.#watermark, forgotten + 1)
  }

  has(key: string, begun: number): boolean {
    return begun < this.#watermark || this.known.peek(key) !== undefined
  }

  /** Tells the shared store; resolves when it knows, or cannot be told. */
  async keep(key: string, ttlMs: number): Promise<void> {
    const { store, logger } = this.#options
    if (store === undefined || ttlMs <= 0) return
    try {
      await store.set(recordKey(key), '1', ttlMs)
    } catch (error) {
      logger.error('That a session was ended could not be kept; nodes that start later may serve it.', {
        error,
      })
    }
  }

  /**
   * Asks the shared store, and remembers a yes. Undefined when it cannot say: the session is then served, because an id is
   * no proof of identity, who calls is authenticated at each request, and clients do not begin anew after a 404.
   */
  async ask(key: string, begun: number): Promise<boolean | undefined> {
    const { store, logger } = this.#options
    if (store === undefined) return false
    try {
      const ended = (await store.get(recordKey(key))) !== undefined
      this.#failing = false
      if (ended) this.add(key, begun)
      return ended
    } catch (error) {
      if (!this.#failing)
        logger.warn('Whether sessions were ended cannot be asked; they are served.', { error })
      this.#failing = true
      return undefined
    }
  }
}

function recordKey(key: string): string {
  return `session-ended:${key}`
}
