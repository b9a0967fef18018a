import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authenticator } from '../../contracts/authenticator.js'
import type { Principal } from '../../contracts/principal.js'
import { toMs } from '../../engine/duration.js'
import type { Engine } from '../../engine/engine.js'
import type { Sessions } from '../../engine/session.js'
import type { Body, BodyLimits } from './body-rules.js'
import { type Admission, Edge } from './edge.js'
import { Endpoint } from './endpoint.js'
import { NodeSink, writeReply } from './node-sink.js'
import type { HttpOptions } from './options.js'
import { type BodyReader, createBodyReader } from './read-body.js'
import { readRequestBody } from './read-request-body.js'
import type { Refusal } from './refusal.js'
import type { Reply, ReplySink, RequestHead } from './reply.js'
import { toResponse, WebSink } from './web-sink.js'

export interface HttpHandlerOptions {
  readonly engine: Engine
  readonly sessions: Sessions
  readonly authenticator: Authenticator | undefined
  readonly http: HttpOptions
}

/** The HTTP side of one server, for `node:http` and for the Web's `fetch` alike. */
export class HttpHandler {
  readonly #edge: Edge
  readonly #endpoint: Endpoint
  readonly #reader: BodyReader
  readonly #limits: BodyLimits
  readonly #maxUnreadBytes: number
  #cut = 0
  readonly #onCut = (): void => {
    this.#cut += 1
  }

  /** @throws StartError or DefinitionError for options that cannot be served safely. */
  constructor(options: HttpHandlerOptions) {
    const { engine, sessions, http } = options
    const { stats } = engine.environment
    const {
      maxBodyBytes = 4 * 1024 * 1024,
      bodyTimeout = '10s',
      maxRequests = 10_000,
      maxUnreadBytes = 1024 * 1024,
    } = http
    this.#limits = { maxBytes: maxBodyBytes, timeoutMs: toMs(bodyTimeout, '"http.bodyTimeout"') }
    this.#reader = createBodyReader(this.#limits)
    this.#maxUnreadBytes = maxUnreadBytes
    this.#edge = new Edge(http, options.authenticator, engine.environment.logger, () => {
      stats.counters.refusedHttpRequests += 1
    })
    this.#endpoint = new Endpoint({ engine, sessions, maxRequests })
    stats.add({
      stats: () => ({
        name: 'streams cut (unread bytes of one)',
        size: 0,
        limit: maxUnreadBytes,
        unit: 'bytes',
        dropped: this.#cut,
      }),
    })
  }

  /** Answers one `node:http` request, whatever its path. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    const head = new NodeHead(req)
    const admission = this.#edge.admit(head)
    if (admission instanceof Promise) {
      void admission.then((admitted) => this.#admitted(admitted, head, req, res))
    } else {
      this.#admitted(admission, head, req, res)
    }
  }

  /** Answers one Web request, whatever its path. */
  async fetch(request: Request): Promise<Response> {
    const head = webHead(request)
    const admission = await this.#edge.admit(head)
    if ('reply' in admission) return toResponse(admission.reply)
    if (request.method === 'DELETE') return toResponse(await this.#delete(head, admission.principal))
    const accepted = this.#endpoint.negotiate(head)
    if ('status' in accepted) return toResponse(this.#edge.refuse(accepted, head))
    const busy = this.#endpoint.receive()
    if (busy !== undefined) return toResponse(this.#edge.refuse(busy, head))
    const body = await readRequestBody(request, this.#limits)
    this.#endpoint.received()
    if (typeof body !== 'string') {
      return toResponse(
        this.#edge.refuse(
          body ?? { status: 400, code: -32600, message: 'The request ended before its body.' },
          head,
        ),
      )
    }
    const sink = new WebSink(this.#maxUnreadBytes, this.#onCut, request.signal)
    const { principal } = admission
    this.#endpoint.post(body, { head, principal, accepted, sink, headers: this.#edge.headers(head) })
    return sink.response
  }

  /** Refuses new requests, waits for those that run, and ends what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    return this.#endpoint.drain(timeoutMs)
  }

  /** Answers before the body was read, and lets it run out so that the client hears the answer. */
  #refuse(refusal: Refusal, head: RequestHead, req: IncomingMessage, res: ServerResponse): void {
    this.#reader.discard(req)
    writeReply(res, this.#edge.refuse(refusal, head))
  }

  async #delete(head: RequestHead, principal: Principal): Promise<Reply> {
    const refused = await this.#endpoint.delete(head, principal)
    if (refused !== undefined) return this.#edge.refuse(refused, head)
    return { status: 204, headers: this.#edge.headers(head) }
  }

  #admitted(admission: Admission, head: RequestHead, req: IncomingMessage, res: ServerResponse): void {
    if ('reply' in admission) {
      this.#reader.discard(req)
      writeReply(res, admission.reply)
      return
    }
    const { principal } = admission
    if (req.method === 'DELETE') {
      this.#reader.discard(req)
      void this.#delete(head, principal).then((reply) => writeReply(res, reply))
      return
    }
    const accepted = this.#endpoint.negotiate(head)
    if ('status' in accepted) {
      this.#refuse(accepted, head, req, res)
      return
    }
    const busy = this.#endpoint.receive()
    if (busy !== undefined) {
      this.#refuse(busy, head, req, res)
      return
    }
    const take = (body: Body): void => {
      this.#endpoint.received()
      if (typeof body === 'string') {
        const sink: ReplySink = new NodeSink(res, this.#maxUnreadBytes, this.#onCut)
        this.#endpoint.post(body, { head, principal, accepted, sink, headers: this.#edge.headers(head) })
      } else if (body !== undefined) {
        writeReply(res, this.#edge.refuse(body, head))
      }
    }
    const parsed = parsedBody(req)
    if (parsed === undefined) this.#reader.receive(req, take)
    else take(parsed)
  }
}

/** A framework's body parser may have been there first; what it made is as good as the text. */
function parsedBody(req: IncomingMessage): string | undefined {
  if (!req.readableEnded || !('body' in req) || req.body === undefined) return undefined
  return typeof req.body === 'string' ? req.body : JSON.stringify(req.body)
}

class NodeHead implements RequestHead {
  readonly method: string
  readonly #req: IncomingMessage

  constructor(req: IncomingMessage) {
    this.method = req.method ?? ''
    this.#req = req
  }

  header(name: string): string | undefined {
    const value = this.#req.headers[name]
    return typeof value === 'string' || value === undefined ? value : value.join(', ')
  }

  get remote(): string | undefined {
    return this.#req.socket.remoteAddress
  }
}

function webHead(request: Request): RequestHead {
  return {
    method: request.method,
    // A Request made by hand has no Host header; its URL says the same.
    header: (name) => request.headers.get(name) ?? (name === 'host' ? new URL(request.url).host : undefined),
    remote: undefined,
  }
}
