import type { Principal } from '../../contracts/principal.js'
import type { EventLog } from './event-log.js'
import {
  commentText,
  eventStreamHeaders,
  eventText,
  primingText,
  type ReplySink,
  retryText,
} from './reply.js'

/** How long a client waits before it comes back to a stream whose connection the server ended. */
const retryMs = 1000

export interface SessionStreamOptions {
  /** Unique among all streams of a session, on every node (2025-11-25, transports, "Resumability and Redelivery"). */
  readonly id: string
  readonly session: string
  readonly log: EventLog
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
  #last = 0
  #primed = false
  #finished = false

  constructor(options: SessionStreamOptions) {
    this.id = options.id
    this.session = options.session
    this.#options = options
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
    const text = eventText(message, this.#eventId(this.#last))
    this.#options.log.append(this.id, { sequence: this.#last, text })
    return this.#sink?.event(prime + text, this.#headers)
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
    this.#options.onFinished(this)
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
    const missed = this.#options.log.after(this.id, sequence, this.#last)
    if (missed === undefined) return 'lost'
    if (this.#finished && missed.length === 0) return 'over'
    this.attach(sink, headers)
    // Clients forget the id with the connection, and this one may be cut before anything is sent, too.
    this.#primed = missed.length > 0
    if (missed.length === 0) this.open()
    else void sink.event(missed.map((event) => event.text).join(''), this.#headers)
    if (this.#finished) {
      sink.end()
      this.#sink = undefined
    }
    return 'resumed'
  }

  keepAlive(): void {
    this.open()
  }

  #prime(): string {
    if (this.#primed || !this.#options.primes) return ''
    this.#primed = true
    return primingText(this.#eventId(this.#last), retryMs)
  }

  #detach(): void {
    this.#sink = undefined
    if (!this.#finished) this.#options.onDetached(this)
  }

  #eventId(sequence: number): string {
    return `${this.id}_${sequence}`
  }
}

/** What an event id says: which stream, and which of its events. Undefined for what is none of ours. */
export function readEventId(id: string): { readonly stream: string; readonly sequence: number } | undefined {
  const [, stream, sequence] = /^([a-z][A-Za-z0-9-]{8,40})_(\d{1,12})$/.exec(id) ?? []
  return stream === undefined || sequence === undefined ? undefined : { stream, sequence: Number(sequence) }
}
