import { ToolError } from '../errors/tool-error.js'
import type { ResponseFrame } from '../protocol/json-rpc.js'
import { noticeFor } from './change-notices.js'
import type { Changes } from './changes.js'
import type { Exchange } from './exchange.js'
import type { PeerRecord, Peers } from './peers.js'
import { PendingQuestions } from './pending-questions.js'

/** Questions that may wait for one client. */
const maxQuestions = 1000

export interface ConnectionPeerOptions {
  readonly transport: string
  readonly changes: Changes
  send(text: string): void | Promise<void>
}

/** The client at the other end of a lasting connection: what it changed, what it is asked, and what it hears of. */
export class ConnectionPeer implements Peers {
  readonly questions: PendingQuestions
  readonly #options: ConnectionPeerOptions
  #record: PeerRecord | undefined
  #stopListening: (() => void) | undefined

  constructor(options: ConnectionPeerOptions) {
    this.#options = options
    this.questions = new PendingQuestions(`questions to the client (${options.transport})`, maxQuestions)
  }

  record(): PeerRecord | undefined {
    return this.#record
  }

  change(_scope: string, record: PeerRecord): void {
    this.#record = record
  }

  ask(_exchange: Exchange, method: string, params: object, signal: AbortSignal): Promise<unknown> {
    // Until then only pings may go to it (2025-11-25, basic/lifecycle, "Initialization").
    if (this.#stopListening === undefined) return Promise.reject(notReady())
    const send = (text: string): void => void this.#options.send(text)
    return this.questions.ask({ scope: '', method, params, signal, send, takeBack: send })
  }

  /** Whether somebody waited for this response. */
  settle(frame: ResponseFrame): boolean {
    return this.questions.settle(frame)
  }

  /** A client that has finished its handshake hears of changes unasked (2025-11-25, server/tools, "List Changed"). */
  listen(): void {
    const { changes, send } = this.#options
    this.#stopListening ??= changes.listen((change) => {
      const notice = noticeFor(change, this.#record)
      if (notice !== undefined) void send(notice)
    })
  }

  close(): void {
    this.#stopListening?.()
  }
}

function notReady(): ToolError {
  return new ToolError('client_unreachable', {
    message: 'The client cannot be asked before it has sent notifications/initialized.',
    retryable: true,
  })
}
