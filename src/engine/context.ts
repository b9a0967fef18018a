import type { Logger } from '../contracts/logger.js'
import type { Principal } from '../contracts/principal.js'
import { ToolError, type ToolErrorDetails } from '../errors/tool-error.js'
import type { RequestId } from '../protocol/json-rpc.js'
import { type ClientFeature, clientSupports } from '../protocol/revisions/revision.js'
import type { ClientCapabilities, Meta } from '../protocol/types.js'
import { withFields } from '../telemetry/field-logger.js'
import type { ErrorCatalogue } from './definitions.js'
import type { ClientState, Exchange, TransportName } from './exchange.js'

/** What narrowing on a feature adds to the context's type; a feature that brings methods adds them here. */
export interface FeatureContext {
  readonly elicitation: {
    readonly client: { readonly capabilities: Required<Pick<ClientCapabilities, 'elicitation'>> }
  }
  readonly 'elicitation.url': {
    readonly client: { readonly capabilities: { readonly elicitation: { readonly url: object } } }
  }
  readonly sampling: {
    readonly client: { readonly capabilities: Required<Pick<ClientCapabilities, 'sampling'>> }
  }
  readonly 'sampling.tools': {
    readonly client: { readonly capabilities: { readonly sampling: { readonly tools: object } } }
  }
  readonly roots: { readonly client: { readonly capabilities: Required<Pick<ClientCapabilities, 'roots'>> } }
}

/** What a definition gives the contexts of its calls. */
export interface ContextSource {
  readonly services: unknown
  readonly logger: Logger
  readonly errors: ErrorCatalogue
  /** Milliseconds from arrival. */
  readonly timeoutMs: number
  now(): number
}

const noMeta: Meta = Object.freeze({})

/** One call as its handler sees it. Everything that costs is made when it is first asked for. */
export class Context {
  readonly #exchange: Exchange
  readonly #source: ContextSource
  #correlationId: string | undefined
  #log: Logger | undefined
  #progress = Number.NEGATIVE_INFINITY

  constructor(exchange: Exchange, source: ContextSource) {
    this.#exchange = exchange
    this.#source = source
  }

  get requestId(): RequestId {
    return this.#exchange.id
  }

  /** The protocol revision of this call, such as `2025-11-25`. */
  get revision(): string {
    return this.#exchange.dialect.revision.version
  }

  get transport(): TransportName {
    return this.#exchange.transport
  }

  get principal(): Principal {
    return this.#exchange.principal
  }

  get services(): unknown {
    return this.#source.services
  }

  /** What the client says of itself. It is not verified: show it, never trust it. */
  get client(): ClientState {
    return this.#exchange.client
  }

  /** Aborts when the client cancels or leaves, at the deadline, and when the server closes. */
  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  /** Milliseconds until the deadline; 0 when it has passed. */
  remaining(): number {
    return Math.max(0, this.#exchange.arrivedAt + this.#source.timeoutMs - this.#source.now())
  }

  /** The request's `_meta`, as the client sent it. */
  get meta(): Meta {
    const meta = this.#exchange.params['_meta']
    return typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? (meta as Meta) : noMeta
  }

  /** The server's logger; what is written here carries the call's method, name and correlation id. */
  get log(): Logger {
    const { method, params } = this.#exchange
    const { name, uri } = params
    this.#log ??= withFields(this.#source.logger, {
      correlationId: this.correlationId,
      method,
      ...(typeof name === 'string' && { name }),
      ...(typeof uri === 'string' && { uri }),
    })
    return this.#log
  }

  /** Ties a masked error to its log record: both carry this id. */
  get correlationId(): string {
    this.#correlationId ??= crypto.randomUUID()
    return this.#correlationId
  }

  /**
   * The error to throw: `throw ctx.error('order_not_found', { value: orderId })`. A code of the definition's
   * catalogue brings its message, hint and `retryable`; any other code needs a message.
   */
  readonly error = (code: string, details: ToolErrorDetails = {}): ToolError => {
    const defined = Object.hasOwn(this.#source.errors, code) ? this.#source.errors[code] : undefined
    const { message: defaultMessage, hint, retryable } = defined ?? { message: undefined }
    return new ToolError(code, {
      ...(hint !== undefined && { hint }),
      ...(retryable !== undefined && { retryable }),
      ...details,
      message: details.message ?? defaultMessage ?? `The call failed: ${code}.`,
    })
  }

  /**
   * Tells the client how far the work is, when it asked for that (`progressToken`). Values that do not
   * increase are left out, as the specification demands (basic/utilities/progress).
   */
  progress(progress: number, total?: number, message?: string): void {
    const token = this.meta['progressToken']
    if (typeof token !== 'string' && typeof token !== 'number') return
    if (!Number.isFinite(progress) || progress <= this.#progress) return
    this.#progress = progress
    this.#exchange.notify('notifications/progress', {
      progressToken: token,
      progress,
      ...(total !== undefined && { total }),
      ...(message !== undefined && { message }),
    })
  }

  /** Whether the client can do this under the call's revision; a yes narrows the context's type. */
  supports<Feature extends ClientFeature>(feature: Feature): this is this & FeatureContext[Feature] {
    return clientSupports(this.#exchange.dialect.revision, this.#exchange.client.capabilities, feature)
  }
}
