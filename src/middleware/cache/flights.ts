import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Call } from '../../engine/call.js'
import type { Exchange } from '../../engine/exchange.js'

/** An answer that is being made, for all that ask for it meanwhile. */
export class Flight {
  readonly tags: readonly string[]
  readonly promise: Promise<unknown>
  /** The call that makes it, on an exchange that is nobody's own and ended when nobody waits any more. */
  readonly call: Call
  /** Somebody who is not waiting wants the answer: the cache itself. */
  readonly #wanted: boolean
  #waiting = 0
  /** What it is made from changed meanwhile: those who wait get it, but it is not kept. */
  outdated = false

  constructor(options: {
    readonly call: Call
    readonly tags: readonly string[]
    readonly wanted: boolean
    readonly work: (flight: Flight) => Promise<unknown>
  }) {
    this.call = options.call
    this.tags = options.tags
    this.#wanted = options.wanted
    this.promise = options.work(this)
  }

  /** Whether its work was ended, so that nobody new may wait for it. */
  get ended(): boolean {
    return this.call.exchange.ended !== undefined
  }

  /**
   * Waits with the others. Whoever's own call ends leaves, and his promise rejects at once: he is no handler that goes on. The last
   * one to leave ends the work.
   */
  join(exchange: Exchange): Promise<unknown> {
    this.#waiting += 1
    return new Promise((resolve, reject) => {
      const stay = exchange.whenEnded((reason) => {
        this.#waiting -= 1
        if (this.#waiting === 0 && !this.#wanted) this.call.exchange.end('cancelled')
        // Nobody reads it: who waits for the call was told by the deadline.
        reject(new Error(`The call was ended while it waited for an answer: ${reason}.`))
      })
      this.promise.then(
        (made) => {
          stay()
          resolve(made)
        },
        (error: unknown) => {
          stay()
          reject(error)
        },
      )
    })
  }
}

/** The answers that are being made now, by key. There is at most one for each call in flight. */
export class Flights implements Bounded {
  readonly #flights = new Map<string, Flight>()
  readonly #limit: number
  #refused = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): Flight | undefined {
    return this.#flights.get(key)
  }

  /** False where there is no room: then the answer is made for its caller alone. */
  add(key: string, flight: Flight): boolean {
    if (this.#flights.size >= this.#limit) {
      this.#refused += 1
      return false
    }
    this.#flights.set(key, flight)
    return true
  }

  remove(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }

  /** What is made from what changed is not kept, and nobody new waits for it. */
  outdate(tag: string): void {
    for (const [key, flight] of this.#flights) {
      if (!flight.tags.includes(tag)) continue
      flight.outdated = true
      this.#flights.delete(key)
    }
  }

  stats(): BoundedStats {
    return {
      name: 'answers that are being made',
      size: this.#flights.size,
      limit: this.#limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }
}
