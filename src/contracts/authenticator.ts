import type { Bounded } from './bounded.js'
import type { Principal } from './principal.js'

/** What an authenticator sees of a request. It runs before the body is read, on every HTTP method. */
export interface Credentials {
  readonly transport: 'stdio' | 'http' | 'memory'
  /** A header by its lower-case name. On stdio there is `authorization` alone, made from the environment's token. */
  header(name: string): string | undefined
  /** The client's address, after trusted proxies; undefined where there is none. */
  readonly address?: string
}

/** Why nobody was let in. The edge makes the `WWW-Authenticate` of RFC 6750 §3 out of it. */
export interface AuthenticationFailure {
  readonly ok: false
  /** 401: who is calling is not known. 403: known and not wanted. 429: too many failures. 503: it cannot be told now. */
  readonly status: 401 | 403 | 429 | 503
  /** Public: one sentence. */
  readonly message: string
  /** With a 401: `missing` when no credentials came, `invalid` when those that came do not count. Default: `missing`. */
  readonly reason?: 'missing' | 'invalid'
  /** A challenge of its own, sent as it is in place of the one that the edge makes. */
  readonly challenge?: string
  readonly retryAfterMs?: number
}

export type AuthenticationResult =
  | { readonly ok: true; readonly principal: Principal }
  | AuthenticationFailure

/** Turns credentials into a principal. It must not throw for bad credentials: it answers `ok: false`. */
export interface Authenticator {
  authenticate(credentials: Credentials): AuthenticationResult | Promise<AuthenticationResult>
  /** Issuers whose tokens it takes, for the metadata of RFC 9728. None: there is no such metadata. */
  readonly authorizationServers?: readonly string[]
  /** Its caches and tables, for `server.stats()`. */
  readonly bounded?: readonly Bounded[]
}
