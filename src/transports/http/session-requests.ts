import type { EventStore } from '../../contracts/event-store.js'
import type { Principal } from '../../contracts/principal.js'
import { type Answer, type Engine, initializedText } from '../../engine/engine.js'
import { Exchange, type RequestStream } from '../../engine/exchange.js'
import { InFlight } from '../../engine/in-flight.js'
import { takeNotification } from '../../engine/notifications.js'
import { duplicateId, initializeInBatch, noBatches, tooManyCalls } from '../../engine/refusals.js'
import type { Session, Sessions } from '../../engine/session.js'
import { ProtocolError } from '../../errors/protocol-error.js'
import {
  type Frame,
  type NotificationFrame,
  type RequestFrame,
  type ResponseFrame,
  requestKey,
} from '../../protocol/json-rpc.js'
import { type Incoming, type Post, sendAnswer, sendRefusal, sessionHeader, versionHeader } from './post.js'
import { catalogueCode, invalidRequestCode, type Refusal } from './refusal.js'
import type { RequestHead } from './reply.js'
import type { RunningRequests } from './running-requests.js'
import { SessionPeers } from './session-peers.js'
import type { SessionStream } from './session-stream.js'
import { SessionStreams } from './session-streams.js'

const storeAway: Refusal = {
  status: 503,
  code: catalogueCode('too_many_requests'),
  message: 'What came after Last-Event-ID cannot be looked up just now; try again in a moment.',
  headers: { 'retry-after': '5' },
}

/** Foreign, expired, ended, or of another principal: a stranger must not learn which (404 in all revisions). */
const unknownSession: Refusal = {
  status: 404,
  code: invalidRequestCode,
  message: 'The session is not known here; send "initialize" again.',
}

/** Streams of one kind are bounded, and what is lost of them too. */
export interface SessionRequestsOptions {
  readonly maxRequests: number
  readonly maxStreams: number
  readonly maxEventBytes: number
  /** Where all nodes find the events of streams; undefined: clients must come back to the node that they left. */
  readonly events: EventStore | undefined
}

const gone: Refusal = {
  status: 400,
  code: invalidRequestCode,
  message: 'What came after Last-Event-ID is not kept here any more; send the request again.',
}

const tooManyStreams: Refusal = {
  status: 503,
  code: catalogueCode('too_many_requests'),
  message: 'The server has no room for another stream, or is shutting down; try again in a moment.',
  headers: { 'retry-after': '5' },
}

/** Requests of the handshake revisions: `initialize` gives out a session id, and every later one carries it. */
export class SessionRequests {
  readonly #engine: Engine
  readonly #sessions: Sessions
  readonly #running: RunningRequests
  /** Within a session ids must be unique, and a call can be cancelled by its id. */
  readonly #calls: InFlight
  readonly #streams: SessionStreams
  readonly #peers: SessionPeers

  constructor(engine: Engine, sessions: Sessions, running: RunningRequests, options: SessionRequestsOptions) {
    this.#engine = engine
    this.#sessions = sessions
    this.#running = running
    const { bus, changes, clock, expiries, logger, stats } = engine.environment
    this.#calls = new InFlight('calls in flight (HTTP sessions)', options.maxRequests)
    this.#streams = new SessionStreams({
      clock,
      expiries,
      changes,
      maxStreams: options.maxStreams,
      maxLogBytes: options.maxEventBytes,
      events: options.events,
      bus,
      logger,
      record: (session) => sessions.record(session),
      tell(session) {
        const record = sessions.record(session)
        if (record !== undefined) sessions.change(session, record)
      },
      mayHearOf: (uri, principal) => engine.catalogue.find(uri)?.entry.access?.lists(principal) ?? true,
    })
    const { calls, streams } = { calls: this.#calls, streams: this.#streams }
    this.#peers = new SessionPeers({ sessions, streams, calls, bus, logger })
    for (const bounded of [calls, streams, streams.log, streams.left, this.#peers.questions])
      stats.add(bounded)
  }

  /** Opens a stream for what belongs to no request, or takes a client back to one (2025-11-25, transports). */
  async listen(incoming: Incoming): Promise<void> {
    const { head, principal, sink, headers } = incoming
    const session = await this.open(head, principal)
    if (!('id' in session)) {
      sendRefusal(this.#engine, session, incoming)
      return
    }
    const last = head.header('last-event-id')
    if (last === undefined) {
      if (!this.#streams.openStandalone(session, principal, sink, headers)) {
        sendRefusal(this.#engine, tooManyStreams, incoming)
      }
      return
    }
    const resumed = await this.#streams.resume(last, session, principal, sink, headers)
    if (resumed === 'unknown') sendRefusal(this.#engine, gone, incoming)
    else if (resumed === 'full') sendRefusal(this.#engine, tooManyStreams, incoming)
    else if (resumed === 'away') sendRefusal(this.#engine, storeAway, incoming)
    // What clients of event streams understand as "do not come back" (HTML, "Server-sent events").
    else if (resumed === 'over') sink.reply({ status: 204, headers })
  }

  /** Ends the streams that wait for nothing but news. */
  closeStreams(): void {
    this.#streams.close()
  }

  /** Resolves when other nodes can read all that was sent on streams until now, or nobody can tell them. */
  streamsSettled(): Promise<void> {
    return this.#streams.settled()
  }

  async initialize(frame: RequestFrame, post: Post): Promise<void> {
    // A live session is not opened twice; an id that is no longer known is simply replaced.
    if (
      post.head.header(sessionHeader) !== undefined &&
      'id' in (await this.open(post.head, post.principal))
    ) {
      throw new ProtocolError(
        'invalid_request',
        'The session is initialized already; leave Mcp-Session-Id out to open another.',
      )
    }
    const { result, ...opening } = this.#engine.discovery.initialize(frame.params)
    const id = await this.#sessions.create(opening, post.principal)
    const answer = initializedText(this.#engine, frame.id, result)
    sendAnswer(answer, { ...post, headers: { ...post.headers, [sessionHeader]: id } })
  }

  /** Answers one request; waits only where the session has to be opened first. */
  request(frame: RequestFrame, post: Post): void | Promise<void> {
    const session = this.open(post.head, post.principal)
    return session instanceof Promise
      ? session.then((opened) => this.#answer(frame, opened, post))
      : this.#answer(frame, session, post)
  }

  async oneWay(frame: NotificationFrame | ResponseFrame, post: Post): Promise<void> {
    const session = await this.open(post.head, post.principal)
    if (!('id' in session)) {
      sendRefusal(this.#engine, session, post)
      return
    }
    this.#take(frame, session)
    post.sink.reply({ status: 202, headers: post.headers })
  }

  /** A batch (2025-03-26, basic/index, "Batching"); the revisions before and after have none. */
  async batch(frames: readonly Frame[], post: Post): Promise<void> {
    const session = await this.open(post.head, post.principal)
    if (!('id' in session)) {
      sendRefusal(this.#engine, session, post)
      return
    }
    const { revision } = session.dialect
    if (!revision.batches) {
      const { message } = noBatches(revision)
      sendRefusal(this.#engine, { status: 400, code: invalidRequestCode, message }, post)
      return
    }
    const seen = new Set<string>()
    const answers = await Promise.all(frames.map((frame) => this.#inBatch(frame, session, post, seen)))
    const texts = answers.flatMap((answer) => (answer === undefined ? [] : [answer.text]))
    if (texts.length === 0) sendAnswer(undefined, post)
    else sendAnswer({ text: `[${texts.join(',')}]`, status: 200 }, post)
  }

  /** Ends a session (DELETE); the refusal when there is none to end. */
  async end(head: RequestHead, principal: Principal): Promise<Refusal | undefined> {
    const session = await this.open(head, principal)
    if (!('id' in session)) return session
    const ended = this.#sessions.end(session)
    this.#calls.endScope(session.key, 'disconnected')
    this.#streams.end(session.key)
    await ended
    return undefined
  }

  /** The session that a request names, or the refusal that says what is wrong with it. */
  open(head: RequestHead, principal: Principal): Session | Refusal | Promise<Session | Refusal> {
    const version = head.header(versionHeader)
    if (version !== undefined && this.#engine.discovery.dialect(version)?.revision.era !== 'handshake') {
      const message = `The protocol version ${JSON.stringify(version.slice(0, 40))} of MCP-Protocol-Version is not served here.`
      return { status: 400, code: invalidRequestCode, message }
    }
    const id = head.header(sessionHeader)
    if (id === undefined) {
      const message =
        'The header Mcp-Session-Id is missing; send "initialize" first and then the id that its answer gives.'
      return { status: 400, code: invalidRequestCode, message }
    }
    const session = this.#sessions.open(id, principal)
    return session instanceof Promise
      ? session.then((opened) => opened ?? unknownSession)
      : (session ?? unknownSession)
  }

  #answer(frame: RequestFrame, session: Session | Refusal, post: Post): void | Promise<void> {
    if ('id' in session) return this.#run(frame, session, post).then((answer) => sendAnswer(answer, post))
    sendRefusal(this.#engine, session, post, frame.id)
  }

  async #run(frame: RequestFrame, session: Session, post: Post): Promise<Answer | undefined> {
    const scope = session.key
    const exchange = new Exchange({
      id: frame.id,
      method: frame.method,
      params: frame.params,
      dialect: session.dialect,
      client: session.client,
      principal: post.principal,
      transport: 'http',
      clock: this.#engine.environment.clock,
      address: () => post.edge.address(post.head),
      stream: post.accepted.eventStream ? new AnswerStream(this.#streams, session, post) : undefined,
      peers: this.#peers,
      scope,
    })
    const begun = this.#calls.begin(exchange, scope)
    if (begun === 'duplicate') return this.#engine.refusal(duplicateId(frame.id), exchange)
    if (begun === 'full') {
      return this.#engine.refusal(tooManyCalls('on this server'), exchange)
    }
    const answer = await this.#running.run(exchange, post)
    this.#calls.finish(frame.id, scope)
    return answer
  }

  async #inBatch(frame: Frame, session: Session, post: Post, seen: Set<string>): Promise<Answer | undefined> {
    if (frame.kind === 'invalid') {
      this.#engine.environment.stats.counters.invalidFrames += 1
      const within = frame.id === undefined ? undefined : { id: frame.id, dialect: session.dialect }
      return this.#engine.refusal(new ProtocolError(frame.error, frame.message), within)
    }
    if (frame.kind !== 'request') {
      this.#take(frame, session)
      return undefined
    }
    const within = { id: frame.id, dialect: session.dialect }
    const key = requestKey(frame.id)
    if (seen.has(key)) return this.#engine.refusal(duplicateId(frame.id), within)
    seen.add(key)
    if (frame.method === 'initialize') {
      return this.#engine.refusal(initializeInBatch(), within)
    }
    return this.#run(frame, session, post)
  }

  #take(frame: NotificationFrame | ResponseFrame, session: Session): void {
    const { counters } = this.#engine.environment.stats
    if (frame.kind === 'response') {
      if (!this.#peers.settle(frame, session.key)) counters.strayResponses += 1
      return
    }
    takeNotification(
      frame,
      (id) => this.#calls.get(id, session.key),
      counters,
      (id) => this.#peers.cancelElsewhere(id, session.key),
    )
  }
}

/** The stream on which a POST of a session is answered; made when there is something to stream. */
class AnswerStream implements RequestStream {
  readonly #streams: SessionStreams
  readonly #session: Session
  readonly #post: Post

  constructor(streams: SessionStreams, session: Session, post: Post) {
    this.#streams = streams
    this.#session = session
    this.#post = post
  }

  send(text: string): void | Promise<void> {
    return this.#opened().send(text)
  }

  keepAlive(): void {
    this.#opened().open()
  }

  release(): boolean {
    return this.#session.dialect.revision.http.primes && this.#opened().release()
  }

  /** The answers of a batch share their POST's stream. */
  #opened(): SessionStream {
    const { sink, headers } = this.#post
    this.#post.stream ??= this.#streams.forAnswer(this.#session, sink, headers)
    return this.#post.stream
  }
}
