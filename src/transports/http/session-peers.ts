import type { Bus } from '../../contracts/bus.js'
import type { Logger } from '../../contracts/logger.js'
import type { Exchange } from '../../engine/exchange.js'
import type { InFlight } from '../../engine/in-flight.js'
import type { PeerRecord, Peers } from '../../engine/peers.js'
import { PendingQuestions } from '../../engine/pending-questions.js'
import type { Sessions } from '../../engine/session.js'
import { ToolError } from '../../errors/tool-error.js'
import { isRecord, isRequestId, type RequestId, type ResponseFrame } from '../../protocol/json-rpc.js'
import type { SessionStreams } from './session-streams.js'

const maxQuestions = 10_000
const topic = 'holdfast:peers'

export interface SessionPeersOptions {
  readonly sessions: Sessions
  readonly streams: SessionStreams
  /** The calls of sessions that run on this node. */
  readonly calls: InFlight
  readonly bus: Bus
  readonly logger: Logger
}

/** What one node tells the others: an answer or a cancel came here, and its call does not run here. */
interface Relayed {
  readonly from: string
  readonly session: string
  readonly id: RequestId
  /** The response's body; absent for a cancel. */
  readonly body?: Readonly<Record<string, unknown>>
}

/**
 * The clients of HTTP sessions: asked on the stream of the call that asks, or on what they opened by GET. Calls and
 * questions live on one node; what arrives on another is published on the bus, where there is one that others share.
 */
export class SessionPeers implements Peers {
  readonly questions: PendingQuestions
  readonly #options: SessionPeersOptions
  readonly #node = crypto.randomUUID()

  constructor(options: SessionPeersOptions) {
    this.#options = options
    this.questions = new PendingQuestions('questions to clients (HTTP)', maxQuestions)
    options.bus.subscribe(topic, (message) => this.#hear(message))
  }

  record(session: string): PeerRecord | undefined {
    return this.#options.sessions.record(session)
  }

  change(session: string, record: PeerRecord): void {
    this.#options.sessions.change(session, record)
  }

  ask(exchange: Exchange, method: string, params: object, signal: AbortSignal): Promise<unknown> {
    const { scope } = exchange
    const send = (text: string): void => {
      if (exchange.hasStream && exchange.open) void exchange.send(text)
      else if (!this.#options.streams.send(scope, text)) throw unreachable()
    }
    const takeBack = (text: string): void => {
      if (!exchange.takeBack(text)) this.#options.streams.send(scope, text)
    }
    return this.questions.ask({ scope, method, params, signal, send, takeBack })
  }

  /** A client's answer to a question; false when nobody waits for it here. */
  settle(frame: ResponseFrame, session: string): boolean {
    if (this.questions.settle(frame, session)) return true
    // What answers nothing that a server of ours asked is not told to all of them.
    const { id, body } = frame
    if (id !== undefined && this.questions.isElsewhere(id)) this.#relay({ session, id, body })
    return false
  }

  /** A client's cancel of a call that does not run here. */
  cancelElsewhere(id: RequestId, session: string): void {
    this.#relay({ session, id })
  }

  #relay(message: Omit<Relayed, 'from'>): void {
    const { bus, logger } = this.#options
    const failed = (error: unknown): void => {
      logger.error('The bus did not take what a client sent for a call on another node.', { error })
    }
    try {
      Promise.resolve(bus.publish(topic, JSON.stringify({ from: this.#node, ...message }))).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #hear(text: string): void {
    const message = readRelayed(text)
    if (message === undefined || message.from === this.#node) return
    const { session, id, body } = message
    if (body === undefined) this.#options.calls.get(id, session)?.end('cancelled')
    else this.questions.settle({ kind: 'response', id, body }, session)
  }
}

function unreachable(): ToolError {
  return new ToolError('client_unreachable', {
    message: 'The client has no stream open on which it could be asked.',
    hint: 'Use a client that accepts text/event-stream, as the specification demands.',
    retryable: true,
  })
}

function readRelayed(text: string): Relayed | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const { from, session, id, body } = value
  if (typeof from !== 'string' || typeof session !== 'string' || !isRequestId(id)) return undefined
  return { from, session, id, ...(isRecord(body) && { body }) }
}
