import { createPrivateKey, randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../contracts/clock.js'
import { type Duration, toMs } from '../engine/duration.js'
import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import { checkSecret } from './jwt-options.js'
import { loadJose } from './load-jose.js'

export interface SignTokenOptions {
  /** Signs with HS256; `jwt({ secret })` with the same one takes the token. One of `secret` and `privateKey` is needed. */
  readonly secret?: string
  /** A private key as PEM (PKCS #8), with its algorithm. */
  readonly privateKey?: string
  /** The signature algorithm that goes with `privateKey`, such as ES256. */
  readonly algorithm?: string
  /** The key's id, for a key set. */
  readonly keyId?: string
  /** Default: holdfast, as in `jwt({ secret })`. */
  readonly issuer?: string
  readonly audience: string | readonly string[]
  readonly subject: string
  /** Become the token's `scope`. Default: none. */
  readonly permissions?: readonly string[]
  /** Default: 1 h. */
  readonly expiresIn?: Duration
  readonly clock?: Clock
}

/**
 * Makes a signed token (RFC 9068) for tests and development; in production an authorization server does. Needs the package jose.
 *
 * @throws DefinitionError for options that cannot work, among them a secret that can be guessed; it never shows the secret.
 */
export async function signToken(options: SignTokenOptions): Promise<string> {
  const {
    secret,
    privateKey,
    algorithm,
    keyId,
    issuer = 'holdfast',
    audience,
    subject,
    clock = systemClock,
  } = options
  const { permissions = [], expiresIn = '1h' } = options
  const wrong = permissions.find((permission) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(permission))
  if (wrong !== undefined) {
    throw new DefinitionError(
      `signToken: a permission in a token has no spaces and quotes (RFC 6749 §3.3), received ${shown(wrong)}; write one such as "orders:read".`,
    )
  }
  if (typeof subject !== 'string' || subject === '') {
    throw new DefinitionError(
      'signToken: "subject" must say whom the token is for; write a name such as "alice".',
    )
  }
  if (audience === undefined || audience.length === 0) {
    throw new DefinitionError(
      'signToken: "audience" must say which server the token is for; write what that server has as its audience.',
    )
  }
  if ((secret === undefined) === (privateKey === undefined)) {
    throw new DefinitionError(
      'signToken: either "secret" or "privateKey" must sign the token; give one of them.',
    )
  }
  const lifetime = toMs(expiresIn, 'signToken: "expiresIn"') / 1000
  if (secret !== undefined) checkSecret(secret)
  const jose = await loadJose()
  const issuedAt = Math.floor(clock.now() / 1000)
  const alg = secret === undefined ? algorithm : 'HS256'
  if (alg === undefined) {
    throw new DefinitionError(
      'signToken: "algorithm" must say how "privateKey" signs; write one such as "ES256".',
    )
  }
  const key = secret === undefined ? createPrivateKey(privateKey ?? '') : new TextEncoder().encode(secret)
  return new jose.SignJWT({ ...(permissions.length > 0 && { scope: permissions.join(' ') }) })
    .setProtectedHeader({ alg, typ: 'at+jwt', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(issuer)
    .setAudience(typeof audience === 'string' ? audience : [...audience])
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.ceil(lifetime))
    .setJti(randomUUID())
    .sign(key)
}
