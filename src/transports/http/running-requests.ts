import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Answer, Engine } from '../../engine/engine.js'
import type { Exchange } from '../../engine/exchange.js'
import type { Post } from './post.js'
import { catalogueCode, type Refusal } from './refusal.js'

/** How long requests that were ended at shutdown have to send their answers. */
const graceMs = 200

/** The requests of all connections: how many there may be at once, and how they end at shutdown. */
export class RunningRequests implements Bounded {
  readonly #engine: Engine
  readonly #limit: number
  readonly #exchanges = new Set<Exchange>()
  /** Admitted and not yet over, wherever they stand: body, session, handler, answer. */
  #open = 0
  #refused = 0
  #closing = false
  #whenIdle: (() => void) | undefined

  constructor(engine: Engine, limit: number) {
    this.#engine = engine
    this.#limit = limit
  }

  /** Counts one more request; the refusal when there may be no more. `over` must follow. */
  admit(): Refusal | undefined {
    if (!this.#closing && this.#size < this.#limit) {
      this.#open += 1
      return undefined
    }
    this.#refused += 1
    const reason = this.#closing ? 'shutting down' : 'busy'
    return {
      status: 503,
      code: catalogueCode('too_many_requests'),
      message: `The server is ${reason}; try again in a moment.`,
      headers: { 'retry-after': '1' },
    }
  }

  /** An admitted request was answered, or its client is gone. */
  over(): void {
    this.#open -= 1
    this.#settle()
  }

  async run(exchange: Exchange, post: Post): Promise<Answer | undefined> {
    this.#exchanges.add(exchange)
    if (exchange.dialect.revision.http.disconnectCancels) {
      post.sink.onDisconnect(() => exchange.end('disconnected'))
    }
    const answer = await this.#engine.run(exchange)
    this.#exchanges.delete(exchange)
    this.#settle()
    return answer
  }

  /** Refuses what comes from now on, waits for what was admitted, and ends what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    this.#closing = true
    for (const exchange of [...this.#exchanges]) if (exchange.lasting) exchange.end('closing')
    if (this.#size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const { clock } = this.#engine.environment
      const stop = clock.after(timeoutMs, () => {
        for (const exchange of [...this.#exchanges]) exchange.end('closing')
        // Those that listen answer now; what never settles must not hold the process.
        clock.after(graceMs, resolve)
      })
      this.#whenIdle = () => {
        stop()
        resolve()
      }
    })
  }

  /** A call of a handshake revision goes on when its client has left, so it may outlive its request. */
  get #size(): number {
    return Math.max(this.#open, this.#exchanges.size)
  }

  #settle(): void {
    if (this.#whenIdle !== undefined && this.#size === 0) this.#whenIdle()
  }

  stats(): BoundedStats {
    return {
      name: 'requests in flight (HTTP)',
      size: this.#size,
      limit: this.#limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }
}
