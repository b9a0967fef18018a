import type { Principal } from '../../contracts/principal.js'
import type { Opening } from '../../engine/discovery.js'
import type { Answer, Engine } from '../../engine/engine.js'
import { Exchange } from '../../engine/exchange.js'
import { InFlight } from '../../engine/in-flight.js'
import type { Session, Sessions } from '../../engine/session.js'
import { ProtocolError } from '../../errors/protocol-error.js'
import { type Frame, isRecord, isRequestId, type RequestFrame, requestKey } from '../../protocol/json-rpc.js'
import { metaKeys } from '../../protocol/meta-keys.js'
import type { Edge } from './edge.js'
import { checkRoutingHeaders } from './mcp-headers.js'
import { type AcceptedTypes, checkContentType, negotiateAccept } from './media-type.js'
import { type MirroredParam, mirroredParams } from './mirrored-params.js'
import { encodeRefusal, invalidRequestCode, type Refusal } from './refusal.js'
import {
  eventStreamHeaders,
  eventText,
  jsonType,
  type Reply,
  type ReplySink,
  type RequestHead,
} from './reply.js'

export interface EndpointOptions {
  readonly engine: Engine
  readonly sessions: Sessions
  readonly edge: Edge
  readonly maxRequests: number
}

/** One POST: its head, who sent it, what it takes back and where that goes. */
interface Post {
  readonly head: RequestHead
  readonly principal: Principal
  readonly accepted: AcceptedTypes
  readonly sink: ReplySink
  readonly headers: Readonly<Record<string, string>>
}

const sessionHeader = 'mcp-session-id'
const versionHeader = 'mcp-protocol-version'

/**
 * The MCP endpoint without a runtime: what a POST's message means under each revision's HTTP rules, and how
 * its answer travels (specification, basic/transports, "Streamable HTTP").
 */
export class Endpoint {
  readonly #engine: Engine
  readonly #sessions: Sessions
  readonly #edge: Edge
  readonly #maxRequests: number
  /** Calls of sessions, where ids must be unique and can be cancelled by them. */
  readonly #sessionCalls: InFlight
  readonly #running = new Set<Exchange>()
  readonly #mirrored = new WeakMap<object, readonly MirroredParam[]>()
  #refused = 0
  #closing = false
  #whenIdle: (() => void) | undefined

  constructor(options: EndpointOptions) {
    this.#engine = options.engine
    this.#sessions = options.sessions
    this.#edge = options.edge
    this.#maxRequests = options.maxRequests
    this.#sessionCalls = new InFlight('calls in flight (HTTP sessions)', options.maxRequests)
    const { stats } = options.engine.environment
    stats.add(this.#sessionCalls)
    stats.add({
      stats: () => ({
        name: 'requests in flight (HTTP)',
        size: this.#running.size,
        limit: this.#maxRequests,
        unit: 'entries',
        dropped: this.#refused,
      }),
    })
  }

  /** What a POST's head says of the types it sends and takes; checked before its body is read. */
  negotiate(head: RequestHead): AcceptedTypes | Refusal {
    return checkContentType(head.header('content-type')) ?? negotiateAccept(head.header('accept'))
  }

  /** Answers one POST whose body was read. It never throws. */
  post(text: string, post: Omit<Post, 'headers'>): void {
    const full: Post = { ...post, headers: this.#edge.headers(post.head) }
    const frames = this.#engine.read(text)
    if (!('kind' in frames)) {
      this.#guard(full, this.#batch(frames, full))
    } else if (frames.kind === 'request') {
      this.#request(frames, full)
    } else {
      this.#guard(full, this.#oneWay(frames, full))
    }
  }

  /** Ends a session (DELETE). */
  async delete(head: RequestHead, principal: Principal): Promise<Reply> {
    const session = await this.#session(head, principal)
    if (!('id' in session)) return this.#edge.refuse(session, head)
    this.#sessions.end(session.id)
    return { status: 204, headers: this.#edge.headers(head) }
  }

  /** Refuses what comes from now on, waits for what runs, and ends what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    this.#closing = true
    if (this.#running.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const stop = this.#engine.environment.clock.after(timeoutMs, () => {
        for (const exchange of [...this.#running]) exchange.end('closing')
      })
      this.#whenIdle = () => {
        stop()
        resolve()
      }
    })
  }

  #request(frame: RequestFrame, post: Post): void {
    if (this.#closing || this.#running.size >= this.#maxRequests) {
      this.#refused += 1
      const message = this.#closing
        ? 'The server is shutting down; try again in a moment.'
        : 'The server is busy; try again in a moment.'
      post.sink.reply(
        this.#refusal({ status: 503, code: -32603, message, headers: { 'retry-after': '1' } }, post, frame),
      )
      return
    }
    const { discovery } = this.#engine
    const version = post.head.header(versionHeader)
    const stateless =
      discovery.isStateless(frame.params) ||
      discovery.newestHandshake === undefined ||
      (version !== undefined && discovery.dialect(version)?.revision.era === 'stateless')
    if (stateless) this.#stateless(frame, version, post)
    else if (frame.method === 'initialize') this.#guard(post, this.#initialize(frame, post), frame)
    else this.#guard(post, this.#inSession(frame, post), frame)
  }

  #stateless(frame: RequestFrame, version: string | undefined, post: Post): void {
    let opening: Opening
    try {
      const meta = frame.params['_meta']
      const claimed = isRecord(meta) ? meta[metaKeys.protocolVersion] : undefined
      // A proxy has routed by the header, so it must say what the body says, before anything else is looked at.
      if (typeof claimed === 'string' && claimed !== version) {
        throw new ProtocolError(
          'header_mismatch',
          version === undefined
            ? `The header MCP-Protocol-Version is missing, but the body says ${JSON.stringify(claimed.slice(0, 40))}; send it.`
            : 'The header MCP-Protocol-Version and the body name different versions; send the same in both.',
        )
      }
      opening = this.#engine.discovery.openStateless(frame.params)
    } catch (thrown) {
      this.#answer(this.#asAnswer(thrown, frame), post)
      return
    }
    const disagreement = checkRoutingHeaders((name) => post.head.header(name), frame, {
      mirroredParams: frame.method === 'tools/call' ? this.#mirroredParams(frame) : undefined,
    })
    if (disagreement !== undefined) {
      post.sink.reply(this.#refusal(disagreement, post, frame))
      return
    }
    void this.#run(this.#exchange(frame, opening, post), post).then((answer) => this.#answer(answer, post))
  }

  async #initialize(frame: RequestFrame, post: Post): Promise<void> {
    // A live session is not opened twice; without a session header this is simply a new one.
    if (
      post.head.header(sessionHeader) !== undefined &&
      'id' in (await this.#session(post.head, post.principal))
    ) {
      throw new ProtocolError(
        'invalid_request',
        'The session is initialized already; leave Mcp-Session-Id out to open another.',
      )
    }
    const { result, ...opening } = this.#engine.discovery.initialize(frame.params)
    this.#engine.environment.stats.counters.requests += 1
    const id = await this.#sessions.create(opening, post.principal)
    const text = `{"jsonrpc":"2.0","id":${JSON.stringify(frame.id)},"result":${result}}`
    this.#answer({ text, status: 200 }, { ...post, headers: { ...post.headers, [sessionHeader]: id } })
  }

  async #inSession(frame: RequestFrame, post: Post): Promise<void> {
    const session = await this.#session(post.head, post.principal)
    if (!('id' in session)) {
      post.sink.reply(this.#refusal(session, post, frame))
      return
    }
    this.#answer(await this.#runInSession(frame, session, post), post)
  }

  async #runInSession(frame: RequestFrame, session: Session, post: Post): Promise<Answer | undefined> {
    const exchange = this.#exchange(frame, session, post)
    const scope = `${session.id} `
    switch (this.#sessionCalls.begin(exchange, scope)) {
      case 'duplicate':
        return this.#engine.refusal(duplicateId(frame), exchange)
      case 'full':
        return this.#engine.refusal(
          new ProtocolError('too_many_requests', 'The server is busy; try again in a moment.'),
          exchange,
        )
      case 'begun':
        try {
          return await this.#run(exchange, post)
        } finally {
          this.#sessionCalls.finish(frame.id, scope)
        }
    }
  }

  /** Notifications, responses and what is no message: nothing of it is answered with a result. */
  async #oneWay(frame: Exclude<Frame, RequestFrame>, post: Post): Promise<void> {
    const { counters } = this.#engine.environment.stats
    if (frame.kind === 'invalid') {
      counters.invalidFrames += 1
      const refused = this.#engine.refusal(new ProtocolError(frame.error, frame.message), undefined)
      const error: unknown = JSON.parse(refused.text)
      const body =
        frame.id === undefined ? refused.text : JSON.stringify({ ...(error as object), id: frame.id })
      post.sink.reply({ status: 400, headers: { ...jsonType, ...post.headers }, body })
      return
    }
    const version = post.head.header(versionHeader)
    const dialect = version === undefined ? undefined : this.#engine.discovery.dialect(version)
    if (dialect?.revision.era === 'stateless') {
      if (frame.kind === 'response') {
        counters.strayResponses += 1
        const message = 'This revision has no requests from the server, so a response cannot be taken.'
        post.sink.reply(this.#refusal({ status: 400, code: invalidRequestCode, message }, post))
        return
      }
      if (frame.method !== 'notifications/cancelled') counters.unknownNotifications += 1
      post.sink.reply({ status: 202, headers: post.headers })
      return
    }
    const session = await this.#session(post.head, post.principal)
    if (!('id' in session)) {
      post.sink.reply(this.#refusal(session, post))
      return
    }
    this.#take(frame, session)
    post.sink.reply({ status: 202, headers: post.headers })
  }

  #take(frame: Exclude<Frame, RequestFrame>, session: Session): void {
    const { counters } = this.#engine.environment.stats
    if (frame.kind === 'response') {
      counters.strayResponses += 1
    } else if (frame.kind === 'notification') {
      if (frame.method === 'notifications/cancelled') {
        const { requestId } = frame.params
        if (isRequestId(requestId)) this.#sessionCalls.get(requestId, `${session.id} `)?.end('cancelled')
      } else if (
        frame.method !== 'notifications/initialized' &&
        frame.method !== 'notifications/roots/list_changed'
      ) {
        counters.unknownNotifications += 1
      }
    }
  }

  async #batch(frames: readonly Frame[], post: Post): Promise<void> {
    const session = await this.#session(post.head, post.principal)
    const batches = 'id' in session && session.dialect.revision.batches
    if (!('id' in session) || !batches) {
      const status = 'id' in session ? 400 : session.status
      const message =
        'id' in session
          ? `Batches are not part of MCP ${session.dialect.revision.version}; send each message by itself.`
          : session.message
      post.sink.reply(this.#refusal({ status, code: invalidRequestCode, message }, post))
      return
    }
    const seen = new Set<string>()
    const answers = await Promise.all(frames.map((frame) => this.#inBatch(frame, session, post, seen)))
    const texts = answers.flatMap((answer) => (answer === undefined ? [] : [answer.text]))
    if (texts.length === 0) post.sink.reply({ status: 202, headers: post.headers })
    else this.#answer({ text: `[${texts.join(',')}]`, status: 200 }, post)
  }

  async #inBatch(frame: Frame, session: Session, post: Post, seen: Set<string>): Promise<Answer | undefined> {
    if (frame.kind === 'invalid') {
      this.#engine.environment.stats.counters.invalidFrames += 1
      const known = frame.id === undefined ? undefined : { id: frame.id, dialect: session.dialect }
      return this.#engine.refusal(new ProtocolError(frame.error, frame.message), known)
    }
    if (frame.kind !== 'request') {
      this.#take(frame, session)
      return undefined
    }
    const within = { id: frame.id, dialect: session.dialect }
    const key = requestKey(frame.id)
    if (seen.has(key)) return this.#engine.refusal(duplicateId(frame), within)
    seen.add(key)
    if (frame.method === 'initialize') {
      return this.#engine.refusal(
        new ProtocolError('invalid_request', '"initialize" must not be part of a batch.'),
        within,
      )
    }
    return this.#runInSession(frame, session, post)
  }

  /** The session that a request names, or the refusal that says what is wrong with it. */
  async #session(head: RequestHead, principal: Principal): Promise<Session | Refusal> {
    const { discovery } = this.#engine
    const version = head.header(versionHeader)
    if (version !== undefined && discovery.dialect(version)?.revision.era !== 'handshake') {
      const message = `The protocol version ${JSON.stringify(version.slice(0, 40))} of MCP-Protocol-Version is not served here.`
      return { status: 400, code: invalidRequestCode, message }
    }
    const id = head.header(sessionHeader)
    if (id === undefined) {
      const message =
        'The header Mcp-Session-Id is missing; send "initialize" first and then the id that its answer gives.'
      return { status: 400, code: invalidRequestCode, message }
    }
    const session = await this.#sessions.open(id, principal)
    return (
      session ?? {
        status: 404,
        code: invalidRequestCode,
        message: 'The session is not known here; send "initialize" again.',
      }
    )
  }

  #exchange(frame: RequestFrame, opening: Opening, post: Post): Exchange {
    const { id, method, params } = frame
    const { accepted, sink, headers } = post
    return new Exchange({
      id,
      method,
      params,
      dialect: opening.dialect,
      client: opening.client,
      principal: post.principal,
      transport: 'http',
      clock: this.#engine.environment.clock,
      // The first notification turns the answer into a stream; a client that takes none gets the answer alone.
      ...(accepted.eventStream && {
        notify: (text: string) => {
          this.#streaming.add(sink)
          sink.event(eventText(text), { ...eventStreamHeaders, ...headers })
        },
      }),
    })
  }

  /** Sinks whose stream was opened by a notification. */
  readonly #streaming = new WeakSet<ReplySink>()

  async #run(exchange: Exchange, post: Post): Promise<Answer | undefined> {
    this.#running.add(exchange)
    if (exchange.dialect.revision.http.disconnectCancels)
      post.sink.onDisconnect(() => exchange.end('disconnected'))
    const answer = await this.#engine.run(exchange)
    this.#running.delete(exchange)
    if (this.#running.size === 0) this.#whenIdle?.()
    return answer
  }

  /** Sends an answer as JSON, or as the last event of a stream where one is open or nothing else is taken. */
  #answer(answer: Answer | undefined, post: Post): void {
    const { sink, accepted, headers } = post
    if (answer === undefined) {
      // Cancelled: the specification allows no answer, but HTTP needs the exchange to end.
      if (this.#streaming.has(sink)) sink.end()
      else sink.reply({ status: 202, headers })
    } else if (this.#streaming.has(sink) || (!accepted.json && answer.status === 200)) {
      sink.event(eventText(answer.text), { ...eventStreamHeaders, ...headers })
      sink.end()
    } else {
      sink.reply({ status: answer.status, headers: { ...jsonType, ...headers }, body: answer.text })
    }
  }

  #refusal(refusal: Refusal, post: Post, frame?: RequestFrame): Reply {
    this.#engine.environment.stats.counters.refusedHttpRequests += 1
    return {
      status: refusal.status,
      headers: { ...jsonType, ...post.headers, ...refusal.headers },
      body: encodeRefusal(refusal, frame?.id),
    }
  }

  #mirroredParams(frame: RequestFrame): readonly MirroredParam[] | undefined {
    const { name } = frame.params
    const tool = typeof name === 'string' ? this.#engine.tools.get(name) : undefined
    if (tool === undefined) return undefined
    let found = this.#mirrored.get(tool)
    if (found === undefined) {
      found = mirroredParams(tool.tool.inputSchema)
      this.#mirrored.set(tool, found)
    }
    return found
  }

  /** Whatever goes wrong in a promise that nobody awaits still answers its request. */
  #guard(post: Post, work: Promise<void>, frame?: RequestFrame): void {
    work.catch((thrown: unknown) => this.#answer(this.#asAnswer(thrown, frame), post))
  }

  #asAnswer(thrown: unknown, frame: RequestFrame | undefined): Answer {
    const { discovery, environment } = this.#engine
    const dialect = discovery.newestStateless ?? discovery.newestHandshake
    const within = frame === undefined || dialect === undefined ? undefined : { id: frame.id, dialect }
    if (ProtocolError.is(thrown)) return this.#engine.refusal(thrown, within)
    environment.logger.error('The HTTP endpoint failed.', { error: thrown })
    return {
      ...this.#engine.refusal(
        new ProtocolError('internal_error', 'The server failed for a reason of its own.'),
        within,
      ),
      status: 500,
    }
  }
}

function duplicateId(frame: RequestFrame): ProtocolError {
  return new ProtocolError(
    'invalid_request',
    `The id ${JSON.stringify(frame.id)} is in flight already; give each request an id of its own.`,
  )
}
