import type { AuthenticationResult, Authenticator, Credentials } from '../../contracts/authenticator.js'
import type { Logger } from '../../contracts/logger.js'
import { anonymous, type Principal } from '../../contracts/principal.js'
import { type Cors, createCors } from './cors.js'
import { createHostPolicy, type HostPolicy } from './host-policy.js'
import type { HttpOptions } from './options.js'
import { encodeRefusal, invalidRequestCode, type Refusal } from './refusal.js'
import { jsonHeaders, type Reply, type RequestHead } from './reply.js'
import { createTrustedProxies, type TrustedProxies } from './trusted-proxies.js'

/** What the edge decided: who asks, or the answer that ends it. */
export type Admission = { readonly principal: Principal } | { readonly reply: Reply }

const refusalStatuses: ReadonlySet<unknown> = new Set([401, 403, 429, 503])

const anyone: Admission = { principal: anonymous }
const allowInSessions = { allow: 'POST, GET, DELETE, OPTIONS' }
const allowStateless = { allow: 'POST, OPTIONS' }

/** Decides by the head alone, on every method and before the body is read: Host, Origin, CORS, identity. */
export class Edge {
  readonly #policy: HostPolicy
  readonly #cors: Cors
  readonly #proxies: TrustedProxies
  readonly #authenticator: Authenticator | undefined
  readonly #logger: Logger
  readonly #onRefusal: () => void
  readonly #hasSessions: boolean

  /** @throws StartError or DefinitionError for options that cannot be served safely. */
  constructor(
    options: HttpOptions,
    authenticator: Authenticator | undefined,
    logger: Logger,
    onRefusal: () => void,
    hasSessions: boolean,
  ) {
    const { host = '127.0.0.1', port, allowedHosts, allowedOrigins, publicUrl } = options
    this.#policy = createHostPolicy({
      bind: { host, ...(port !== undefined && { port }) },
      ...(allowedHosts && { allowedHosts }),
      ...(allowedOrigins && { allowedOrigins }),
      ...(publicUrl !== undefined && { publicUrl }),
    })
    this.#cors = createCors({ corsOrigin: this.#policy.corsOrigin })
    this.#proxies = createTrustedProxies(options.trustedProxies)
    this.#authenticator = authenticator
    this.#logger = logger
    this.#onRefusal = onRefusal
    this.#hasSessions = hasSessions
  }

  /** The caller, or the reply that refuses it. A promise only where an authenticator has to wait. */
  admit(head: RequestHead): Admission | Promise<Admission> {
    const host = head.header('host')
    const origin = head.header('origin')
    const refused = this.#policy.checkHost(host) ?? this.#policy.checkOrigin(origin, host)
    if (refused !== undefined) return { reply: this.refuse(refused, head) }
    if (head.method !== 'POST') {
      if (head.method === 'OPTIONS') {
        return { reply: this.#cors.preflight(origin, head.header('access-control-request-headers')) }
      }
      const known = head.method === 'DELETE' || head.method === 'GET'
      if (!known || !this.#hasSessions) {
        const taken = this.#hasSessions ? 'POST, GET and DELETE' : 'POST'
        const message = `The MCP endpoint takes ${taken}, received ${head.method.slice(0, 20)}.`
        const headers = this.#hasSessions ? allowInSessions : allowStateless
        return { reply: this.refuse({ status: 405, code: invalidRequestCode, message, headers }, head) }
      }
    }
    return this.#authenticator === undefined ? anyone : this.#authenticate(this.#authenticator, head)
  }

  /** A refusal as the reply that carries it. */
  refuse(refusal: Refusal, head: RequestHead): Reply {
    this.#onRefusal()
    return {
      status: refusal.status,
      headers: { ...jsonHeaders(this.headers(head)), ...refusal.headers },
      body: encodeRefusal(refusal),
    }
  }

  /** The client's address, after trusted proxies. */
  address(head: RequestHead): string | undefined {
    return this.#proxies.clientAddress(head.remote, head.header('x-forwarded-for'))
  }

  /** The challenge of a 403: which permissions would do (RFC 6750 §3.1); undefined where nobody authenticates. */
  stepUp(_head: RequestHead, required: readonly string[]): string | undefined {
    if (this.#authenticator === undefined) return undefined
    return `Bearer error="insufficient_scope", scope="${required.join(' ')}"`
  }

  /** What every reply carries for the origin that asks. */
  headers(head: RequestHead): Readonly<Record<string, string>> {
    return this.#cors.responseHeaders(head.header('origin'))
  }

  /** An authenticator that fails does not know who is calling, and neither lets in nor blames the caller. */
  async #ask(authenticator: Authenticator, credentials: Credentials): Promise<AuthenticationResult> {
    try {
      const result: unknown = await authenticator.authenticate(credentials)
      if (isResult(result)) return result
      throw new TypeError(
        'An authenticator answers { ok: true, principal } or { ok: false, status, message }.',
      )
    } catch (error) {
      this.#logger.error('The authenticator failed.', { error })
      return {
        ok: false,
        status: 503,
        message: 'The caller could not be identified; try again.',
        retryAfterMs: 1000,
      }
    }
  }

  async #authenticate(authenticator: Authenticator, head: RequestHead): Promise<Admission> {
    const address = this.address(head)
    const result = await this.#ask(authenticator, {
      transport: 'http',
      header: (name) => head.header(name),
      ...(address !== undefined && { address }),
    })
    if (result.ok) return { principal: result.principal }
    const { status, message, challenge, retryAfterMs } = result
    const retryAfter = delaySeconds(retryAfterMs)
    const headers = {
      ...(challenge !== undefined && { 'www-authenticate': headerValue(challenge) }),
      ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    }
    return { reply: this.refuse({ status, code: invalidRequestCode, message, headers }, head) }
  }
}

/** A challenge may repeat what the caller sent; only visible ASCII and spaces may stand in it (RFC 9110 §5.5). */
function headerValue(text: string): string {
  return text.replace(/[^\t\x20-\x7e]/g, '')
}

/** Whole seconds without a sign (RFC 9110 §10.2.3), a day at most; undefined for what is no time to wait. */
function delaySeconds(ms: unknown): string | undefined {
  if (typeof ms !== 'number' || !(ms >= 0)) return undefined
  return String(Math.min(Math.ceil(ms / 1000), 24 * 60 * 60))
}

/** An authenticator is somebody else's code, and what it answers decides who gets in. */
function isResult(value: unknown): value is AuthenticationResult {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return false
  if (value.ok === true)
    return 'principal' in value && typeof value.principal === 'object' && value.principal !== null
  if (value.ok !== false || !('status' in value) || !refusalStatuses.has(value.status)) return false
  const challenge = 'challenge' in value ? value.challenge : undefined
  return (
    'message' in value &&
    typeof value.message === 'string' &&
    (challenge === undefined || typeof challenge === 'string')
  )
}
