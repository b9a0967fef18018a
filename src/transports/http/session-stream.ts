import type { KeptEvent } from '../../contracts/event-store.js'
import type { Principal } from '../../contracts/principal.js'
import { isStandalone, toEventId } from './event-id.js'
import type { EventLog } from './event-log.js'
import {
  commentText,
  eventStreamHeaders,
  eventText,
  primingText,
  type ReplySink,
  retryText,
} from './reply.js'
import type { StreamWriter } from './stream-writer.js'

/** Who writes in the log of this node. */
const here = ''
/** How long a client waits before it comes back to a stream whose connection the server ended. */
const retryMs = 1000

export interface SessionStreamOptions {
  /** Unique among all streams of a session, on every node (2025-11-25, transports, "Resumability and Redelivery"). */
  readonly id: string
  readonly session: string
  readonly log: EventLog
  /** Keeps its events where other nodes find them, too. */
  readonly writer: StreamWriter | undefined
  /** The number of its newest event, for one that another node has begun. Default: 0. */
  readonly last?: number
  /** Whether it begins with an event that only carries an id. */
  readonly primes: boolean
  /** The connection was lost or ended while the stream goes on. */
  onDetached(stream: SessionStream): void
  /** Nothing will come on it any more. */
  onFinished(stream: SessionStream): void
}

/**
 * A stream of a session as the client sees it: it outlives its connection, and a client that comes back finds what it
 * missed. The answer to a POST is one, and so is what a GET opens.
 */
export class SessionStream {
  readonly id: string
  readonly session: string
  /** Monotonic milliseconds: when it lost its connection. */
  leftAt = 0
  /** Who opened the connection that it has or had last, where a GET did. */
  principal: Principal | undefined
  readonly #options: SessionStreamOptions
  #sink: ReplySink | undefined
  #headers: Readonly<Record<string, string>> = eventStreamHeaders
  #last: number
  #primed = false
  #finished = false

  constructor(options: SessionStreamOptions) {
    this.id = options.id
    this.session = options.session
    this.#options = options
    this.#last = options.last ?? 0
  }

  get attached(): boolean {
    return this.#sink !== undefined
  }

  get finished(): boolean {
    return this.#finished
  }

  /** Gives the stream a connection; the one before is ended. Nothing is written until there is something to write. */
  attach(sink: ReplySink, headers: Readonly<Record<string, string>>): void {
    this.#sink?.end()
    this.#sink = sink
    this.#headers = { ...eventStreamHeaders, ...headers }
    sink.onDisconnect(() => {
      if (this.#sink === sink) this.#detach()
    })
  }

  /** Opens the connection although there is nothing to say yet. */
  open(): void {
    const prime = this.#prime()
    void this.#sink?.event(prime === '' ? commentText : prime, this.#headers)
  }

  /** One message, kept for whoever has to come back for it. A promise while the reader is behind. */
  send(message: string): void | Promise<void> {
    if (this.#finished) return
    const prime = this.#prime()
    this.#last += 1
    const event = { sequence: this.#last, text: eventText(message, this.#eventId(this.#last)) }
    this.#options.log.append(this.id, here, [event])
    this.#options.writer?.append(event)
    return this.#sink?.event(prime + event.text, this.#headers)
  }

  /** Ends the connection and not the stream. False where the client could not know from where to go on. */
  release(): boolean {
    if (!this.#options.primes || this.#finished || this.#sink === undefined) return false
    const prime = this.#prime()
    void this.#sink.event(prime === '' ? retryText(retryMs) : prime, this.#headers)
    this.#sink.end()
    this.#detach()
    return true
  }

  /** Ends this connection, if it is still the stream's, and not the stream: whoever may come back finds what it missed. */
  leave(sink: ReplySink): void {
    if (this.#sink !== sink || this.release()) return
    sink.end()
    this.#detach()
  }

  finish(): void {
    if (this.#finished) return
    this.#finished = true
    this.#sink?.end()
    this.#sink = undefined
    // What is open for news goes on at another node.
    if (!isStandalone(this.id)) this.#options.writer?.end()
    this.#options.onFinished(this)
  }

  /** Its client has come back to another node, which reads there what is written here. */
  follow(): void {
    this.drop()
    this.#options.writer?.followed()
  }

  /** Ends its connection without a word: the client has another one. */
  drop(): void {
    this.#sink?.end()
    if (this.#sink !== undefined) this.#detach()
  }

  /** Resolves when other nodes can read all that was sent until now, or nobody can tell them. */
  async settled(): Promise<void> {
    await this.#options.writer?.settled()
  }

  /**
   * Takes a client back that has seen the event `sequence`: it is sent what came after, then what comes. `over`: it has
   * seen all there will be. `lost`: what it missed is not kept any more.
   */
  resume(
    sequence: number,
    sink: ReplySink,
    headers: Readonly<Record<string, string>>,
  ): 'resumed' | 'over' | 'lost' {
    const missed = sequence >= this.#last ? [] : this.#options.log.after(this.id, sequence)?.events
    if (missed === undefined) return 'lost'
    if (this.#finished && missed.length === 0) return 'over'
    this.goOn(missed, sink, headers)
    return 'resumed'
  }

  /** Gives the stream a connection of a client that has missed these events. */
  goOn(missed: readonly KeptEvent[], sink: ReplySink, headers: Readonly<Record<string, string>>): void {
    this.attach(sink, headers)
    // Clients forget the id with the connection, and this one may be cut before anything is sent, too.
    this.#primed = missed.length > 0
    if (missed.length === 0) this.open()
    else void sink.event(missed.map((event) => event.text).join(''), this.#headers)
    if (this.#finished) {
      sink.end()
      this.#sink = undefined
    }
  }

  keepAlive(): void {
    this.open()
  }

  #prime(): string {
    if (this.#primed || !this.#options.primes) return ''
    this.#primed = true
    // Who has seen nothing but this must be known wherever it comes back to.
    this.#options.writer?.open()
    return primingText(this.#eventId(this.#last), retryMs)
  }

  #detach(): void {
    this.#sink = undefined
    if (!this.#finished) this.#options.onDetached(this)
  }

  #eventId(sequence: number): string {
    return toEventId({ stream: this.id, sequence })
  }
}
