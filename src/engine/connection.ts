import type { Bounded } from '../contracts/bounded.js'
import type { Principal } from '../contracts/principal.js'
import { ProtocolError } from '../errors/protocol-error.js'
import type { Frame, InvalidFrame, NotificationFrame, Params, RequestFrame } from '../protocol/json-rpc.js'
import { isRequestId, requestKey } from '../protocol/json-rpc.js'
import type { Opening } from './discovery.js'
import type { Answer, Engine } from './engine.js'
import { Exchange, type TransportName, unknownClient } from './exchange.js'
import { InFlight } from './in-flight.js'

export interface ConnectOptions {
  readonly transport: 'stdio' | 'memory'
  /** Sends one whole JSON-RPC message (or batch answer), without a newline. */
  send(text: string): void
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
  /** Waits until nothing is in flight, at most `timeoutMs`; what is left then is ended and counted. */
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

/**
 * The protocol's state of one lasting connection: which era it opened in, what was negotiated, which ids
 * are in flight.
 */
export class PeerConnection implements Connection {
  readonly calls: InFlight
  readonly #engine: Engine
  readonly #options: PeerOptions
  #negotiated: Opening | undefined
  #stateless = false
  #closed = false
  #unreadableWindow = 0
  #unreadableAnswers = 0

  constructor(engine: Engine, options: PeerOptions) {
    this.#engine = engine
    this.#options = options
    this.calls = new InFlight(`calls in flight (${options.transport})`, options.maxInFlight)
  }

  get inFlight(): number {
    return this.calls.size
  }

  receive(text: string): void {
    if (this.#closed) return
    const frames = this.#engine.read(text)
    if ('kind' in frames) this.#frame(frames, (answer) => this.#send(answer.text))
    else this.#batch(frames)
  }

  unreadable(reason: 'too long' | 'not UTF-8'): void {
    const message =
      reason === 'too long'
        ? 'The message is longer than this server reads.'
        : 'The message is not valid UTF-8.'
    this.#frame({ kind: 'invalid', id: undefined, error: 'parse_error', message }, (answer) =>
      this.#send(answer.text),
    )
  }

  drain(timeoutMs: number): Promise<number> {
    const { clock } = this.#engine.environment
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
    this.calls.endAll('disconnected')
    this.#options.onClose()
  }

  #send(text: string): void {
    if (!this.#closed) this.#options.send(text)
  }

  #frame(frame: Frame, reply: (answer: Answer) => void): void {
    switch (frame.kind) {
      case 'request':
        this.#request(frame, reply)
        break
      case 'notification':
        this.#notification(frame)
        break
      case 'response':
        this.#engine.environment.stats.counters.strayResponses += 1
        break
      case 'invalid':
        this.#invalid(frame, reply)
        break
    }
  }

  /** Only where the revision has batches; elsewhere every request in it is told so, and none is left waiting. */
  #batch(frames: readonly Frame[]): void {
    const revision = this.#negotiated?.dialect.revision
    if (revision?.batches !== true) {
      const waiting = frames.flatMap((frame) =>
        (frame.kind === 'request' || frame.kind === 'invalid') && frame.id !== undefined ? [frame.id] : [],
      )
      for (const id of waiting) {
        const error = new ProtocolError(
          'invalid_request',
          `Batches are not part of ${revision?.version ?? 'this revision of'} MCP; send each message by itself.`,
        )
        this.#send(this.#engine.refusal(error, { id, dialect: this.#dialect() }).text)
      }
      if (waiting.length === 0) {
        this.#invalid(
          {
            kind: 'invalid',
            id: undefined,
            error: 'invalid_request',
            message: 'Batches are not part of this revision of MCP.',
          },
          (answer) => this.#send(answer.text),
        )
      }
      return
    }
    const answers: string[] = []
    let open = 1
    const settle = (): void => {
      open -= 1
      if (open === 0 && answers.length > 0) this.#send(`[${answers.join(',')}]`)
    }
    const seen = new Set<string>()
    for (const frame of frames) {
      if (frame.kind === 'request') {
        const key = requestKey(frame.id)
        open += 1
        const reply = (answer: Answer | undefined): void => {
          if (answer !== undefined) answers.push(answer.text)
          settle()
        }
        if (seen.has(key)) reply(this.#duplicate(frame))
        else if (frame.method === 'initialize') {
          reply(
            this.#refuse(
              frame,
              new ProtocolError('invalid_request', '"initialize" must not be part of a batch.'),
            ),
          )
        } else this.#request(frame, reply, reply)
        seen.add(key)
      } else {
        this.#frame(frame, (answer) => answers.push(answer.text))
      }
    }
    settle()
  }

  #request(
    frame: RequestFrame,
    reply: (answer: Answer) => void,
    silent: (nothing: undefined) => void = () => undefined,
  ): void {
    let opening: Opening
    try {
      if (frame.method === 'initialize' && !this.#engine.discovery.isStateless(frame.params)) {
        reply({ text: this.#initialize(frame), status: 200 })
        return
      }
      opening = this.#open(frame)
    } catch (thrown) {
      reply(this.#refuse(frame, asProtocolError(thrown)))
      return
    }
    const exchange = this.#exchange(frame, opening)
    const begun = this.calls.begin(exchange)
    if (begun === 'duplicate') {
      reply(this.#duplicate(frame))
      return
    }
    if (begun === 'full') {
      reply(
        this.#refuse(
          frame,
          new ProtocolError(
            'too_many_requests',
            'Too many calls are in flight on this connection; wait for answers first.',
          ),
        ),
      )
      return
    }
    void this.#engine.run(exchange).then((answer) => {
      this.#finish(exchange)
      if (answer === undefined) silent(undefined)
      else reply(answer)
    })
  }

  #finish(exchange: Exchange): void {
    // The answer must be on its way before a drain hears that nothing is left.
    queueMicrotask(() => this.calls.finish(exchange.id))
  }

  #exchange(frame: RequestFrame, opening: Opening): Exchange {
    return new Exchange({
      id: frame.id,
      method: frame.method,
      params: frame.params,
      dialect: opening.dialect,
      client: opening.client,
      principal: this.#options.principal,
      transport: this.#options.transport satisfies TransportName,
      clock: this.#engine.environment.clock,
      notify: (text) => this.#send(text),
    })
  }

  /** Which revision a request is under: its own word, or what the handshake settled. @throws ProtocolError */
  #open(frame: RequestFrame): Opening {
    const { discovery } = this.#engine
    if (discovery.isStateless(frame.params)) {
      const opening = discovery.openStateless(frame.params)
      // A probe with server/discover may still be followed by the handshake (2026-07-28, stdio).
      if (frame.method !== 'server/discover') this.#stateless = true
      return opening
    }
    if (this.#negotiated !== undefined) return this.#negotiated
    // A ping may come before the handshake is done (2025-11-25, basic/lifecycle, "Initialization").
    if (frame.method === 'ping' && !this.#stateless && discovery.newestHandshake !== undefined) {
      return { dialect: discovery.newestHandshake, client: unknownClient }
    }
    return discovery.newestStateless === undefined
      ? this.#uninitialized()
      : discovery.openStateless(frame.params)
  }

  #uninitialized(): never {
    throw new ProtocolError('invalid_request', 'The connection is not initialized; send "initialize" first.')
  }

  #initialize(frame: RequestFrame): string {
    const { discovery } = this.#engine
    if (this.#stateless) throw discovery.unsupported(requestedVersion(frame.params))
    if (this.#negotiated !== undefined) {
      throw new ProtocolError(
        'invalid_request',
        `The connection is initialized already, with ${this.#negotiated.dialect.revision.version}.`,
      )
    }
    const { result, ...opening } = discovery.initialize(frame.params)
    this.#negotiated = opening
    this.#engine.environment.stats.counters.requests += 1
    return `{"jsonrpc":"2.0","id":${JSON.stringify(frame.id)},"result":${result}}`
  }

  #notification(frame: NotificationFrame): void {
    switch (frame.method) {
      case 'notifications/cancelled': {
        const { requestId } = frame.params
        if (isRequestId(requestId)) this.calls.get(requestId)?.end('cancelled')
        break
      }
      case 'notifications/initialized':
      case 'notifications/roots/list_changed':
        break
      default:
        this.#engine.environment.stats.counters.unknownNotifications += 1
    }
  }

  #invalid(frame: InvalidFrame, reply: (answer: Answer) => void): void {
    const { counters } = this.#engine.environment.stats
    counters.invalidFrames += 1
    if (frame.id === undefined && !this.#mayAnswerUnreadable()) {
      counters.unansweredFrames += 1
      return
    }
    const error = new ProtocolError(frame.error, frame.message)
    reply(
      this.#engine.refusal(
        error,
        frame.id === undefined ? undefined : { id: frame.id, dialect: this.#dialect() },
      ),
    )
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

  #duplicate(frame: RequestFrame): Answer {
    return this.#refuse(
      frame,
      new ProtocolError(
        'invalid_request',
        `The id ${JSON.stringify(frame.id)} is in flight already; give each request an id of its own.`,
      ),
    )
  }

  #refuse(frame: RequestFrame, error: ProtocolError): Answer {
    return this.#engine.refusal(error, { id: frame.id, dialect: this.#dialect() })
  }

  /** The dialect to word refusals in, when the request itself settled none. */
  #dialect(): Opening['dialect'] {
    const { discovery } = this.#engine
    const dialect = this.#negotiated?.dialect ?? discovery.newestStateless ?? discovery.newestHandshake
    if (dialect === undefined) throw new Error('A server serves at least one revision.')
    return dialect
  }
}

function requestedVersion(params: Params): string {
  const { protocolVersion } = params
  return typeof protocolVersion === 'string' ? protocolVersion : 'unknown'
}

function asProtocolError(thrown: unknown): ProtocolError {
  return ProtocolError.is(thrown)
    ? thrown
    : new ProtocolError('internal_error', 'The request could not be opened.', { cause: thrown })
}
