import type {
  AuthenticationFailure,
  AuthenticationResult,
  Authenticator,
  Credentials,
} from '../../contracts/authenticator.js'
import type { BoundedRegistry } from '../../contracts/bounded.js'
import type { Clock } from '../../contracts/clock.js'
import type { Logger } from '../../contracts/logger.js'
import { anonymous, type Principal } from '../../contracts/principal.js'
import { challengeText } from './challenge.js'
import { type Cors, createCors } from './cors.js'
import { FailedAttempts } from './failed-attempts.js'
import { createHostPolicy, type HostPolicy } from './host-policy.js'
import type { HttpOptions } from './options.js'
import { encodeRefusal, invalidRequestCode, type Refusal } from './refusal.js'
import { jsonHeaders, type Reply, type RequestHead } from './reply.js'
import { isMetadataPath, ResourceMetadata } from './resource-metadata.js'
import { createTrustedProxies, type TrustedProxies } from './trusted-proxies.js'

/** What the edge decided: who asks, or the answer that ends it. */
export type Admission = { readonly principal: Principal } | { readonly reply: Reply }

const refusalStatuses: ReadonlySet<unknown> = new Set([401, 403, 429, 503])

const warningPauseMs = 10_000

const twoTokens: AuthenticationFailure = {
  ok: false,
  status: 401,
  reason: 'invalid',
  message: 'The request has more than one Authorization header; send one.',
}

const tooManyFailures: AuthenticationFailure = {
  ok: false,
  status: 429,
  message: 'Too many requests from this address had credentials that do not count; wait and try again.',
}

const anyone: Admission = { principal: anonymous }
const allowInSessions = { allow: 'POST, GET, DELETE, OPTIONS' }
const allowStateless = { allow: 'POST, OPTIONS' }

export interface EdgeContext {
  readonly authenticator: Authenticator | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly stats: BoundedRegistry
  readonly onRefusal: () => void
  readonly hasSessions: boolean
}

/** Decides by the head alone, on every method and before the body is read: Host, Origin, CORS, identity. */
export class Edge {
  readonly #policy: HostPolicy
  readonly #cors: Cors
  readonly #proxies: TrustedProxies
  readonly #metadata: ResourceMetadata
  readonly #failures: FailedAttempts | undefined
  readonly #context: EdgeContext
  #warnedAt = Number.NEGATIVE_INFINITY

  /** @throws StartError or DefinitionError for options that cannot be served safely. */
  constructor(options: HttpOptions, context: EdgeContext) {
    const { host = '127.0.0.1', port, allowedHosts, allowedOrigins, publicUrl, path = '/mcp' } = options
    this.#policy = createHostPolicy({
      bind: { host, ...(port !== undefined && { port }) },
      ...(allowedHosts && { allowedHosts }),
      ...(allowedOrigins && { allowedOrigins }),
      ...(publicUrl !== undefined && { publicUrl }),
    })
    this.#cors = createCors({ corsOrigin: this.#policy.corsOrigin })
    this.#proxies = createTrustedProxies(options.trustedProxies)
    this.#context = context
    this.#metadata = new ResourceMetadata(context.authenticator, publicUrl, path)
    if (context.authenticator === undefined) return
    this.#failures = new FailedAttempts(context.clock)
    for (const bounded of this.#failures.bounded) context.stats.add(bounded)
  }

  /** The caller, or the reply that refuses it. A promise only where an authenticator has to wait. */
  admit(head: RequestHead): Admission | Promise<Admission> {
    const host = head.header('host')
    const origin = head.header('origin')
    const strange = this.#policy.checkHost(host)
    if (strange === undefined && isMetadataPath(head.url)) return { reply: this.#metadata.reply(head) }
    const refused = strange ?? this.#policy.checkOrigin(origin, host)
    if (refused !== undefined) return { reply: this.refuse(refused, head) }
    if (head.method !== 'POST') {
      if (head.method === 'OPTIONS') {
        return { reply: this.#cors.preflight(origin, head.header('access-control-request-headers')) }
      }
      const { hasSessions } = this.#context
      const known = head.method === 'DELETE' || head.method === 'GET'
      if (!known || !hasSessions) {
        const taken = hasSessions ? 'POST, GET and DELETE' : 'POST'
        const message = `The MCP endpoint takes ${taken}, received ${head.method.slice(0, 20)}.`
        const headers = hasSessions ? allowInSessions : allowStateless
        return { reply: this.refuse({ status: 405, code: invalidRequestCode, message, headers }, head) }
      }
    }
    const { authenticator } = this.#context
    return authenticator === undefined ? anyone : this.#authenticate(authenticator, head)
  }

  /** A refusal as the reply that carries it. */
  refuse(refusal: Refusal, head: RequestHead): Reply {
    this.#context.onRefusal()
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
  stepUp(head: RequestHead, required: readonly string[]): string | undefined {
    if (this.#context.authenticator === undefined) return undefined
    return challengeText({
      error: 'insufficient_scope',
      scopes: required,
      metadata: this.#metadata.address(head),
    })
  }

  /** What every reply carries for the origin that asks. */
  headers(head: RequestHead): Readonly<Record<string, string>> {
    return this.#cors.responseHeaders(head.header('origin'))
  }

  #authenticate(authenticator: Authenticator, head: RequestHead): Admission | Promise<Admission> {
    const address = this.address(head)
    const credentials: Credentials = {
      transport: 'http',
      header: (name) => head.header(name),
      ...(address !== undefined && { address }),
    }
    try {
      // Which of two tokens counts, every program on the way would decide for itself (RFC 6750 §2).
      if (head.repeats('authorization')) return this.#refused(twoTokens, head, address)
      const waitMs = this.#failures?.waitMs(address) ?? 0
      // Others may share the address, so who was let in before goes on.
      const result =
        waitMs > 0 ? recall(authenticator, credentials, waitMs) : authenticator.authenticate(credentials)
      if (isThenable(result)) {
        return Promise.resolve(result).then(
          (settled) => this.#settled(settled, head, address),
          (error: unknown) => this.#refused(this.#failed(error), head, address),
        )
      }
      return this.#settled(result, head, address)
    } catch (error) {
      return this.#refused(this.#failed(error), head, address)
    }
  }

  #settled(result: unknown, head: RequestHead, address: string | undefined): Admission {
    if (!isResult(result)) {
      const error = new TypeError(
        'An authenticator answers { ok: true, principal } or { ok: false, status, message }.',
      )
      return this.#refused(this.#failed(error), head, address)
    }
    return result.ok ? { principal: result.principal } : this.#refused(result, head, address)
  }

  /** An authenticator that fails does not know who is calling, and neither lets in nor blames the caller. */
  #failed(error: unknown): AuthenticationFailure {
    this.#context.logger.error('The authenticator failed.', { error })
    return {
      ok: false,
      status: 503,
      message: 'The caller could not be identified; try again.',
      retryAfterMs: 1000,
    }
  }

  #refused(failure: AuthenticationFailure, head: RequestHead, address: string | undefined): Admission {
    const { status, message, reason, retryAfterMs, cause } = failure
    if (status === 401 && reason === 'invalid') this.#failures?.count(address)
    if (cause !== undefined) this.#warn(message, cause)
    const challenge = failure.challenge ?? (status === 401 ? this.#challenge(failure, head) : undefined)
    const retryAfter = delaySeconds(retryAfterMs)
    const headers = {
      ...(challenge !== undefined && { 'www-authenticate': headerValue(challenge) }),
      ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    }
    return { reply: this.refuse({ status, code: invalidRequestCode, message, headers }, head) }
  }

  #challenge({ reason, message }: AuthenticationFailure, head: RequestHead): string {
    return challengeText({
      metadata: this.#metadata.address(head),
      scopes: this.#context.authenticator?.scopes ?? [],
      ...(reason === 'invalid' && { error: 'invalid_token', description: message }),
    })
  }

  /** While an issuer is out of reach every request would say so again. */
  #warn(message: string, cause: unknown): void {
    const now = this.#context.clock.monotonic()
    if (now - this.#warnedAt < warningPauseMs) return
    this.#warnedAt = now
    this.#context.logger.warn('Callers cannot be identified.', { message, error: cause })
  }
}

function recall(
  authenticator: Authenticator,
  credentials: Credentials,
  waitMs: number,
): AuthenticationResult {
  const known = authenticator.recall?.(credentials)
  return known?.ok ? known : { ...tooManyFailures, retryAfterMs: waitMs }
}

/** Authenticators of other people bring promises of other libraries. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
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
