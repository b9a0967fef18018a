import type {
  AuthenticationFailure,
  AuthenticationResult,
  Authenticator,
  Credentials,
} from '../contracts/authenticator.js'
import { type Clock, systemClock } from '../contracts/clock.js'
import { type Duration, toMs } from '../engine/duration.js'
import { listOf, type OptionTable, type Rule, rule, whole } from '../engine/option-rules.js'
import { DefinitionError } from '../errors/definition-error.js'
import { checkTable, commonRules } from './authenticator-options.js'
import { bearerToken, invalid, unavailable } from './bearer.js'
import { type Claims, grantedBy, principalOf } from './claims.js'
import { type FetchSettings, fetchFrom, trustedUrl } from './trusted-fetch.js'
import { VerifiedTokens } from './verified-tokens.js'

export interface IntrospectionOptions {
  /** The https address of the introspection endpoint (RFC 7662). */
  readonly url: string
  /** What this server names itself with there (HTTP Basic, RFC 6749 §2.3.1). */
  readonly clientId: string
  readonly clientSecret: string
  /** Who issues the tokens: the issuer of the principals, and `iss` of the answer where it has one. */
  readonly issuer: string
  /**
   * What the tokens must have been issued for: `aud` of the answer must name it, or one of several. False leaves that to an endpoint
   * that answers only for tokens of this server.
   */
  readonly audience: string | readonly string[] | false
  /** What the answer grants. Default: the words of `scope`, and the lists `scp` and `permissions`. */
  readonly permissions?: (claims: Claims) => readonly string[] | ReadonlySet<string>
  /** How long an answer is kept, 30 s at most, and never beyond its `exp`: so long does a withdrawn token still count. Default: 30 s. */
  readonly cacheTtl?: Duration
  /** Answers that are kept at once. Default: 10,000. */
  readonly maxVerified?: number
  /** As for `jwt`. Default: nothing. */
  readonly scopes?: readonly string[]
  /** As for `jwt`. Default: [issuer] where that is an https address, else none. */
  readonly authorizationServers?: readonly string[]
  /** Settings of the fetch that asks; the place of `url` itself is open. */
  readonly fetch?: FetchSettings
  readonly clock?: Clock
}

const longestTtlMs = 30_000
const maxAnswerBytes = 64 * 1024
const retryAfterMs = 2000
const owner = 'introspection: '

const inactive = invalid('The token does not count, or no longer.')
const otherAudience = invalid('The token was not issued for this server.')
const otherIssuer = invalid('The token is of another issuer.')
const expired = invalid('The token has expired.')
const notYet = invalid('The token does not count yet.')
const nobody = invalid('The token names nobody, or grants more than anybody needs.')

const textRule: Rule = rule(
  (value) => typeof value === 'string' && value !== '',
  'a text that is not empty',
  'write it',
)

/** What came is not shown: it could be the secret. */
const secretRule: Rule = (value, path, who) => {
  if (typeof value === 'string' && value !== '') return
  throw new DefinitionError(
    `${who}"${path}" must be a text that is not empty; write the secret of this server.`,
  )
}

const table: OptionTable = {
  what: 'introspection',
  example: '{ url, clientId, clientSecret, issuer, audience }',
  required: ['url', 'clientId', 'clientSecret', 'issuer', 'audience'],
  rules: {
    permissions: commonRules['permissions'] as Rule,
    maxVerified: whole(1, 10_000_000, 'leave it out for 10000'),
    scopes: commonRules['scopes'] as Rule,
    authorizationServers: commonRules['authorizationServers'] as Rule,
    fetch: commonRules['fetch'] as Rule,
    clock: commonRules['clock'] as Rule,
    url: () => undefined,
    clientId: textRule,
    clientSecret: secretRule,
    issuer: textRule,
    audience: (value, path, who) => {
      if (value === false) return
      if (Array.isArray(value) && value.length > 0) listOf(textRule, 'write one')(value, path, who)
      else if (typeof value !== 'string' || value === '') {
        throw new DefinitionError(
          `${who}"${path}" must say what the tokens were issued for, or false where the endpoint answers for tokens of this server alone; write the server's public URL.`,
        )
      }
    },
    cacheTtl: (value, path, who) => {
      if (toMs(value as Duration, `${who}"${path}"`) > longestTtlMs) {
        throw new DefinitionError(
          `${who}"${path}" must be at most 30 s, because so long does a withdrawn token still count.`,
        )
      }
    },
  },
}

/**
 * Takes opaque tokens, by asking the issuer about each (RFC 7662). Tokens that are asked about at the same time are asked
 * about once. While the endpoint does not answer, the answer is 503, never 401.
 *
 * @throws DefinitionError for options that cannot work; it never shows the secret.
 */
export function introspection(options: IntrospectionOptions): Authenticator {
  checkTable(options, table, owner)
  const { issuer, audience, clock = systemClock, permissions = grantedBy, maxVerified = 10_000 } = options
  const url = trustedUrl('url', options.url)
  const fetch = fetchFrom(url, options.fetch ?? {}, { maxBytes: maxAnswerBytes })
  const ttlMs = toMs(options.cacheTtl ?? longestTtlMs, `${owner}"cacheTtl"`)
  const verified = new VerifiedTokens('introspected tokens', maxVerified, ttlMs, clock)
  const audiences =
    audience === false ? undefined : new Set(typeof audience === 'string' ? [audience] : audience)
  const authorization = basic(options.clientId, options.clientSecret)
  const rules = { issuer, permissions, leewayMs: 0 }
  /** No larger than the number of fetches at once. */
  const asked = new Map<string, Promise<AuthenticationResult>>()

  async function ask(token: string, digest: string): Promise<AuthenticationResult> {
    const { generation } = verified
    let claims: Claims
    try {
      claims = await introspect(token)
    } catch (cause) {
      if (cause instanceof Misconfigured) throw cause
      return unavailable('Whoever issued the token cannot be asked just now; try again.', retryAfterMs, cause)
    }
    const refused = refusal(claims)
    if (refused !== undefined) return refused
    const principal = principalOf(claims, rules)
    if (principal === undefined) return nobody
    return verified.keep(digest, Object.freeze({ ok: true, principal: Object.freeze(principal) }), generation)
  }

  async function introspect(token: string): Promise<Claims> {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization,
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      // The token must not go where a redirect leads.
      redirect: 'error',
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      if (response.status === 401 || response.status === 403) throw new Misconfigured(response.status)
      throw new Error(`The introspection endpoint answered with ${response.status}.`)
    }
    const answer: unknown = await response.json()
    if (typeof answer !== 'object' || answer === null || !('active' in answer)) {
      throw new Error('The introspection endpoint answered with what is no introspection.')
    }
    return answer as Claims
  }

  function refusal(claims: Claims): AuthenticationFailure | undefined {
    if (claims['active'] !== true) return inactive
    if (claims['iss'] !== undefined && claims['iss'] !== issuer) return otherIssuer
    const aud = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']]
    if (audiences !== undefined && !aud.some((one) => audiences.has(one))) return otherAudience
    const seconds = clock.now() / 1000
    const { exp, nbf } = claims
    if (exp !== undefined && !(typeof exp === 'number' && exp > seconds)) return expired
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= seconds)) return notYet
    return undefined
  }

  function known(credentials: Credentials): AuthenticationResult | { token: string; digest: string } {
    const token = bearerToken(credentials)
    if (typeof token !== 'string') return token
    const digest = VerifiedTokens.digest(token)
    return verified.get(digest) ?? { token, digest }
  }

  return {
    authenticate(credentials) {
      const found = known(credentials)
      if ('ok' in found) return found
      const { token, digest } = found
      const running = asked.get(digest) ?? ask(token, digest).finally(() => asked.delete(digest))
      asked.set(digest, running)
      return running
    },
    recall(credentials) {
      const found = known(credentials)
      return 'ok' in found && found.ok ? found : undefined
    },
    authorizationServers: options.authorizationServers ?? (/^https:\/\//.test(issuer) ? [issuer] : []),
    scopes: options.scopes ?? [],
    bounded: [verified, { stats: () => ({ ...fetch.stats(), name: 'introspections' }) }],
  }
}

/** The operator's mistake, which no caller can wait out: it belongs in the log as an error. */
class Misconfigured extends Error {
  constructor(status: number) {
    super(
      `The introspection endpoint refused this server with ${status}; check "clientId" and "clientSecret".`,
    )
  }
}

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. */
function basic(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams({ v: text }).toString().slice(2)
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`
}
