import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { FlattenedJWSInput, JWTPayload, JWTVerifyOptions } from 'jose'
import type {
  AuthenticationFailure,
  AuthenticationResult,
  Authenticator,
  Credentials,
} from '../contracts/authenticator.js'
import type { Bounded } from '../contracts/bounded.js'
import { systemClock } from '../contracts/clock.js'
import { DefinitionError } from '../errors/definition-error.js'
import { bearerToken, invalid, unavailable } from './bearer.js'
import { grantedBy, principalOf } from './claims.js'
import { checkJwtOptions, type JwtOptions } from './jwt-options.js'
import { fixedKey, KeySet, type KeySource, KeysUnavailable } from './key-set.js'
import { type Jose, loadJose } from './load-jose.js'
import { fetchFrom, trustedUrl } from './trusted-fetch.js'
import { VerifiedTokens } from './verified-tokens.js'

/** A signed token is three parts; what is no such thing may be a key of somebody else's. */
const threeParts = /^[\w-]+\.[\w-]+\.[\w-]+$/

const maxKeySetBytes = 256 * 1024
/** Shorter RSA keys can be factored (RFC 7518 §3.3). */
const leastRsaBits = 2048

const noToken: AuthenticationFailure = Object.freeze({
  ...invalid('The token is no JSON Web Token.'),
  unrecognised: true,
})
const nobody = invalid('The token names nobody, or grants more than anybody needs.')
const bound = invalid(
  'The token is bound to a key of its owner (DPoP), and this server takes no proof of that.',
)
const notVerified = invalid('The token is not signed by a key of the issuer.')
const notReadable = invalid('The token is no JSON Web Token that this server can read.')

/**
 * Takes signed tokens of one issuer (RFC 7519, RFC 9068). A token counts when its signature is by one of the issuer's keys,
 * its algorithm is allowed, `iss` and `aud` are just what was configured, and the time lies between `nbf` and `exp`, which it
 * must have. What a token says of its own key (`jku`, `x5u`, `jwk`, `x5c`) is ignored. Needs the package jose.
 *
 * While the issuer's keys are out of reach, and none is known, the answer is 503, never 401.
 *
 * @throws DefinitionError for options that cannot work, among them a missing audience and a secret that can be guessed.
 */
export function jwt(options: JwtOptions): Authenticator {
  const { issuer, audience, algorithms, clockSkewMs, verifiedTtlMs } = checkJwtOptions(options)
  const { clock = systemClock, permissions = grantedBy, maxVerified = 10_000 } = options
  const verified = new VerifiedTokens('verified tokens', maxVerified, verifiedTtlMs, clock)
  const bounded: Bounded[] = [verified]
  const keys = keySource()
  const rules = { issuer, permissions, leewayMs: clockSkewMs }

  function keySource(): KeySource {
    if (options.secret !== undefined) return fixedKey(new TextEncoder().encode(options.secret))
    if (options.publicKey !== undefined) return fixedKey(readPublicKey(options.publicKey))
    const url = trustedUrl('jwks', options.jwks)
    const fetch = fetchFrom(url, options.fetch ?? {}, { maxBytes: maxKeySetBytes })
    const keySet = new KeySet(url.href, fetch, clock, () => verified.clear())
    bounded.push(keySet)
    return keySet
  }

  async function verify(token: string, digest: string): Promise<AuthenticationResult> {
    const jose = await loadJose()
    const { generation } = verified
    let claims: JWTPayload
    try {
      claims = await claimsOf(jose, token)
    } catch (error) {
      if (!(error instanceof KeysUnavailable)) return refusalOf(jose, error)
      const { retryAfterMs, cause } = error
      return unavailable(
        'The keys that tokens are checked with are out of reach; try again.',
        retryAfterMs,
        cause,
      )
    }
    if (isBoundToKey(claims)) return bound
    const principal = principalOf(claims, rules)
    if (principal === undefined) return nobody
    return verified.keep(digest, Object.freeze({ ok: true, principal: Object.freeze(principal) }), generation)
  }

  async function claimsOf(jose: Jose, token: string): Promise<JWTPayload> {
    const header = jose.decodeProtectedHeader(token)
    // RFC 7515 §4.1.11: nothing is understood here that a token could call critical.
    if (header.crit !== undefined) throw new jose.errors.JOSENotSupported('critical header')
    if (header.alg === undefined || !algorithms.includes(header.alg)) {
      throw new jose.errors.JOSEAlgNotAllowed('algorithm')
    }
    const [protectedText = '', payload = '', signature = ''] = token.split('.')
    const parts: FlattenedJWSInput = { protected: protectedText, payload, signature }
    const settings: JWTVerifyOptions = {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockSkewMs / 1000,
      requiredClaims: ['exp'],
      currentDate: new Date(clock.now()),
    }
    let failure: unknown
    for (const key of await keys.keysFor({ ...header, alg: header.alg }, parts)) {
      try {
        return (await jose.jwtVerify(token, key, settings)).payload
      } catch (error) {
        failure = error
        if (!(error instanceof jose.errors.JWSSignatureVerificationFailed)) throw error
      }
    }
    throw failure ?? new jose.errors.JWKSNoMatchingKey()
  }

  function known(credentials: Credentials): AuthenticationResult | { token: string; digest: string } {
    const token = bearerToken(credentials)
    if (typeof token !== 'string') return token
    // What is kept was a signed token when it came first.
    const digest = VerifiedTokens.digest(token)
    return verified.get(digest) ?? (threeParts.test(token) ? { token, digest } : noToken)
  }

  return {
    authenticate(credentials) {
      const found = known(credentials)
      return 'ok' in found ? found : verify(found.token, found.digest)
    },
    recall(credentials) {
      const found = known(credentials)
      return 'ok' in found && found.ok ? found : undefined
    },
    prepare: async () => void (await loadJose()),
    authorizationServers: options.authorizationServers ?? (/^https:\/\//.test(issuer) ? [issuer] : []),
    scopes: options.scopes ?? [],
    bounded,
  }
}

/** RFC 9449 §7.1: without its proof such a token proves nothing of who sends it. */
function isBoundToKey(claims: JWTPayload): boolean {
  const { cnf } = claims
  return typeof cnf === 'object' && cnf !== null && 'jkt' in cnf
}

/** Which rule refused, without a word of the token or the keys. */
function refusalOf({ errors }: Jose, error: unknown): AuthenticationFailure {
  if (error instanceof errors.JWTExpired) return invalid('The token has expired.')
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case 'aud':
        return invalid('The token was not issued for this server.')
      case 'iss':
        return invalid('The token is of another issuer.')
      case 'nbf':
        return invalid('The token does not count yet.')
      case 'exp':
        return invalid('The token says no time at which it expires.')
      default:
        return invalid('A claim of the token is not as it must be.')
    }
  }
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
    return notVerified
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return invalid('The token is signed by an algorithm that is not taken here.')
  }
  return notReadable
}

/** @throws DefinitionError for what is no public key that can be trusted to verify. */
function readPublicKey(given: string | Readonly<Record<string, unknown>>): KeyObject {
  const isPrivate = typeof given === 'string' ? given.includes('PRIVATE KEY') : 'd' in given || 'k' in given
  if (isPrivate) {
    throw new DefinitionError(
      'jwt: "publicKey" must be the public key, received a private or secret one; keep that with the issuer.',
    )
  }
  let key: KeyObject
  try {
    key =
      typeof given === 'string'
        ? createPublicKey(given)
        : createPublicKey({ key: given as JsonWebKey, format: 'jwk' })
  } catch (cause) {
    throw new DefinitionError(
      'jwt: "publicKey" must be a public key as PEM or JWK, received something else; write the text that begins with "-----BEGIN PUBLIC KEY-----".',
      { cause },
    )
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? leastRsaBits
  if (bits < leastRsaBits) {
    throw new DefinitionError(
      `jwt: "publicKey" must have at least ${leastRsaBits} bits, received ${bits}; have the issuer make a longer one.`,
    )
  }
  return key
}
