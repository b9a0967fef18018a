import type { Abandoned } from '../../concurrency/abandoned.js'
import type { Deadlines } from '../../concurrency/deadlines.js'
import type { Clock } from '../../contracts/clock.js'
import type { Logger } from '../../contracts/logger.js'
import { anonymous } from '../../contracts/principal.js'
import type { Store } from '../../contracts/store.js'
import type { Call, Next } from '../../engine/call.js'
import type { Exchange } from '../../engine/exchange.js'
import type { CacheSetting } from '../../engine/policies.js'
import type { Stats } from '../../engine/stats.js'
import { ToolError } from '../../errors/tool-error.js'
import { Flight, Flights } from './flights.js'
import { type KeptAnswer, KeptAnswers } from './kept-answers.js'
import { type Generations, SharedAnswers } from './shared-answers.js'

export interface AnswerCacheOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly stats: Stats
  readonly deadlines: Deadlines
  readonly abandoned: Abandoned
  readonly maxEntries: number
  readonly maxBytes: number
  /** What other nodes share; undefined: this node keeps its own alone. */
  readonly store: Store | undefined
}

/** One question to the cache. */
export interface Wanted {
  readonly key: string
  readonly tags: readonly string[]
  readonly setting: CacheSetting
  /** Milliseconds that making the answer may take. */
  readonly timeoutMs: number
  /** What a handler is told that wants to ask its client: an answer for many has none. */
  readonly noAsking: Promise<never>
  /** An answer as text; undefined for one that is not to be kept. */
  write(result: unknown): string | undefined
  /** The answer of a text, a new one each time. */
  read(text: string): unknown
}

/** Answers being made at once; each belongs to a call in flight, and those have limits of their own. */
const maxFlights = 10_000

/**
 * Answers that are served again: from this node's memory, from the store that nodes share, or made once for all that ask. An answer
 * is made on an exchange of its own, so that no caller who leaves takes it from the others.
 */
export class AnswerCache {
  readonly #options: AnswerCacheOptions
  readonly #kept: KeptAnswers
  readonly #shared: SharedAnswers | undefined
  readonly #flights = new Flights(maxFlights)
  #lastFailureAt = Number.NEGATIVE_INFINITY
  #invalidations = 0

  constructor(options: AnswerCacheOptions) {
    const { clock, store, stats } = options
    this.#options = options
    this.#kept = new KeptAnswers(options)
    this.#shared = store && new SharedAnswers(store, clock, (error) => this.#failed(error))
    for (const bounded of [...this.#kept.bounded, this.#flights]) stats.add(bounded)
  }

  answer(wanted: Wanted, call: Call, next: Next): unknown {
    const { counters } = this.#options.stats
    const kept = this.#kept.get(wanted.key)
    if (kept !== undefined) {
      counters.cacheHits += 1
      if (this.#options.clock.now() >= kept.freshUntil) {
        counters.staleHits += 1
        // Whoever is served the old answer does not wait for the new one, and is not told when that fails.
        if (this.#running(wanted.key) === undefined)
          this.#start(wanted, call, next, true).promise.catch(() => undefined)
      }
      return wanted.read(kept.text)
    }
    counters.cacheMisses += 1
    const flight = this.#running(wanted.key)
    if (flight !== undefined) return wait(flight, wanted, call)
    if (this.#shared !== undefined) return wait(this.#start(wanted, call, next, false), wanted, call)
    // Most answers of this node alone are there at once, and nobody can have come to wait for them.
    const own = ownCall(wanted, call)
    const before = this.#invalidations
    const result = passOn(own, call, next)
    const outdated = this.#invalidations !== before
    if (!(result instanceof Promise)) {
      this.#keep(wanted, result, outdated)
      return result
    }
    const made = this.#fly(wanted, own, false, async (own) =>
      this.#keep(wanted, await result, outdated || own.outdated),
    )
    return wait(made, wanted, call)
  }

  /** Throws out what this node knows by the tags. */
  forget(tags: readonly string[]): void {
    this.#invalidations += 1
    for (const tag of tags) {
      this.#options.stats.counters.invalidatedAnswers += this.#kept.invalidate(tag)
      this.#flights.outdate(tag)
    }
  }

  /** An answer whose last waiter left a moment ago comes to nothing, although it still stands there. */
  #running(key: string): Flight | undefined {
    const flight = this.#flights.get(key)
    return flight?.ended === true ? undefined : flight
  }

  #start(wanted: Wanted, call: Call, next: Next, refresh: boolean): Flight {
    const own = ownCall(wanted, call)
    return this.#fly(wanted, own, refresh, (flight) => this.#make(wanted, own, next, flight))
  }

  /** Lets others wait for an answer that is being made, until it is there or nobody waits any more. */
  #fly(wanted: Wanted, own: Call, refresh: boolean, work: (flight: Flight) => Promise<unknown>): Flight {
    const { key, tags, timeoutMs } = wanted
    const { deadlines, abandoned, clock } = this.#options
    const { exchange } = own
    const flight = new Flight({
      call: own,
      tags,
      wanted: refresh,
      work: (flying) => untilEnded(exchange, work(flying), abandoned),
    })
    const deadline = deadlines.add(clock.monotonic(), timeoutMs, () => exchange.end('timed out'))
    this.#flights.add(key, flight)
    const over = (): void => {
      deadlines.cancel(deadline)
      this.#flights.remove(key, flight)
    }
    flight.promise.then(over, over)
    return flight
  }

  /** From the store that nodes share, else from the handler. */
  async #make(wanted: Wanted, own: Call, next: Next, flight: Flight): Promise<unknown> {
    const generations = await this.#shared?.generations(wanted.tags)
    const shared = generations && (await this.#shared?.get(wanted.key, generations))
    // A refresh is there to make a new answer, not to find the old one again.
    if (shared !== undefined && this.#options.clock.now() < shared.freshUntil) {
      if (!flight.outdated) this.#kept.put(wanted.key, shared)
      return new Made(shared.text)
    }
    const result = await next(own)
    return this.#keep(wanted, result, flight.outdated, generations)
  }

  /** Keeps what may be kept. Returns the answer as text, or as it is where it is none to keep. */
  #keep(wanted: Wanted, result: unknown, outdated: boolean, generations?: Generations): unknown {
    const text = wanted.write(result)
    if (text === undefined) return result
    if (!outdated) {
      const { key, tags, setting } = wanted
      const freshUntil = this.#options.clock.now() + setting.ttlMs
      const answer: KeptAnswer = { text, tags, freshUntil, staleUntil: freshUntil + setting.staleMs }
      this.#kept.put(key, answer)
      if (generations !== undefined) void this.#shared?.put(key, answer, generations)
    }
    return new Made(text)
  }

  /** Without the store each node keeps its own; said once in ten seconds, not with every call. */
  #failed(error: unknown): void {
    const { clock, logger } = this.#options
    const now = clock.monotonic()
    if (now - this.#lastFailureAt < 10_000) return
    this.#lastFailureAt = now
    logger.warn('The shared cache does not answer; each node keeps answers of its own.', { error })
  }
}

/** The call on an exchange of its own, so that no caller who leaves takes the answer from the others. */
function ownCall({ setting, noAsking }: Wanted, call: Call): Call {
  const { principal, transport } = call.exchange
  // Such an answer is made for nobody, so that nothing of its first caller can get into it: callers over HTTP whom nobody knows
  // have one key, and are many.
  const isForMany = setting.scope === 'public' || (principal.kind === 'anonymous' && transport === 'http')
  const exchange = isForMany
    ? call.exchange.impersonal(setting.scope === 'public' ? anonymous : principal)
    : call.exchange.detached()
  exchange.interaction = noAsking
  return { ...call, ctx: call.ctx.on(exchange), exchange }
}

/** What stands around the call sees whether its handler was begun, although it ran on another. */
function passOn(own: Call, call: Call, next: Next): unknown {
  try {
    return next(own)
  } finally {
    if (own.begun === true) call.begun = true
  }
}

function wait(flight: Flight, wanted: Wanted, call: Call): Promise<unknown> {
  const made = flight.join(call.exchange)
  const settled = (): void => {
    if (flight.call.begun === true) call.begun = true
  }
  return made.then(
    (answer) => {
      settled()
      return answer instanceof Made ? wanted.read(answer.text) : answer
    },
    (error: unknown) => {
      settled()
      throw error
    },
  )
}

/** An answer as text: each that waits reads its own. */
class Made {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Settles with the work, or when nobody waits for it any more: then what still runs is counted as left alone. */
function untilEnded(exchange: Exchange, work: Promise<unknown>, abandoned: Abandoned): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stay = exchange.whenEnded((reason) => {
      abandoned.add(work)
      reject(
        new ToolError('timed_out', {
          message: `The answer was not made in time: ${reason}.`,
          retryable: true,
        }),
      )
    })
    work.then(
      (result) => {
        stay()
        resolve(result)
      },
      (error: unknown) => {
        stay()
        reject(error)
      },
    )
  })
}
