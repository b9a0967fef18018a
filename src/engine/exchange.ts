import type { Clock } from '../contracts/clock.js'
import type { Principal } from '../contracts/principal.js'
import type { Params, RequestId } from '../protocol/json-rpc.js'
import type { ClientCapabilities, Implementation } from '../protocol/types.js'
import type { Dialect } from './dialect.js'

export type TransportName = 'stdio' | 'http' | 'memory'

/** What the client said of itself, in the handshake or in the request. */
export interface ClientState {
  readonly info: Implementation | undefined
  readonly capabilities: ClientCapabilities
}

export const unknownClient: ClientState = { info: undefined, capabilities: {} }

export interface ExchangeOptions {
  readonly id: RequestId
  readonly method: string
  readonly params: Params
  readonly dialect: Dialect
  readonly client: ClientState
  readonly principal: Principal
  readonly transport: TransportName
  readonly clock: Clock
  /** Sends one notification that belongs to this request; absent where the transport cannot. */
  readonly notify?: ((text: string) => void) | undefined
}

/** Why a request was ended from outside. */
export type EndReason = 'cancelled' | 'disconnected' | 'timed out' | 'closing'

/** One request from its arrival to its answer: who asks, under which revision, and whether it still wants the answer. */
export class Exchange {
  readonly id: RequestId
  readonly method: string
  readonly params: Params
  readonly dialect: Dialect
  readonly client: ClientState
  readonly principal: Principal
  readonly transport: TransportName
  /** Monotonic milliseconds; deadlines count from here, so that waiting is included. */
  readonly arrivedAt: number
  readonly #notify: ((text: string) => void) | undefined
  #controller: AbortController | undefined
  #ended: EndReason | undefined
  #onEnd: ((reason: EndReason) => void) | undefined
  #answered = false

  constructor(options: ExchangeOptions) {
    this.id = options.id
    this.method = options.method
    this.params = options.params
    this.dialect = options.dialect
    this.client = options.client
    this.principal = options.principal
    this.transport = options.transport
    this.arrivedAt = options.clock.monotonic()
    this.#notify = options.notify
  }

  get ended(): EndReason | undefined {
    return this.#ended
  }

  /** Made when first asked for: most handlers never look, and an AbortController costs more than a call. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#ended !== undefined) this.#controller.abort(endError(this.#ended))
    }
    return this.#controller.signal
  }

  /** Ends the request from outside. The first reason counts; after the answer it does nothing. */
  end(reason: EndReason): void {
    if (this.#ended !== undefined || this.#answered) return
    this.#ended = reason
    this.#onEnd?.(reason)
    this.#controller?.abort(endError(reason))
  }

  /** The one listener that hears the end before the signal does: whoever waits for the handler. */
  whenEnded(listener: (reason: EndReason) => void): void {
    this.#onEnd = listener
    if (this.#ended !== undefined) listener(this.#ended)
  }

  /** From here on nothing more is sent for this request. */
  answered(): void {
    this.#answered = true
  }

  /** Sends a notification on this request's stream; silent once it was ended or answered. */
  notify(method: string, params: object): void {
    if (this.#notify === undefined || this.#ended !== undefined || this.#answered) return
    this.#notify(JSON.stringify({ jsonrpc: '2.0', method, params }))
  }
}

function endError(reason: EndReason): Error {
  const error = new Error(`The call was ended: ${reason}.`)
  // AbortError is what fetch, streams and timers expect of a signal's reason.
  error.name = reason === 'timed out' ? 'TimeoutError' : 'AbortError'
  return error
}
