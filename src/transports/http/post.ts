import type { Principal } from '../../contracts/principal.js'
import type { Opening } from '../../engine/discovery.js'
import type { Answer, Engine } from '../../engine/engine.js'
import { Exchange, type RequestStream } from '../../engine/exchange.js'
import { ProtocolError } from '../../errors/protocol-error.js'
import type { RequestFrame, RequestId } from '../../protocol/json-rpc.js'
import type { Edge } from './edge.js'
import type { AcceptedTypes } from './media-type.js'
import { encodeRefusal, type Refusal } from './refusal.js'
import {
  commentText,
  eventStreamHeaders,
  eventText,
  jsonHeaders,
  type ReplySink,
  type RequestHead,
} from './reply.js'
import type { SessionStream } from './session-stream.js'

/** One request over HTTP: its head, who sent it, and where the answer goes. */
export interface Incoming {
  readonly head: RequestHead
  readonly principal: Principal
  readonly sink: ReplySink
  readonly edge: Edge
  /** What every reply to it carries. */
  readonly headers: Readonly<Record<string, string>>
}

/** One POST, and what it takes back. */
export interface Post extends Incoming {
  readonly accepted: AcceptedTypes
  /** The stream of its session that answers it, once there was something to stream. */
  stream?: SessionStream
}

export const sessionHeader = 'mcp-session-id'
export const versionHeader = 'mcp-protocol-version'

/** The request of a POST in a revision without sessions. Its first notification turns the answer into a stream. */
export function exchangeOf(engine: Engine, frame: RequestFrame, opening: Opening, post: Post): Exchange {
  return new Exchange({
    id: frame.id,
    method: frame.method,
    params: frame.params,
    dialect: opening.dialect,
    client: opening.client,
    principal: post.principal,
    transport: 'http',
    clock: engine.environment.clock,
    address: () => post.edge.address(post.head),
    stream: post.accepted.eventStream ? new PlainStream(post) : undefined,
  })
}

/** A stream that nobody can come back to: who leaves it has cancelled. */
class PlainStream implements RequestStream {
  readonly #post: Post

  constructor(post: Post) {
    this.#post = post
  }

  send(text: string): void | Promise<void> {
    return this.#write(eventText(text))
  }

  keepAlive(): void {
    void this.#write(commentText)
  }

  #write(text: string): void | Promise<void> {
    const { sink, headers } = this.#post
    return sink.event(text, sink.streaming ? eventStreamHeaders : { ...eventStreamHeaders, ...headers })
  }
}

/** Sends an answer as JSON, or as the last event of a stream where one is open or nothing else is taken. */
export function sendAnswer(answer: Answer | undefined, post: Post): void {
  const { sink, accepted, headers, stream } = post
  if (stream !== undefined) {
    if (answer !== undefined) void stream.send(answer.text)
    stream.finish()
  } else if (answer === undefined) {
    // Cancelled: the specification allows no answer, but HTTP needs the exchange to end.
    if (sink.streaming) sink.end()
    else sink.reply({ status: 202, headers })
  } else if (sink.streaming || (!accepted.json && answer.status === 200)) {
    void sink.event(eventText(answer.text), { ...eventStreamHeaders, ...headers })
    sink.end()
  } else {
    const challenge = answer.required && post.edge.stepUp(post.head, answer.required)
    const all = jsonHeaders(headers)
    sink.reply({
      status: answer.status,
      headers: challenge === undefined ? all : { ...all, 'www-authenticate': challenge },
      body: answer.text,
    })
  }
}

/** Sends a refusal of a request, or of the message that it carried. */
export function sendRefusal(
  engine: Engine,
  refusal: Refusal,
  incoming: Pick<Incoming, 'sink' | 'headers'>,
  id?: RequestId,
): void {
  engine.environment.stats.counters.refusedHttpRequests += 1
  const { status, headers } = refusal
  const common = jsonHeaders(incoming.headers)
  incoming.sink.reply({
    status,
    headers: headers === undefined ? common : { ...common, ...headers },
    body: encodeRefusal(refusal, id),
  })
}

/** What was thrown while a POST was looked at, as its answer. Only protocol errors say what they are. */
export function answerThrown(engine: Engine, thrown: unknown, id?: RequestId): Answer {
  const { discovery, environment } = engine
  const dialect = discovery.newestStateless ?? discovery.newestHandshake
  const within = id === undefined || dialect === undefined ? undefined : { id, dialect }
  if (ProtocolError.is(thrown)) return engine.refusal(thrown, within)
  environment.logger.error('The HTTP endpoint failed.', { error: thrown })
  const masked = new ProtocolError('internal_error', 'The server failed for a reason of its own.')
  return { ...engine.refusal(masked, within), status: 500 }
}
