import type { LogSeverity } from '../protocol/log-level.js'
import type { Exchange } from './exchange.js'

/** What a client changed about its session after it had opened it; most never do. */
export interface PeerRecord {
  /** The least severity of log messages that it wants; undefined: none were asked for. */
  readonly level?: LogSeverity | undefined
  /** Resources whose changes it wants to hear of. */
  readonly uris: readonly string[]
}

/** Resources that one client may subscribe to. */
export const maxSubscribedUris = 1000

/**
 * Clients that can be asked and told of things beside their own requests: the handshake revisions have them, the
 * stateless ones do not. `scope` tells sessions apart; a connection is one client, and its scope is empty.
 */
export interface Peers {
  /** Undefined as long as nothing was changed. */
  record(scope: string): PeerRecord | undefined
  change(scope: string, record: PeerRecord): void
  /**
   * Sends a request to the client that `exchange` came from, on that exchange's own stream where there is one.
   * Resolves with the result; rejects with the client's error, with the signal's reason, or when it cannot be reached.
   */
  ask(exchange: Exchange, method: string, params: object, signal: AbortSignal): Promise<unknown>
}
