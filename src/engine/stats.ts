import type { Bounded, BoundedRegistry, BoundedStats } from '../contracts/bounded.js'

/** What the server counts about itself, since start. */
export interface Counters {
  /** Requests that were read and begun. */
  requests: number
  /** Answers that were JSON-RPC errors. */
  protocolErrors: number
  /** Tool results with `isError`. */
  toolErrors: number
  /** Exceptions that no handler meant to throw; each is in the log. */
  internalErrors: number
  /** Requests that ended without an answer because the client no longer wanted one. */
  cancelled: number
  timedOut: number
  /** Frames that were no message of the protocol. */
  invalidFrames: number
  /** Of those, the ones left unanswered because too many came at once. */
  unansweredFrames: number
  strayResponses: number
  unknownNotifications: number
  /** Calls whose arguments came as JSON text and were read. */
  repairedCalls: number
  /** Tool results out of which hidden characters were taken. */
  sanitizedResults: number
  /** Tool results of which a part was cut to fit their budget. */
  cutResults: number
  /** Tool results refused because they were too large and could not be cut. */
  refusedResults: number
  /** Calls answered from the cache; of those, with an answer that is being made anew. */
  cacheHits: number
  staleHits: number
  /** Calls whose answer was not in the cache, or is made by another call just now. */
  cacheMisses: number
  /** Answers thrown out because they were said to be old. */
  invalidatedAnswers: number
  /** HTTP requests refused before their message was looked at. */
  refusedHttpRequests: number
  /** HTTP streams that were cut because their client left too much unread. */
  cutStreams: number
  /** Questions put to clients, whichever way. */
  questions: number
  /** Times that the event loop was blocked for longer than `blocking.after`, where it is watched. */
  blockedLoops: number
}

export interface ServerStats {
  readonly counters: Readonly<Counters>
  /** Every structure that could grow, with its limit. */
  readonly bounded: readonly BoundedStats[]
}

export class Stats implements BoundedRegistry {
  readonly counters: Counters = {
    requests: 0,
    protocolErrors: 0,
    toolErrors: 0,
    internalErrors: 0,
    cancelled: 0,
    timedOut: 0,
    invalidFrames: 0,
    unansweredFrames: 0,
    strayResponses: 0,
    unknownNotifications: 0,
    repairedCalls: 0,
    sanitizedResults: 0,
    cutResults: 0,
    refusedResults: 0,
    cacheHits: 0,
    staleHits: 0,
    cacheMisses: 0,
    invalidatedAnswers: 0,
    refusedHttpRequests: 0,
    cutStreams: 0,
    questions: 0,
    blockedLoops: 0,
  }
  readonly #bounded = new Set<Bounded>()

  add(bounded: Bounded): void {
    this.#bounded.add(bounded)
  }

  /** For structures that live as long as a connection. */
  remove(bounded: Bounded): void {
    this.#bounded.delete(bounded)
  }

  snapshot(): ServerStats {
    return { counters: { ...this.counters }, bounded: [...this.#bounded].map((bounded) => bounded.stats()) }
  }
}
