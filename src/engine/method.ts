import type { ServerCapabilities } from '../protocol/types.js'
import type { Exchange } from './exchange.js'

/**
 * Answers one JSON-RPC method: the result as JSON text. What it throws becomes an error answer: a
 * ProtocolError as it says, anything else masked.
 */
export type Method = (exchange: Exchange) => string | Promise<string>

export type Methods = Readonly<Record<string, Method>>

/** A part of the protocol that a server may offer: its methods, and the capability that declares them. */
export interface Feature {
  readonly methods: Methods
  /** Whether the server has it now; a method whose capability is not declared is not there. */
  offered(): boolean
  /** What it adds to the server's capabilities while it is offered. */
  capabilities(): ServerCapabilities
}
