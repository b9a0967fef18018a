import type { Exchange } from './exchange.js'

/**
 * Answers one JSON-RPC method: the result as JSON text. What it throws becomes an error answer: a
 * ProtocolError as it says, anything else masked.
 */
export type Method = (exchange: Exchange) => string | Promise<string>

export type Methods = Readonly<Record<string, Method>>
