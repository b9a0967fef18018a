import type { KeptEvents } from '../../contracts/event-store.js'
import { type EventId, toEventId } from './event-id.js'
import { commentText, eventStreamHeaders, primingText, type ReplySink } from './reply.js'
import type { SharedStreams } from './shared-streams.js'

/** How long a client waits before it comes back. */
const retryMs = 1000
/** Between two looks of its own, for what the bus has lost on its way. */
const lookMs = 3000
/** Without a sign of the stream's own node for so long, that node is taken for dead. */
const lostMs = 15_000

export interface FollowedStreamOptions {
  readonly session: string
  /** Which event the client has seen. */
  readonly seen: EventId
  /** Whether it begins with an event that only carries an id. */
  readonly primes: boolean
  readonly shared: SharedStreams
  readonly sink: ReplySink
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The answer to a call that runs on another node, for a client that came back to this one: what is kept of it is sent, and what
 * that node adds, until its end. When that node is lost the connection ends, and the client is told at its next return
 * that nothing is kept.
 */
export class FollowedStream {
  readonly session: string
  readonly #options: FollowedStreamOptions
  readonly #headers: Readonly<Record<string, string>>
  readonly #unfollow: () => void
  #sequence: number
  #heardAt: number
  #stopLooking: () => void = () => undefined
  #reading = false
  #again = false
  #over = false

  constructor(options: FollowedStreamOptions) {
    const { session, seen, shared, sink, headers } = options
    this.session = session
    this.#options = options
    this.#headers = { ...eventStreamHeaders, ...headers }
    this.#sequence = seen.sequence
    this.#heardAt = shared.clock.monotonic()
    this.#unfollow = shared.follow(session, seen.stream, () => {
      this.#heardAt = shared.clock.monotonic()
      void this.#read()
    })
    sink.onDisconnect(() => this.#stop())
  }

  /** Sends what was missed, and goes on with what comes. */
  begin(missed: KeptEvents): void {
    const { primes, seen, sink, shared, session } = this.#options
    if (missed.events.length === 0) {
      // Clients forget the id with the connection, and this one may be cut before anything comes.
      void sink.event(primes ? primingText(toEventId(seen), retryMs) : commentText, this.#headers)
    }
    void this.#write(missed).then(() => this.#read())
    this.#look()
    // Only now, because what its node says may wake this stream at once.
    shared.claim(session, seen.stream)
  }

  /** Ends the connection; whoever may come back finds its stream. */
  leave(): void {
    this.#options.sink.end()
    this.#stop()
  }

  #stop(): void {
    this.#over = true
    this.#stopLooking()
    this.#unfollow()
  }

  #look(): void {
    if (this.#over) return
    const { shared, session, seen } = this.#options
    this.#stopLooking = shared.clock.after(lookMs, () => {
      if (shared.clock.monotonic() - this.#heardAt > lostMs) {
        shared.forget(session, seen.stream).catch((error: unknown) => shared.failed(error))
        this.leave()
        return
      }
      shared.claim(session, seen.stream)
      void this.#read()
      this.#look()
    })
  }

  async #read(): Promise<void> {
    this.#again = true
    if (this.#reading) return
    this.#reading = true
    const { shared, session, seen } = this.#options
    try {
      while (this.#again && !this.#over) {
        this.#again = false
        const kept = await shared.after(session, seen.stream, this.#sequence)
        if (kept === undefined) this.leave()
        else await this.#write(kept)
      }
    } catch (error) {
      shared.failed(error)
      this.leave()
    } finally {
      this.#reading = false
    }
  }

  async #write({ events, ended }: KeptEvents): Promise<void> {
    if (this.#over) return
    const { sink } = this.#options
    const last = events.at(-1)
    if (last !== undefined) {
      this.#sequence = last.sequence
      await sink.event(events.map(({ text }) => text).join(''), this.#headers)
    }
    if (ended) this.leave()
  }
}
