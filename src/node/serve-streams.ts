import type { Connectable } from '../engine/connection.js'
import {
  openStdioTransport,
  type StdioEnd,
  type StdioInput,
  type StdioOutput,
} from '../transports/stdio/stdio-transport.js'

export interface ServeStreamsOptions {
  /** Where the client's lines come from: a socket, a child's stdout, any byte stream. */
  readonly input: StdioInput
  /** Where the answers go, one line a message. */
  readonly output: StdioOutput
  /** Longest incoming message in bytes. Default 10 MiB. */
  readonly maxMessageBytes?: number
  /** Milliseconds that calls in flight have after the input ended. Default 1000. */
  readonly endDrainMs?: number
}

export interface ServedStreams {
  /** Resolves once the connection has ended and what could be written is written; it never rejects. */
  readonly closed: Promise<StdioEnd>
  /** Stops reading, gives calls in flight `drainMs` milliseconds (default 5000), flushes and ends. */
  stop(drainMs?: number): Promise<StdioEnd>
}

/**
 * Serves one client over a pair of byte streams, framed as stdio is: one JSON-RPC message a line. For sockets,
 * child processes and tests; unlike `serve` it touches neither the process nor its stdout. The server itself
 * stays open when the streams end.
 */
export function serveStreams(server: Connectable, options: ServeStreamsOptions): ServedStreams {
  const { closed, stop } = openStdioTransport(server, { ...options })
  return { closed, stop }
}
