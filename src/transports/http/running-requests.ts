import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Answer, Engine } from '../../engine/engine.js'
import type { Exchange } from '../../engine/exchange.js'
import type { Post } from './post.js'
import { catalogueCode, type Refusal } from './refusal.js'

/** How long requests that were ended at shutdown have to send their answers. */
const graceMs = 200

/** The requests that run now, over all connections: how many there may be, and how they end at shutdown. */
export class RunningRequests implements Bounded {
  readonly #engine: Engine
  readonly #limit: number
  readonly #exchanges = new Set<Exchange>()
  #receiving = 0
  #refused = 0
  #closing = false
  #whenIdle: (() => void) | undefined

  constructor(engine: Engine, limit: number) {
    this.#engine = engine
    this.#limit = limit
  }

  #refuse(): Refusal | undefined {
    if (!this.#closing && this.#exchanges.size + this.#receiving < this.#limit) return undefined
    this.#refused += 1
    const reason = this.#closing ? 'shutting down' : 'busy'
    return {
      status: 503,
      code: catalogueCode('too_many_requests'),
      message: `The server is ${reason}; try again in a moment.`,
      headers: { 'retry-after': '1' },
    }
  }

  /** Counts a request whose body is on its way; the refusal when there may be no more. */
  receive(): Refusal | undefined {
    const refused = this.#refuse()
    if (refused === undefined) this.#receiving += 1
    return refused
  }

  /** The body is there, or will not come. */
  received(): void {
    this.#receiving -= 1
  }

  async run(exchange: Exchange, post: Post): Promise<Answer | undefined> {
    this.#exchanges.add(exchange)
    if (exchange.dialect.revision.http.disconnectCancels) {
      post.sink.onDisconnect(() => exchange.end('disconnected'))
    }
    const answer = await this.#engine.run(exchange)
    this.#exchanges.delete(exchange)
    if (this.#exchanges.size === 0) this.#whenIdle?.()
    return answer
  }

  /** Refuses what comes from now on, waits for what runs, and ends what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    this.#closing = true
    if (this.#exchanges.size === 0) return Promise.resolve()
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

  stats(): BoundedStats {
    return {
      name: 'requests in flight (HTTP)',
      size: this.#exchanges.size + this.#receiving,
      limit: this.#limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }
}
