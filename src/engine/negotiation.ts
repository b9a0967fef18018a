import { ProtocolError } from '../errors/protocol-error.js'
import type { Params, RequestFrame } from '../protocol/json-rpc.js'
import type { Dialect } from './dialect.js'
import type { Discovery, Opening } from './discovery.js'
import { unknownClient } from './exchange.js'

/** What one lasting connection has settled: the handshake's outcome, or that its client speaks stateless. */
export class Negotiation {
  readonly #discovery: Discovery
  #negotiated: Opening | undefined
  #stateless = false

  constructor(discovery: Discovery) {
    this.#discovery = discovery
  }

  /** What the handshake settled, once it was done. */
  get negotiated(): Opening | undefined {
    return this.#negotiated
  }

  /** The dialect to word refusals in, when a request itself settles none. */
  get dialect(): Dialect {
    const { newestStateless, newestHandshake } = this.#discovery
    const dialect = this.#negotiated?.dialect ?? newestStateless ?? newestHandshake
    if (dialect === undefined) throw new Error('A server serves at least one revision.')
    return dialect
  }

  /** Whether a request is the handshake, and not a stateless request for a method of that name. */
  isHandshake(frame: RequestFrame): boolean {
    return frame.method === 'initialize' && !this.#discovery.isStateless(frame.params)
  }

  /** Does the handshake; its result as JSON text. @throws ProtocolError when it comes twice or too late. */
  initialize(frame: RequestFrame): string {
    // A client that has spoken stateless is told what is served, as it may have fallen back in error.
    if (this.#stateless) throw this.#discovery.unsupported(requestedVersion(frame.params))
    if (this.#negotiated !== undefined) {
      const { version } = this.#negotiated.dialect.revision
      throw new ProtocolError('invalid_request', `The connection is initialized already, with ${version}.`)
    }
    const { result, ...opening } = this.#discovery.initialize(frame.params)
    this.#negotiated = opening
    return result
  }

  /** Which revision a request is under: its own word, or what the handshake settled. @throws ProtocolError */
  open(frame: RequestFrame): Opening {
    const discovery = this.#discovery
    if (discovery.isStateless(frame.params)) {
      const opening = discovery.openStateless(frame.params)
      // A probe with server/discover may still be followed by the handshake (2026-07-28, stdio).
      if (frame.method !== 'server/discover') this.#stateless = true
      return opening
    }
    if (this.#negotiated !== undefined) return this.#negotiated
    // A ping may come before the handshake is done (2025-11-25, basic/lifecycle, "Initialization").
    if (frame.method === 'ping' && !this.#stateless && discovery.newestHandshake !== undefined) {
      return { dialect: discovery.newestHandshake, client: unknownClient }
    }
    // The envelope check says what is missing.
    if (discovery.newestStateless !== undefined) return discovery.openStateless(frame.params)
    throw new ProtocolError('invalid_request', 'The connection is not initialized; send "initialize" first.')
  }
}

function requestedVersion(params: Params): string {
  const { protocolVersion } = params
  return typeof protocolVersion === 'string' ? protocolVersion : 'unknown'
}
