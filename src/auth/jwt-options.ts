import type { Clock } from '../contracts/clock.js'
import { type Duration, toMs } from '../engine/duration.js'
import { listOf, type OptionTable } from '../engine/option-rules.js'
import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import { checkTable, commonRules, durationText, line } from './authenticator-options.js'
import type { Claims } from './claims.js'
import type { FetchSettings } from './trusted-fetch.js'
import { weakness } from './weak-secret.js'

export interface JwtOptions {
  /** Who issues the tokens: `iss` must be just this. Required, except with `secret`, where it is "holdfast" by default. */
  readonly issuer?: string
  /**
   * What the tokens must have been issued for: `aud` must name it, or one of several. Usually the server's public URL (RFC 8707;
   * 2025-06-18 and later, basic/authorization, "Token Audience Binding and Validation").
   */
  readonly audience: string | readonly string[]
  /** The https address of the issuer's key set (RFC 7517). One of `jwks`, `publicKey` and `secret` is needed. */
  readonly jwks?: string
  /** The issuer's public key, as PEM (SPKI, PKCS #1 or X.509) or as a JWK. */
  readonly publicKey?: string | Readonly<Record<string, unknown>>
  /** A secret that the issuer shares, at least 32 characters drawn at random: for tokens of `holdfast token` and `signToken`. */
  readonly secret?: string
  /** Signature algorithms that count. Default: all asymmetric ones with `jwks` and `publicKey`, HS256 with `secret`. */
  readonly algorithms?: readonly string[]
  /** How far clocks may differ, for `exp` and `nbf`; 60 s at most. Default: 30 s. */
  readonly clockSkew?: Duration
  /** What the claims grant. Default: the words of `scope`, and the lists `scp` and `permissions`. */
  readonly permissions?: (claims: Claims) => readonly string[] | ReadonlySet<string>
  /** How long a verified token is taken at its word, never beyond its `exp`. Default: 60 s. */
  readonly verifiedTtl?: Duration
  /** Verified tokens that are kept at once. Default: 10,000. */
  readonly maxVerified?: number
  /** What a caller should ask for first, told in the challenge of a 401 and in the metadata: few. Default: nothing. */
  readonly scopes?: readonly string[]
  /** Where the metadata of RFC 9728 sends clients for a token. Default: [issuer] where that is an https address, else none. */
  readonly authorizationServers?: readonly string[]
  /** Settings of the fetch that gets the key set; the place of `jwks` itself is open. */
  readonly fetch?: FetchSettings
  readonly clock?: Clock
}

const asymmetric = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
/** Each with the characters that its secret needs: as many bytes as the digest has (RFC 7518 §3.2). */
const symmetric: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }

const owner = 'jwt: '
const table: OptionTable = {
  what: 'jwt',
  example: '{ issuer, audience, jwks }',
  required: ['audience'],
  rules: {
    ...commonRules,
    issuer: line,
    audience: (value, path, who) => {
      if (Array.isArray(value)) listOf(line, 'write ["https://mcp.example.com/mcp"]')(value, path, who)
      else if (value === undefined) throw noAudience()
      else line(value, path, who)
      if (Array.isArray(value) && value.length === 0) throw noAudience()
    },
    jwks: () => undefined,
    publicKey: () => undefined,
    secret: () => undefined,
    algorithms: listOf(line, 'write ["RS256"]'),
    clockSkew: durationText,
  },
  instead: (name) =>
    ({ jwksUri: 'use "jwks"', jwksUrl: 'use "jwks"', aud: 'use "audience"', iss: 'use "issuer"' })[name],
}

function noAudience(): DefinitionError {
  return new DefinitionError(
    `${owner}"audience" must say what the tokens were issued for, or a token for any other service of the issuer would open this server; write the server's public URL, such as "https://mcp.example.com/mcp".`,
  )
}

export interface CheckedJwt {
  readonly issuer: string
  readonly audience: string[]
  readonly algorithms: string[]
  readonly clockSkewMs: number
  readonly verifiedTtlMs: number
}

/** @throws DefinitionError for options that cannot work, or would let the wrong ones in; it never shows the secret. */
export function checkJwtOptions(options: JwtOptions): CheckedJwt {
  checkTable(options, table, owner)
  const { jwks, publicKey, secret, audience } = options
  const given = [jwks, publicKey, secret].filter((source) => source !== undefined).length
  if (given !== 1) {
    throw new DefinitionError(
      `${owner}exactly one of "jwks", "publicKey" and "secret" must say what tokens are verified with, received ${given}; write jwks: "https://idp.example.com/.well-known/jwks.json".`,
    )
  }
  const issuer = options.issuer ?? (secret === undefined ? undefined : 'holdfast')
  if (issuer === undefined) {
    throw new DefinitionError(
      `${owner}"issuer" must say whose tokens count, received none; write it as it stands in their "iss".`,
    )
  }
  const algorithms = algorithmsOf(options)
  if (secret !== undefined) checkSecret(secret, algorithms)
  const clockSkewMs = toMs(options.clockSkew ?? '30s', `${owner}"clockSkew"`)
  if (clockSkewMs > 60_000) {
    throw new DefinitionError(
      `${owner}"clockSkew" must be at most 60 s, received ${clockSkewMs} ms; set the clocks right instead.`,
    )
  }
  return {
    issuer,
    audience: typeof audience === 'string' ? [audience] : [...audience],
    algorithms,
    clockSkewMs,
    verifiedTtlMs: toMs(options.verifiedTtl ?? '60s', `${owner}"verifiedTtl"`),
  }
}

/** A public key is public, so whoever took it for the secret of an HMAC could sign with it: the two never mix. */
function algorithmsOf({ algorithms, secret }: JwtOptions): string[] {
  const known = secret === undefined ? asymmetric : Object.keys(symmetric)
  if (algorithms === undefined) return secret === undefined ? known : ['HS256']
  const wrong = algorithms.find((algorithm) => !known.includes(algorithm))
  if (wrong === undefined && algorithms.length > 0) return [...algorithms]
  const where = secret === undefined ? 'with a key set or a public key' : 'with a secret'
  const came = wrong === undefined ? 'none' : shown(wrong)
  throw new DefinitionError(
    `${owner}"algorithms" must be some of ${known.join(', ')} ${where}, received ${came}; leave it out for the default.`,
  )
}

/** @throws DefinitionError for a secret that can be guessed; it says what is wrong and never the secret. */
export function checkSecret(secret: unknown, algorithms: readonly string[] = ['HS256']): void {
  const least = Math.max(...algorithms.map((algorithm) => symmetric[algorithm] ?? 32))
  const wrong = typeof secret === 'string' ? weakness(secret, least) : 'is no text'
  if (wrong === undefined) return
  throw new DefinitionError(
    `The secret that tokens are signed with ${wrong}; draw one with \`node -p "crypto.randomBytes(48).toString('base64url')"\` and keep it out of the code.`,
  )
}
