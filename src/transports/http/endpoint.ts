import type { Principal } from '../../contracts/principal.js'
import type { Engine } from '../../engine/engine.js'
import type { Sessions } from '../../engine/session.js'
import type { InvalidFrame, RequestFrame, RequestId } from '../../protocol/json-rpc.js'
import { type AcceptedTypes, checkContentType, negotiateAccept } from './media-type.js'
import { answerThrown, type Incoming, type Post, sendAnswer, sendRefusal, versionHeader } from './post.js'
import { catalogueCode, type Refusal } from './refusal.js'
import { jsonHeaders, type RequestHead } from './reply.js'
import { RunningRequests } from './running-requests.js'
import { SessionRequests, type SessionRequestsOptions } from './session-requests.js'
import { StatelessRequests } from './stateless-requests.js'

export interface EndpointOptions extends SessionRequestsOptions {
  readonly engine: Engine
  readonly sessions: Sessions
}

/**
 * The MCP endpoint without a runtime: reads a POST's message and hands it to the rules of its era
 * (specification, basic/transports, "Streamable HTTP"; 2026-07-28, basic/versioning, for telling them apart).
 */
export class Endpoint {
  readonly #engine: Engine
  readonly #running: RunningRequests
  readonly #stateless: StatelessRequests
  readonly #inSession: SessionRequests

  constructor({ engine, sessions, ...limits }: EndpointOptions) {
    this.#engine = engine
    this.#running = new RunningRequests(engine, limits.maxRequests)
    this.#stateless = new StatelessRequests(engine, this.#running)
    this.#inSession = new SessionRequests(engine, sessions, this.#running, limits)
    engine.environment.stats.add(this.#running)
  }

  /** What a POST's head says of the types it sends and takes; checked before its body is read. */
  negotiate(head: RequestHead): AcceptedTypes | Refusal {
    return checkContentType(head.header('content-type')) ?? negotiateAccept(head.header('accept'))
  }

  /** Whether there are sessions, and with them GET and DELETE. */
  get hasSessions(): boolean {
    return this.#engine.discovery.newestHandshake !== undefined
  }

  /** Answers one GET: a stream for what belongs to no request. It never throws. */
  get(incoming: Incoming): void {
    const { head } = incoming
    const accepted = negotiateAccept(head.header('accept'))
    if ('status' in accepted || !accepted.eventStream) {
      const message = 'A GET opens a stream of events; send "Accept: text/event-stream".'
      sendRefusal(this.#engine, { status: 406, code: catalogueCode('invalid_request'), message }, incoming)
    } else if (this.#isStateless(head.header(versionHeader))) {
      const message = 'This revision has no streams that a GET opens; send "subscriptions/listen" instead.'
      const headers = { allow: 'POST, OPTIONS' }
      sendRefusal(
        this.#engine,
        { status: 405, code: catalogueCode('invalid_request'), message, headers },
        incoming,
      )
    } else {
      this.#inSession.listen(incoming).catch((thrown: unknown) => {
        const { text, status } = answerThrown(this.#engine, thrown)
        incoming.sink.reply({ status, headers: jsonHeaders(incoming.headers), body: text })
      })
    }
  }

  /** Answers one POST whose body was read. It never throws. */
  post(text: string, post: Post): void {
    const frame = this.#engine.read(text)
    if (!('kind' in frame)) {
      if (this.#isStateless(post.head.header(versionHeader))) this.#stateless.batch(post)
      else this.#guard(post, this.#inSession.batch(frame, post))
    } else if (frame.kind === 'request') {
      this.#request(frame, post)
    } else if (frame.kind === 'invalid') {
      this.#invalid(frame, post)
    } else if (this.#isStateless(post.head.header(versionHeader))) {
      this.#stateless.oneWay(frame, post)
    } else {
      this.#guard(post, this.#inSession.oneWay(frame, post))
    }
  }

  /** Counts one more request; the refusal when there may be no more. `over` must follow. */
  admit(): Refusal | undefined {
    return this.#running.admit()
  }

  /** An admitted request was answered, or its client is gone. */
  over(): void {
    this.#running.over()
  }

  /** Ends a session (DELETE); the refusal when there is none to end. */
  delete(head: RequestHead, principal: Principal): Promise<Refusal | undefined> {
    return this.#inSession.end(head, principal)
  }

  /** Refuses what comes from now on, waits for what runs, and ends what is left after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#inSession.closeStreams()
    await this.#running.drain(timeoutMs)
    await this.#inSession.streamsSettled()
  }

  #request(frame: RequestFrame, post: Post): void {
    if (this.#engine.discovery.isStateless(frame.params)) {
      this.#stateless.request(frame, post)
    } else if (frame.method === 'initialize') {
      // Also where only stateless revisions are served: the refusal names them (2026-07-28, basic/versioning).
      this.#guard(post, this.#inSession.initialize(frame, post), frame.id)
    } else if (this.#isStateless(post.head.header(versionHeader))) {
      this.#stateless.request(frame, post)
    } else {
      const work = this.#inSession.request(frame, post)
      if (work instanceof Promise) this.#guard(post, work, frame.id)
    }
  }

  /** By the header alone: for messages whose body does not say. */
  #isStateless(version: string | undefined): boolean {
    const { discovery } = this.#engine
    if (discovery.newestHandshake === undefined) return true
    return version !== undefined && discovery.dialect(version)?.revision.era === 'stateless'
  }

  #invalid(frame: InvalidFrame, post: Post): void {
    this.#engine.environment.stats.counters.invalidFrames += 1
    const refusal = { status: 400, code: catalogueCode(frame.error), message: frame.message }
    sendRefusal(this.#engine, refusal, post, frame.id)
  }

  /** Whatever goes wrong in a promise that nobody awaits still answers its request. */
  #guard(post: Post, work: Promise<void>, id?: RequestId): void {
    work.catch((thrown: unknown) => sendAnswer(answerThrown(this.#engine, thrown, id), post))
  }
}
