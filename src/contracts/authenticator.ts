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
  /** The credentials are of a kind that this authenticator does not know, so another one's reason says more. */
  readonly unrecognised?: true
  /** A challenge of its own, sent as it is in place of the one that the edge makes. */
  readonly challenge?: string
  readonly retryAfterMs?: number
  /** What went wrong, with a 503: for the log alone. */
  readonly cause?: unknown
}

export type AuthenticationResult =
  | { readonly ok: true; readonly principal: Principal }
  | AuthenticationFailure

/** Turns credentials into a principal. It must not throw for bad credentials: it answers `ok: false`. */
export interface Authenticator {
  authenticate(credentials: Credentials): AuthenticationResult | Promise<AuthenticationResult>
  /** Issuers whose tokens it takes, for the metadata of RFC 9728. None: there is no such metadata. */
  readonly authorizationServers?: readonly string[]
  /** What a caller should ask for first: named in the challenge of a 401 and in that metadata. Default: nothing. */
  readonly scopes?: readonly string[]
  /** Answers at once and without work for credentials that it has let in before; undefined when it would have to look. */
  recall?(credentials: Credentials): AuthenticationResult | undefined
  /** Asked once before HTTP is served: loads what it needs. It rejects with a StartError for what is not there. */
  prepare?(): Promise<void>
  /** Its caches and tables, for `server.stats()`. */
  readonly bounded?: readonly Bounded[]
}
