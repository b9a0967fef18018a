import type { Principal } from './principal.js'

/** What an authenticator sees of a request. It runs before the body is read, on every HTTP method. */
export interface Credentials {
  readonly transport: 'stdio' | 'http' | 'memory'
  /** A header by its lower-case name; always undefined on stdio. */
  header(name: string): string | undefined
  /** The client's address, after trusted proxies; undefined where there is none. */
  readonly address?: string
}

/** A refusal carries the challenge that RFC 6750 §3 puts into `WWW-Authenticate`. */
export type AuthenticationResult =
  | { readonly ok: true; readonly principal: Principal }
  | {
      readonly ok: false
      readonly status: 401 | 403 | 503
      readonly message: string
      readonly challenge?: string
      readonly retryAfterMs?: number
    }

/** Turns credentials into a principal. It must not throw for bad credentials: it answers `ok: false`. */
export interface Authenticator {
  authenticate(credentials: Credentials): AuthenticationResult | Promise<AuthenticationResult>
}
