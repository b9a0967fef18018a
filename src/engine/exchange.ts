import type { Clock } from '../contracts/clock.js'
import type { Principal } from '../contracts/principal.js'
import { isRecord, type Params, type RequestId } from '../protocol/json-rpc.js'
import type { LogSeverity } from '../protocol/log-level.js'
import type { ClientCapabilities, Implementation } from '../protocol/types.js'
import type { Background } from './background.js'
import type { Dialect } from './dialect.js'
import type { Interaction } from './interaction.js'
import type { Peers } from './peers.js'

export type TransportName = 'stdio' | 'http' | 'memory'

/** What the client said of itself, in the handshake or in the request. */
export interface ClientState {
  readonly info: Implementation | undefined
  readonly capabilities: ClientCapabilities
  /** The least severity of log messages that the request asks for; the handshake revisions keep it elsewhere. */
  readonly logLevel?: LogSeverity | undefined
}

export const unknownClient: ClientState = { info: undefined, capabilities: {} }

/** The stream on which a request is answered, as far as notifications travel on it. */
export interface RequestStream {
  /** Sends one message; a promise while the reader is so far behind that the sender should wait. */
  send(text: string): void | Promise<void>
  /** Shows that the call goes on, without a message. */
  keepAlive?(): void
  /** Ends the connection, not the stream: the client comes back for the rest. False where it cannot. */
  release?(): boolean
}

export interface ExchangeOptions {
  readonly id: RequestId
  readonly method: string
  readonly params: Params
  readonly dialect: Dialect
  readonly client: ClientState
  readonly principal: Principal
  readonly transport: TransportName
  readonly clock: Clock
  /** Absent where the transport has none, or the client takes none. */
  readonly stream?: RequestStream | undefined
  /** How the client is asked, where the revision lets a server send requests. */
  readonly peers?: Peers | undefined
  /** The session's key; empty on a connection. */
  readonly scope?: string | undefined
  /** The client's address, found out when it is asked for. */
  readonly address?: (() => string | undefined) | undefined
  /** Tells one connection of this process from another; absent over HTTP, where connections mean nothing. */
  readonly connection?: string | undefined
}

type EndListener = (reason: EndReason) => void

/** Why a request was ended from outside. `asking`: its client is asked something, and then sends it again. */
export type EndReason = 'cancelled' | 'disconnected' | 'timed out' | 'closing' | 'asking'

/** One request from its arrival to its answer: who asks, under which revision, and whether it still wants the answer. */
export class Exchange {
  readonly id: RequestId
  readonly method: string
  readonly params: Params
  readonly dialect: Dialect
  readonly client: ClientState
  readonly principal: Principal
  readonly transport: TransportName
  readonly peers: Peers | undefined
  readonly scope: string
  readonly connection: string | undefined
  /** Monotonic milliseconds; deadlines count from here, so that waiting is included. */
  readonly arrivedAt: number
  /** Which time its client sends this request, from 1; counted up by what the server sealed, not by what is sent. */
  round = 1
  /** Its answer comes when the server or the client ends it, and not before: a subscription. */
  lasting = false
  /** Replaces the definition's timeout, in milliseconds. */
  timeoutMs: number | undefined
  /** What its handler asks its client; made with the first question, or for an answer that came with the request. */
  interaction: Promise<Interaction> | undefined
  /** Where the call may go on after its answer. */
  background: Background | undefined
  /** Questions that its client has not answered yet, since when, and how long earlier ones took (milliseconds). */
  #openQuestions = 0
  #askedAt = 0
  #askedMs = 0
  readonly #clock: Clock
  readonly #address: (() => string | undefined) | undefined
  readonly #stream: RequestStream | undefined
  #controller: AbortController | undefined
  #ended: EndReason | undefined
  /** Most requests have one listener at most, and no array. */
  #onEnd: EndListener | EndListener[] | undefined
  #onAnswered: (() => void) | undefined
  #answered = false

  constructor(options: ExchangeOptions) {
    this.id = options.id
    this.method = options.method
    this.params = options.params
    this.dialect = options.dialect
    this.client = options.client
    this.principal = options.principal
    this.transport = options.transport
    this.peers = options.peers
    this.scope = options.scope ?? ''
    this.connection = options.connection
    this.arrivedAt = options.clock.monotonic()
    this.#clock = options.clock
    this.#address = options.address
    this.#stream = options.stream
  }

  /**
   * The same request once more, for work that outlives its answer: with an end of its own, and with the stream only as
   * long as there was no answer.
   */
  detached(): Exchange {
    const { principal, client, params } = this
    return this.#again({ principal, client, params })
  }

  /**
   * The same for work that is nobody's own: without what the client said of itself and beside its arguments. It still hears of
   * progress.
   */
  impersonal(principal: Principal): Exchange {
    const { _meta: meta, ...rest } = this.params
    const token = isRecord(meta) ? meta['progressToken'] : undefined
    const params = token === undefined ? rest : { ...rest, _meta: { progressToken: token } }
    return this.#again({ principal, client: unknownClient, params })
  }

  #again({ principal, client, params }: Pick<ExchangeOptions, 'principal' | 'client' | 'params'>): Exchange {
    const { id, method, dialect, transport, peers, scope, connection } = this
    const clock = this.#clock
    const address = this.#address
    const stream: RequestStream | undefined = this.#stream && {
      send: (text) => this.send(text),
      keepAlive: () => this.keepAlive(),
      release: () => this.releaseStream(),
    }
    return new Exchange({
      id,
      method,
      params,
      dialect,
      client,
      principal,
      transport,
      peers,
      scope,
      connection,
      clock,
      stream,
      address,
    })
  }

  /** The client's address, after trusted proxies; undefined where there is none. */
  get address(): string | undefined {
    return this.#address?.()
  }

  get ended(): EndReason | undefined {
    return this.#ended
  }

  /** Whether something can still be sent for it. */
  get open(): boolean {
    return this.#ended === undefined && !this.#answered
  }

  /** Made when first asked for: most handlers never look, and an AbortController costs more than a call. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#ended !== undefined) this.#controller.abort(endError(this.#ended))
    }
    return this.#controller.signal
  }

  /** Milliseconds that its deadline is put off: the time in which its client was asked. */
  get postponedMs(): number {
    return this.#askedMs + (this.#openQuestions > 0 ? this.#clock.monotonic() - this.#askedAt : 0)
  }

  /** Its client is being asked, and that time is not the call's. Returns what to call once it has answered. */
  questionOpened(): () => void {
    if (this.#openQuestions === 0) this.#askedAt = this.#clock.monotonic()
    this.#openQuestions += 1
    return () => {
      this.#openQuestions -= 1
      if (this.#openQuestions === 0) this.#askedMs += this.#clock.monotonic() - this.#askedAt
    }
  }

  /** Ends the request from outside. The first reason counts; after the answer it does nothing. */
  end(reason: EndReason): void {
    if (this.#answered) return
    if (this.#ended !== undefined) {
      // Who gave up while the question was being put must not be asked.
      if (this.#ended === 'asking' && reason !== 'asking') this.#ended = reason
      return
    }
    this.#ended = reason
    const listeners = this.#onEnd
    this.#onEnd = undefined
    if (typeof listeners === 'function') listeners(reason)
    else if (listeners !== undefined) for (const listener of [...listeners]) listener(reason)
    this.#controller?.abort(endError(reason))
  }

  /**
   * Calls `listener` once when the request ends from outside, before the signal hears it, and at once when it has ended.
   * Listeners are told in the order in which they came and must not throw. Returns what takes the listener away again.
   */
  whenEnded(listener: EndListener): () => void {
    if (this.#ended !== undefined) {
      listener(this.#ended)
      return nothing
    }
    if (this.#onEnd === undefined) this.#onEnd = listener
    else if (typeof this.#onEnd === 'function') this.#onEnd = [this.#onEnd, listener]
    else this.#onEnd.push(listener)
    return () => this.#forget(listener)
  }

  #forget(listener: EndListener): void {
    if (this.#onEnd === listener) this.#onEnd = undefined
    else if (Array.isArray(this.#onEnd)) {
      const index = this.#onEnd.indexOf(listener)
      if (index !== -1) this.#onEnd.splice(index, 1)
    }
  }

  /** Calls `listener` once, right before the answer: the last moment at which something can be sent. */
  whenAnswered(listener: () => void): void {
    if (this.#answered) listener()
    else this.#onAnswered = listener
  }

  /** From here on nothing more is sent for this request. */
  answered(): void {
    if (this.#answered) return
    this.#onAnswered?.()
    this.#answered = true
  }

  /** Sends a message on this request's stream; silent once it was ended or answered. */
  send(text: string): void | Promise<void> {
    if (this.#stream !== undefined && this.open) return this.#stream.send(text)
  }

  /** Takes back a question of this request; also when the request has ended, as long as its stream is there. */
  takeBack(text: string): boolean {
    if (this.#stream === undefined || this.#answered) return false
    void this.#stream.send(text)
    return true
  }

  /** Sends a notification on this request's stream; a promise while its reader is behind. */
  notify(method: string, params: object): void | Promise<void> {
    // Nothing is written for nobody.
    if (this.#stream !== undefined && this.open) {
      return this.#stream.send(JSON.stringify({ jsonrpc: '2.0', method, params }))
    }
  }

  /** Whether its client can be sent anything before the answer. */
  get hasStream(): boolean {
    return this.#stream !== undefined
  }

  keepAlive(): void {
    if (this.open) this.#stream?.keepAlive?.()
  }

  releaseStream(): boolean {
    return this.open && this.#stream?.release?.() === true
  }
}

function nothing(): void {}

function endError(reason: EndReason): Error {
  const error = new Error(`The call was ended: ${reason}.`)
  // AbortError is what fetch, streams and timers expect of a signal's reason.
  error.name = reason === 'timed out' ? 'TimeoutError' : 'AbortError'
  return error
}
