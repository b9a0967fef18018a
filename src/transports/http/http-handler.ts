import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authenticator } from '../../contracts/authenticator.js'
import type { EventStore } from '../../contracts/event-store.js'
import type { Logger } from '../../contracts/logger.js'
import type { Principal } from '../../contracts/principal.js'
import { toMs } from '../../engine/duration.js'
import type { Engine } from '../../engine/engine.js'
import type { Sessions } from '../../engine/session.js'
import type { Body, BodyLimits } from './body-rules.js'
import { type Admission, Edge } from './edge.js'
import { Endpoint } from './endpoint.js'
import { KeepAlive } from './keep-alive.js'
import { NodeSink, type SinkOptions, writeReply } from './node-sink.js'
import type { HttpOptions } from './options.js'
import { type BodyReader, createBodyReader } from './read-body.js'
import { readRequestBody } from './read-request-body.js'
import { catalogueCode, type Refusal } from './refusal.js'
import type { Reply, RequestHead } from './reply.js'
import { ReplyQueue } from './reply-queue.js'
import { isMetadataPath } from './resource-metadata.js'
import { toResponse, WebSink } from './web-sink.js'

export interface HttpHandlerOptions {
  readonly engine: Engine
  readonly sessions: Sessions
  readonly authenticator: Authenticator | undefined
  readonly http: HttpOptions
  /** Where all nodes find the events of streams; undefined: each has its own alone. */
  readonly events: EventStore | undefined
}

/** The HTTP side of one server, for `node:http` and for the Web's `fetch` alike. */
export class HttpHandler {
  readonly #edge: Edge
  readonly #endpoint: Endpoint
  readonly #reader: BodyReader
  readonly #limits: BodyLimits
  readonly #logger: Logger
  readonly #sink: SinkOptions
  readonly #streamSink: SinkOptions

  /** @throws StartError or DefinitionError for options that cannot be served safely. */
  constructor(options: HttpHandlerOptions) {
    const { engine, sessions, http } = options
    const { stats } = engine.environment
    const {
      maxBodyBytes = 4 * 1024 * 1024,
      bodyTimeout = '10s',
      maxRequests = 10_000,
      maxUnreadBytes = 1024 * 1024,
      maxStreams = 5000,
      maxEventBytes = 16 * 1024 * 1024,
      keepAlive = '15s',
    } = http
    this.#limits = { maxBytes: maxBodyBytes, timeoutMs: toMs(bodyTimeout, '"http.bodyTimeout"') }
    this.#reader = createBodyReader(this.#limits)
    this.#logger = engine.environment.logger
    this.#edge = new Edge(http, {
      authenticator: options.authenticator,
      clock: engine.environment.clock,
      logger: this.#logger,
      stats,
      onRefusal: () => {
        stats.counters.refusedHttpRequests += 1
      },
      hasSessions: engine.discovery.newestHandshake !== undefined,
    })
    this.#endpoint = new Endpoint({
      ...{ engine, sessions, maxRequests, maxStreams, maxEventBytes },
      events: options.events,
    })
    const replies = new ReplyQueue(writeReply)
    stats.add(replies)
    this.#sink = {
      replies,
      maxUnreadBytes,
      onCut: () => {
        stats.counters.cutStreams += 1
      },
      onOver: () => this.#endpoint.over(),
      keepAlive: new KeepAlive(engine.environment.clock, toMs(keepAlive, '"http.keepAlive"')),
    }
    // What a GET opens is counted by itself, so that streams which wait for news leave room for calls.
    this.#streamSink = { ...this.#sink, onOver: () => undefined }
  }

  /** Answers one `node:http` request, whatever its path. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    const head = new NodeHead(req)
    const admission = this.#edge.admit(head)
    if (admission instanceof Promise) {
      admission
        .then((admitted) => this.#admitted(admitted, head, req, res))
        .catch((error: unknown) => writeReply(res, this.#failed(error, head)))
    } else {
      this.#admitted(admission, head, req, res)
    }
  }

  /** Whether a path is one that stands outside the endpoint's own, such as the metadata of RFC 9728. */
  servesMetadata(url: string | undefined): boolean {
    return url !== undefined && isMetadataPath(url)
  }

  /** Answers one Web request, whatever its path. */
  async fetch(request: Request): Promise<Response> {
    const head = webHead(request)
    const admission = await this.#edge.admit(head)
    if ('reply' in admission) return toResponse(admission.reply)
    if (request.method === 'DELETE') {
      const reply = this.#delete(head, admission.principal).catch((error: unknown) =>
        this.#failed(error, head),
      )
      return toResponse(await reply)
    }
    if (request.method === 'GET') {
      const sink = new WebSink(this.#streamSink, request.signal)
      this.#endpoint.get({
        head,
        principal: admission.principal,
        sink,
        edge: this.#edge,
        headers: this.#edge.headers(head),
      })
      return sink.response
    }
    const accepted = this.#endpoint.negotiate(head)
    if ('status' in accepted) return toResponse(this.#edge.refuse(accepted, head))
    const busy = this.#endpoint.admit()
    if (busy !== undefined) return toResponse(this.#edge.refuse(busy, head))
    const sink = new WebSink(this.#sink, request.signal)
    const body = await readRequestBody(request, this.#limits)
    if (typeof body === 'string') {
      const { principal } = admission
      this.#endpoint.post(body, {
        head,
        principal,
        accepted,
        sink,
        edge: this.#edge,
        headers: this.#edge.headers(head),
      })
    } else {
      sink.reply(this.#edge.refuse(body ?? bodyEnded, head))
    }
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

  /** What no other place has answered: our own fault, told to the log alone. */
  #failed(error: unknown, head: RequestHead): Reply {
    this.#logger.error('The HTTP side failed.', { error })
    const message = 'The server failed for a reason of its own.'
    return this.#edge.refuse({ status: 500, code: catalogueCode('internal_error'), message }, head)
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
      this.#delete(head, principal)
        .catch((error: unknown) => this.#failed(error, head))
        .then(
          (reply) => writeReply(res, reply),
          () => res.destroy(),
        )
      return
    }
    if (req.method === 'GET') {
      this.#reader.discard(req)
      const sink = new NodeSink(res, this.#streamSink)
      this.#endpoint.get({ head, principal, sink, edge: this.#edge, headers: this.#edge.headers(head) })
      return
    }
    const accepted = this.#endpoint.negotiate(head)
    if ('status' in accepted) {
      this.#refuse(accepted, head, req, res)
      return
    }
    const busy = this.#endpoint.admit()
    if (busy !== undefined) {
      this.#refuse(busy, head, req, res)
      return
    }
    const sink = new NodeSink(res, this.#sink)
    const take = (body: Body): void => {
      if (typeof body === 'string') {
        this.#endpoint.post(body, {
          head,
          principal,
          accepted,
          sink,
          edge: this.#edge,
          headers: this.#edge.headers(head),
        })
      } else if (body !== undefined) {
        sink.reply(this.#edge.refuse(body, head))
      }
    }
    const parsed = parsedBody(req)
    if (parsed === undefined) this.#reader.receive(req, take)
    else take(parsed)
  }
}

const bodyEnded: Refusal = {
  status: 400,
  code: catalogueCode('invalid_request'),
  message: 'The request ended before its body.',
}

/** A framework's body parser may have been there first; what it made is as good as the text. */
function parsedBody(req: IncomingMessage): string | undefined {
  if (!req.readableEnded || !('body' in req) || req.body === undefined) return undefined
  try {
    if (req.body instanceof Uint8Array) return new TextDecoder('utf-8', { fatal: true }).decode(req.body)
    return typeof req.body === 'string' ? req.body : JSON.stringify(req.body)
  } catch {
    // Not JSON after all: then it counts as read by somebody else.
    return undefined
  }
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

  get url(): string {
    const { originalUrl, url = '' } = this.#req as IncomingMessage & { originalUrl?: unknown }
    return typeof originalUrl === 'string' ? originalUrl : url
  }

  get isSecure(): boolean {
    return 'encrypted' in this.#req.socket && this.#req.socket.encrypted === true
  }

  repeats(name: string): boolean {
    const { rawHeaders } = this.#req
    let found = 0
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const raw = rawHeaders[at]
      // The length alone tells nearly all apart.
      if (raw?.length === name.length && raw.toLowerCase() === name) found += 1
    }
    return found > 1
  }
}

function webHead(request: Request): RequestHead {
  const { pathname, search, protocol } = new URL(request.url)
  return {
    method: request.method,
    url: pathname + search,
    isSecure: protocol === 'https:',
    // Several values are joined there, and a joined token is none.
    repeats: () => false,
    // A Request made by hand has no Host header; its URL says the same.
    header: (name) => request.headers.get(name) ?? (name === 'host' ? new URL(request.url).host : undefined),
    remote: undefined,
  }
}
