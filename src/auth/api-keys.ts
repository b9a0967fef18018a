import { hash } from 'node:crypto'
import type {
  AuthenticationFailure,
  AuthenticationResult,
  Authenticator,
  Credentials,
} from '../contracts/authenticator.js'
import type { Bounded } from '../contracts/bounded.js'
import { BoundedMap } from '../contracts/bounded-map.js'
import type { Principal } from '../contracts/principal.js'
import { listOf, type OptionTable, rule } from '../engine/option-rules.js'
import { DefinitionError } from '../errors/definition-error.js'
import { checkTable } from './authenticator-options.js'
import { bearerToken, invalid, maxTokenLength } from './bearer.js'
import type { Verified } from './verified-tokens.js'
import { weakness } from './weak-secret.js'

/** Who an API key stands for. */
export interface ApiKeyOwner {
  readonly subject: string
  readonly permissions?: readonly string[]
  /** What `remove` knows it by; several keys may share one. Default: the subject. */
  readonly id?: string
  /** Default: service. */
  readonly kind?: 'user' | 'service'
  /** Milliseconds since 1970 from which the key counts no more. Default: never. */
  readonly expiresAt?: number
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A key as it is sent, at least 24 characters drawn at random, or the SHA-256 of it in hexadecimal. */
export type ApiKey = ApiKeyOwner &
  ({ readonly key: string; readonly sha256?: never } | { readonly sha256: string; readonly key?: never })

export interface ApiKeysOptions {
  /** The keys that count. Either this or `lookup`. */
  readonly keys?: readonly ApiKey[]
  /**
   * Finds the owner of a key by its SHA-256 in hexadecimal, so that no store has to hold keys; undefined: no such key. Asked
   * for every request, so a key that was removed is refused at once.
   */
  readonly lookup?: (sha256: string) => ApiKeyOwner | undefined | Promise<ApiKeyOwner | undefined>
  /** A header that holds the key alone, beside `Authorization: Bearer`. Default: x-api-key. */
  readonly header?: string
  /** What stands as the issuer of their principals. Default: api-keys. */
  readonly issuer?: string
}

/** An authenticator whose keys change while it serves. What changes counts from the next request on. */
export interface ApiKeys extends Authenticator {
  /** @throws DefinitionError for a key that can be guessed, is there already, or is one too many. */
  add(key: ApiKey): void
  /** Takes away every key of this id. Returns whether there was one. */
  remove(id: string): boolean
  /** The only keys that count from here on. @throws DefinitionError, and then nothing has changed. */
  replace(keys: readonly ApiKey[]): void
}

/** 24 characters of base64 are 144 bits. */
const leastKeyLength = 24
const mostKeys = 100_000
/** Owners that were looked up, so that the next request of a key has the same principal. */
const mostLookedUp = 10_000
const owner = 'apiKeys: '

const unknownKey = invalid('The API key is not known.')
const expired = invalid('The API key has expired.')
const tooLong = invalid(`The API key is longer than ${maxTokenLength} characters.`)
/** A signed token belongs to another authenticator. */
const noKey: AuthenticationFailure = Object.freeze({ ...unknownKey, unrecognised: true })

const table: OptionTable = {
  what: 'apiKeys',
  example: "{ keys: [{ key, subject: 'ci', permissions: ['orders:read'] }] }",
  rules: {
    // Each key is looked at below, where no message can show one.
    keys: listOf(() => undefined, "write [{ key, subject: 'ci' }]"),
    lookup: rule(
      (value) => typeof value === 'function',
      'a function',
      'write async (sha256) => ({ subject })',
    ),
    header: rule(
      (value) => typeof value === 'string' && /^[a-z0-9-]+$/i.test(value),
      'the name of a header',
      'leave it out for "x-api-key"',
    ),
    issuer: rule(
      (value) => typeof value === 'string' && value !== '',
      'a text',
      'leave it out for "api-keys"',
    ),
  },
}

/**
 * Takes API keys, from `Authorization: Bearer` or a header of their own. They are compared by their SHA-256: how long that takes
 * says nothing of how much of a guess was right.
 *
 * @throws DefinitionError for options that cannot work, among them a key that can be guessed.
 */
export function apiKeys(options: ApiKeysOptions): ApiKeys {
  checkTable(options, table, owner)
  const { keys, lookup, issuer = 'api-keys' } = options
  const header = (options.header ?? 'x-api-key').toLowerCase()
  if ((keys === undefined) === (lookup === undefined)) {
    throw new DefinitionError(
      `${owner}either "keys" or "lookup" must say which keys count; write one of them.`,
    )
  }
  let entries = readAll(keys ?? [], issuer)
  let refused = 0
  const lookedUp = new BoundedMap<string, Verified>('API keys, looked up', mostLookedUp)

  const shown: Bounded = {
    stats: () => ({
      name: 'API keys',
      size: entries.size,
      limit: mostKeys,
      unit: 'entries',
      dropped: refused,
    }),
  }

  function find(credentials: Credentials): AuthenticationResult | { readonly sha256: string } {
    const own = credentials.header(header)
    const key = own === undefined || own === '' ? bearerToken(credentials) : own
    if (typeof key !== 'string') return key
    if (key.length > maxTokenLength) return tooLong
    const sha256 = hash('sha256', key, 'hex')
    const entry = entries.get(sha256)
    if (entry !== undefined) return current(entry.verified)
    if (lookup !== undefined) return { sha256 }
    return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(key) ? noKey : unknownKey
  }

  async function ask(
    find: NonNullable<ApiKeysOptions['lookup']>,
    sha256: string,
  ): Promise<AuthenticationResult> {
    const found = await find(sha256)
    if (found === undefined || found === null) {
      lookedUp.delete(sha256)
      return unknownKey
    }
    const verified = verifiedOf(found, issuer)
    const known = lookedUp.get(sha256)
    if (known !== undefined && isSame(known, verified)) return current(known)
    lookedUp.set(sha256, verified)
    return current(verified)
  }

  return {
    authenticate(credentials) {
      const found = find(credentials)
      if ('ok' in found || lookup === undefined) return 'ok' in found ? found : unknownKey
      return ask(lookup, found.sha256)
    },
    recall(credentials) {
      const found = find(credentials)
      return 'ok' in found && found.ok ? found : undefined
    },
    add(key) {
      const one = readKey(key, issuer)
      if (entries.has(one.sha256)) throw twice()
      if (entries.size >= mostKeys) {
        refused += 1
        throw tooMany()
      }
      entries.set(one.sha256, one)
    },
    remove(id) {
      const gone = [...entries.values()].filter((entry) => entry.id === id)
      for (const { sha256 } of gone) entries.delete(sha256)
      return gone.length > 0
    },
    replace(next) {
      const known = entries
      // Whoever has a key in both lists stays the same principal.
      entries = new Map(
        [...readAll(next, issuer)].map(([sha256, entry]) => {
          const old = known.get(sha256)
          return [sha256, old !== undefined && isSame(old.verified, entry.verified) ? old : entry]
        }),
      )
    },
    bounded: lookup === undefined ? [shown] : [shown, lookedUp],
  }
}

interface Entry {
  readonly sha256: string
  readonly id: string
  readonly verified: Verified
}

function isSame({ principal: a }: Verified, { principal: b }: Verified): boolean {
  return JSON.stringify([a, [...a.permissions]]) === JSON.stringify([b, [...b.permissions]])
}

function current(verified: Verified): AuthenticationResult {
  const { expiresAt } = verified.principal
  return expiresAt !== undefined && Date.now() >= expiresAt ? expired : verified
}

function readAll(keys: readonly ApiKey[], issuer: string): Map<string, Entry> {
  if (keys.length > mostKeys) throw tooMany()
  const entries = new Map<string, Entry>()
  for (const key of keys) {
    const entry = readKey(key, issuer)
    if (entries.has(entry.sha256)) throw twice()
    entries.set(entry.sha256, entry)
  }
  return entries
}

function readKey(given: ApiKey, issuer: string): Entry {
  const verified = verifiedOf(given, issuer)
  const { subject } = verified.principal
  const { key, sha256, id = subject } = given
  if ((key === undefined) === (sha256 === undefined)) {
    throw new DefinitionError(
      `${owner}the entry of "${subject}" must have either "key" or "sha256"; write one of them.`,
    )
  }
  if (key === undefined) {
    if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/i.test(sha256)) {
      return { sha256: sha256.toLowerCase(), id, verified }
    }
    throw new DefinitionError(
      `${owner}"sha256" of "${subject}" must be 64 hexadecimal digits; write the SHA-256 of the key.`,
    )
  }
  const wrong = typeof key === 'string' ? weakness(key, leastKeyLength) : 'is no text'
  if (wrong !== undefined) {
    throw new DefinitionError(
      `${owner}the key of "${subject}" ${wrong}; draw one with \`node -p "crypto.randomBytes(32).toString('base64url')"\`.`,
    )
  }
  return { sha256: hash('sha256', key, 'hex'), id, verified }
}

/** @throws DefinitionError for an owner without a name, or permissions that are no list. */
function verifiedOf(given: ApiKeyOwner, issuer: string): Verified {
  const { subject, permissions = [], kind = 'service', claims = {}, expiresAt } = given
  if (typeof subject !== 'string' || subject === '') {
    throw new DefinitionError(`${owner}every key must have a "subject"; write the name of who holds it.`)
  }
  if (!Array.isArray(permissions) || !permissions.every((one) => typeof one === 'string')) {
    throw new DefinitionError(
      `${owner}"permissions" of "${subject}" must be a list of texts; write ["orders:read"].`,
    )
  }
  const principal: Principal = Object.freeze({
    kind,
    issuer,
    subject,
    permissions: new Set(permissions),
    claims,
    ...(expiresAt !== undefined && { expiresAt }),
  })
  return Object.freeze({ ok: true, principal })
}

function twice(): DefinitionError {
  return new DefinitionError(`${owner}a key is there twice; give each owner a key of its own.`)
}

function tooMany(): DefinitionError {
  return new DefinitionError(`${owner}${mostKeys} keys are kept at most; use "lookup" for more.`)
}
