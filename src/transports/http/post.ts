import type { Principal } from '../../contracts/principal.js'
import type { Opening } from '../../engine/discovery.js'
import type { Answer, Engine } from '../../engine/engine.js'
import { Exchange } from '../../engine/exchange.js'
import { ProtocolError } from '../../errors/protocol-error.js'
import type { RequestFrame, RequestId } from '../../protocol/json-rpc.js'
import type { AcceptedTypes } from './media-type.js'
import { encodeRefusal, type Refusal } from './refusal.js'
import { eventStreamHeaders, eventText, jsonHeaders, type ReplySink, type RequestHead } from './reply.js'

/** One POST: its head, who sent it, what it takes back and where that goes. */
export interface Post {
  readonly head: RequestHead
  readonly principal: Principal
  readonly accepted: AcceptedTypes
  readonly sink: ReplySink
  /** What every reply to it carries. */
  readonly headers: Readonly<Record<string, string>>
}

export const sessionHeader = 'mcp-session-id'
export const versionHeader = 'mcp-protocol-version'

/** The request of a POST. Its first notification turns the answer into a stream, where the client takes one. */
export function exchangeOf(engine: Engine, frame: RequestFrame, opening: Opening, post: Post): Exchange {
  const { accepted, sink, headers } = post
  return new Exchange({
    id: frame.id,
    method: frame.method,
    params: frame.params,
    dialect: opening.dialect,
    client: opening.client,
    principal: post.principal,
    transport: 'http',
    clock: engine.environment.clock,
    notify: accepted.eventStream
      ? (text) => sink.event(eventText(text), { ...eventStreamHeaders, ...headers })
      : undefined,
  })
}

/** Sends an answer as JSON, or as the last event of a stream where one is open or nothing else is taken. */
export function sendAnswer(answer: Answer | undefined, post: Post): void {
  const { sink, accepted, headers } = post
  if (answer === undefined) {
    // Cancelled: the specification allows no answer, but HTTP needs the exchange to end.
    if (sink.streaming) sink.end()
    else sink.reply({ status: 202, headers })
  } else if (sink.streaming || (!accepted.json && answer.status === 200)) {
    sink.event(eventText(answer.text), { ...eventStreamHeaders, ...headers })
    sink.end()
  } else {
    sink.reply({ status: answer.status, headers: jsonHeaders(headers), body: answer.text })
  }
}

/** Sends a refusal of the message that a POST carried. */
export function sendRefusal(engine: Engine, refusal: Refusal, post: Post, id?: RequestId): void {
  engine.environment.stats.counters.refusedHttpRequests += 1
  const { status, headers } = refusal
  const common = jsonHeaders(post.headers)
  post.sink.reply({
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
