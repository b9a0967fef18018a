import type { Bounded } from '../contracts/bounded.js'
import { anonymous, type Principal } from '../contracts/principal.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { type Frame, type InvalidFrame, type RequestFrame, requestKey } from '../protocol/json-rpc.js'
import { ConnectionPeer } from './connection-peer.js'
import type { Opening } from './discovery.js'
import { type Answer, type Engine, initializedText } from './engine.js'
import { Exchange, type RequestStream } from './exchange.js'
import { InFlight } from './in-flight.js'
import { Negotiation } from './negotiation.js'
import { takeNotification } from './notifications.js'
import { duplicateId, initializeInBatch, noBatches, shuttingDown, tooManyCalls } from './refusals.js'

export interface ConnectOptions {
  readonly transport: 'stdio' | 'memory'
  /**
   * Sends one whole JSON-RPC message (or batch answer), without a newline. A promise that it returns is what a handler
   * that reports much may wait for: it resolves when the reader has caught up.
   */
  send(text: string): void | Promise<void>
  /** Who is at the other end. Default: nobody that is known. */
  readonly principal?: Principal
  /** What waits to be sent, for `server.stats()` as long as the connection lives. */
  readonly outgoing?: Bounded
}

/** Who can be connected to: the server, as the stdio and memory transports see it. */
export interface Connectable {
  connect(options: ConnectOptions): Connection
}

/** One client on a lasting connection, from the transport's side. */
export interface Connection {
  /** One frame; answers come through `send`. It never throws. */
  receive(text: string): void
  /** A frame that could not even be read. */
  unreadable(reason: 'too long' | 'not UTF-8'): void
  readonly inFlight: number
  /** Takes no new calls, and waits until none is in flight, at most `timeoutMs`; what is left then is ended and counted. */
  drain(timeoutMs: number): Promise<number>
  /** Ends what is in flight; `send` is not called after it. */
  close(): void
}

export interface PeerOptions extends ConnectOptions {
  readonly principal: Principal
  /** Calls that may run at once. */
  readonly maxInFlight: number
  readonly onClose: () => void
}

/** Answers to frames without a readable id, per second; a peer that sends garbage gets no echo of it. */
const unreadableAnswersPerSecond = 4

/** Milliseconds that the answers of calls ended by a drain have to be on their way. */
const endedGraceMs = 100

/** Connections that this process has had. */
let connections = 0

function nextName(): string {
  connections += 1
  return String(connections)
}

/** Where an answer goes; undefined for a request that its sender no longer wants answered. */
type Reply = (answer: Answer | undefined) => void

/** The protocol on one lasting connection: frames in, answers out, ids unique among what is in flight. */
export class PeerConnection implements Connection {
  readonly calls: InFlight
  readonly peer: ConnectionPeer
  readonly #engine: Engine
  readonly #options: PeerOptions
  readonly #negotiation: Negotiation
  readonly #reply: Reply = (answer) => {
    if (answer !== undefined) void this.#send(answer.text)
  }
  readonly #sendFailed = (error: unknown): void => {
    this.#engine.environment.logger.error('A transport failed to send.', { error })
  }
  readonly #stream: RequestStream = { send: (text) => this.#send(text) }
  /** Callers without a name or an address are told apart by it. */
  readonly #name = nextName()
  #draining = false
  #closed = false
  #unreadableWindow = 0
  #unreadableAnswers = 0

  constructor(engine: Engine, options: PeerOptions) {
    this.#engine = engine
    this.#options = options
    this.#negotiation = new Negotiation(engine.discovery)
    this.calls = new InFlight(`calls in flight (${options.transport})`, options.maxInFlight)
    this.peer = new ConnectionPeer({
      transport: options.transport,
      changes: engine.environment.changes,
      send: (text) => this.#send(text),
    })
  }

  get inFlight(): number {
    return this.calls.size
  }

  receive(text: string): void {
    if (this.#closed) return
    const frames = this.#engine.read(text)
    if ('kind' in frames) this.#frame(frames, this.#reply)
    else if (this.#negotiation.negotiated?.dialect.revision.batches === true) this.#batch(frames)
    else this.#refuseBatch(frames)
  }

  unreadable(reason: 'too long' | 'not UTF-8'): void {
    const message =
      reason === 'too long'
        ? 'The message is longer than this server reads.'
        : 'The message is not valid UTF-8.'
    this.#invalid({ kind: 'invalid', id: undefined, error: 'parse_error', message }, this.#reply)
  }

  drain(timeoutMs: number): Promise<number> {
    const { clock } = this.#engine.environment
    this.#draining = true
    this.calls.endLasting()
    return new Promise((resolve) => {
      let left = 0
      let stop = clock.after(timeoutMs, () => {
        left = this.calls.size
        // What is ended is answered within a moment; what does not hear it is left behind.
        stop = clock.after(endedGraceMs, () => {
          forget()
          resolve(left)
        })
        this.calls.endAll('closing')
      })
      const forget = this.calls.onceEmpty(() => {
        stop()
        resolve(left)
      })
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.peer.close()
    this.calls.endAll('disconnected')
    this.#options.onClose()
  }

  #send(text: string): void | Promise<void> {
    if (this.#closed) return
    try {
      const sent = this.#options.send(text)
      if (sent instanceof Promise) return sent.catch(this.#sendFailed)
    } catch (error) {
      this.#sendFailed(error)
    }
  }

  #frame(frame: Frame, reply: Reply): void {
    const { counters } = this.#engine.environment.stats
    switch (frame.kind) {
      case 'request':
        this.#request(frame, reply)
        break
      case 'notification':
        if (frame.method === 'notifications/initialized' && this.#negotiation.negotiated !== undefined) {
          this.peer.listen()
        }
        takeNotification(frame, (id) => this.calls.get(id), counters)
        break
      case 'response':
        if (!this.peer.settle(frame)) counters.strayResponses += 1
        break
      case 'invalid':
        this.#invalid(frame, reply)
        break
    }
  }

  #batch(frames: readonly Frame[]): void {
    const answers: string[] = []
    const seen = new Set<string>()
    let open = frames.length
    const settle: Reply = (answer) => {
      if (answer !== undefined) answers.push(answer.text)
      open -= 1
      if (open === 0 && answers.length > 0) void this.#send(`[${answers.join(',')}]`)
    }
    for (const frame of frames) {
      if (frame.kind === 'request') {
        const key = requestKey(frame.id)
        if (seen.has(key)) settle(this.#refusal(duplicateId(frame.id), frame))
        else if (frame.method === 'initialize') settle(this.#refusal(initializeInBatch(), frame))
        else this.#request(frame, settle)
        seen.add(key)
      } else if (frame.kind === 'invalid') {
        this.#invalid(frame, settle)
      } else {
        this.#frame(frame, settle)
        settle(undefined)
      }
    }
  }

  /** Where the revision has no batches, each request in one is told so, and none is left waiting. */
  #refuseBatch(frames: readonly Frame[]): void {
    const error = noBatches(this.#negotiation.negotiated?.dialect.revision)
    const waiting = frames.flatMap((frame) =>
      (frame.kind === 'request' || frame.kind === 'invalid') && frame.id !== undefined ? [frame.id] : [],
    )
    for (const id of waiting) this.#reply(this.#refusal(error, { id }))
    if (waiting.length === 0) {
      const { message } = error
      this.#invalid({ kind: 'invalid', id: undefined, error: 'invalid_request', message }, this.#reply)
    }
  }

  /** Replies exactly once. */
  #request(frame: RequestFrame, reply: Reply): void {
    let opening: Opening
    try {
      if (this.#negotiation.isHandshake(frame)) {
        reply(initializedText(this.#engine, frame.id, this.#negotiation.initialize(frame)))
        return
      }
      opening = this.#negotiation.open(frame)
    } catch (thrown) {
      reply(this.#refusal(asProtocolError(thrown), frame))
      return
    }
    if (this.#draining) {
      reply(this.#refusal(shuttingDown(), frame))
      return
    }
    const exchange = this.#exchange(frame, opening)
    const begun = this.calls.begin(exchange)
    if (begun !== 'begun') {
      const error = begun === 'duplicate' ? duplicateId(frame.id) : tooManyCalls('on this connection')
      reply(this.#refusal(error, frame))
      return
    }
    void this.#engine.run(exchange).then((answer) => {
      reply(answer)
      // 2026-07-28, patterns/cancellation: a server that ends a subscription says so on a shared channel.
      if (exchange.lasting && exchange.ended === 'closing') {
        const params = { requestId: frame.id }
        void this.#send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params }))
      }
      this.calls.finish(frame.id)
    })
  }

  #exchange(frame: RequestFrame, opening: Opening): Exchange {
    return new Exchange({
      id: frame.id,
      method: frame.method,
      params: frame.params,
      dialect: opening.dialect,
      client: opening.client,
      principal: this.#principal,
      transport: this.#options.transport,
      clock: this.#engine.environment.clock,
      stream: this.#stream,
      connection: this.#name,
      peers: opening.dialect.revision.asks === 'request' ? this.peer : undefined,
    })
  }

  /** A credential counts until its time is over, however long the connection lives. */
  get #principal(): Principal {
    const { principal } = this.#options
    const { expiresAt } = principal
    if (expiresAt === undefined || this.#engine.environment.clock.now() < expiresAt) return principal
    return anonymous
  }

  #invalid(frame: InvalidFrame, reply: Reply): void {
    const { counters } = this.#engine.environment.stats
    counters.invalidFrames += 1
    if (frame.id === undefined && !this.#mayAnswerUnreadable()) {
      counters.unansweredFrames += 1
      reply(undefined)
      return
    }
    const error = new ProtocolError(frame.error, frame.message)
    reply(this.#refusal(error, frame.id === undefined ? undefined : { id: frame.id }))
  }

  #mayAnswerUnreadable(): boolean {
    const second = Math.floor(this.#engine.environment.clock.monotonic() / 1000)
    if (second !== this.#unreadableWindow) {
      this.#unreadableWindow = second
      this.#unreadableAnswers = 0
    }
    this.#unreadableAnswers += 1
    return this.#unreadableAnswers <= unreadableAnswersPerSecond
  }

  #refusal(error: ProtocolError, to: Pick<RequestFrame, 'id'> | undefined): Answer {
    const { dialect } = this.#negotiation
    return this.#engine.refusal(error, to === undefined ? undefined : { id: to.id, dialect })
  }
}

function asProtocolError(thrown: unknown): ProtocolError {
  return ProtocolError.is(thrown)
    ? thrown
    : new ProtocolError('internal_error', 'The request could not be opened.', { cause: thrown })
}
