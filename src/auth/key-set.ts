import type { CryptoKey, FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters, KeyObject } from 'jose'
import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import type { Clock } from '../contracts/clock.js'
import type { Fetch } from '../contracts/fetch.js'
import { type Jose, loadJose } from './load-jose.js'

/** Nobody can tell whether a token counts, because the keys are out of reach. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number, options?: { cause?: unknown }) {
    super('The keys of the issuer are out of reach.', options)
    this.retryAfterMs = retryAfterMs
  }
}

export type VerificationKey = CryptoKey | KeyObject | Uint8Array

/** Finds the keys that a token may have been signed with. */
export interface KeySource {
  /** @throws KeysUnavailable, or an error of jose when there is no such key. */
  keysFor(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<readonly VerificationKey[]>
}

/** How long a key set counts before it is asked for again. */
const maxAgeMs = 10 * 60_000
/** How long an old one still counts while its server does not answer. */
const maxStaleMs = 60 * 60_000
/** The least time between two fetches that strangers can cause, by naming keys that do not exist. */
const cooldownMs = 30_000
const failureCooldownMs = 5_000
const mostKeys = 100
/** Keys without an id that are tried one after another for one token. */
const mostCandidates = 8

type LocalKeySet = ReturnType<Jose['createLocalJWKSet']>

/**
 * The keys of an issuer (RFC 7517), fetched when they are first needed, by one fetch however many wait for it. A key id that
 * is not known has them fetched again, but not within the cool-down, so that made-up ids cost nothing.
 */
export class KeySet implements KeySource, Bounded {
  readonly #url: string
  readonly #fetch: Fetch
  readonly #clock: Clock
  readonly #onChange: () => void
  #keys: LocalKeySet | undefined
  #text = ''
  #size = 0
  #refused = 0
  #fetchedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #failed = false
  #failure: unknown
  #fetching: Promise<void> | undefined

  constructor(url: string, fetch: Fetch, clock: Clock, onChange: () => void) {
    this.#url = url
    this.#fetch = fetch
    this.#clock = clock
    this.#onChange = onChange
  }

  async keysFor(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<readonly VerificationKey[]> {
    const { errors } = await loadJose()
    const age = this.#clock.monotonic() - this.#fetchedAt
    if (age >= maxAgeMs && this.#mayFetch()) await this.#refresh()
    if (this.#clock.monotonic() - this.#fetchedAt >= maxStaleMs) throw this.#unavailable()
    try {
      return await this.#candidates(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      // The issuer may have a new key; whether there was one, the second look tells.
      if (this.#mayFetch()) {
        await this.#refresh()
        return await this.#candidates(header, token)
      }
      // With its server out of reach nobody can say that the key does not exist.
      if (this.#failed) throw this.#unavailable()
      throw error
    }
  }

  stats(): BoundedStats {
    return { name: 'token keys', size: this.#size, limit: mostKeys, unit: 'entries', dropped: this.#refused }
  }

  async #candidates(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<VerificationKey[]> {
    const { errors } = await loadJose()
    const keys = this.#keys
    if (keys === undefined) throw this.#unavailable()
    try {
      return [await keys(header, token)]
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      const candidates: VerificationKey[] = []
      for await (const key of error) {
        candidates.push(key)
        if (candidates.length === mostCandidates) break
      }
      return candidates
    }
  }

  /** Whether enough time has passed; joining a fetch that runs costs nothing. */
  #mayFetch(): boolean {
    return this.#fetching !== undefined || this.#waitMs() <= 0
  }

  #waitMs(): number {
    const pause = this.#failed ? failureCooldownMs : cooldownMs
    return this.#triedAt + pause - this.#clock.monotonic()
  }

  #unavailable(): KeysUnavailable {
    return new KeysUnavailable(Math.max(1000, this.#waitMs()), { cause: this.#failure })
  }

  /** Never rejects for a server that fails: what is known still counts for a while. */
  #refresh(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #load(): Promise<void> {
    this.#triedAt = this.#clock.monotonic()
    try {
      const keys = await this.#download()
      const { createLocalJWKSet } = await loadJose()
      const text = JSON.stringify(keys)
      if (text !== this.#text) {
        this.#keys = createLocalJWKSet(keys)
        // The first set changes nothing that was verified before.
        if (this.#text !== '') this.#onChange()
        this.#text = text
        this.#size = keys.keys.length
      }
      this.#fetchedAt = this.#clock.monotonic()
      this.#failed = false
    } catch (error) {
      this.#failed = true
      this.#failure = error
    }
    this.#triedAt = this.#clock.monotonic()
  }

  async #download(): Promise<JSONWebKeySet> {
    const response = await this.#fetch(this.#url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      // Keys from where a redirect leads would be keys of somebody else.
      redirect: 'error',
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`The key set was answered with ${response.status}.`)
    }
    const read: unknown = await response.json()
    if (!isKeySet(read)) throw new Error('What was fetched is no key set.')
    if (read.keys.length > mostKeys) {
      this.#refused += read.keys.length - mostKeys
      throw new Error(`The key set holds more than ${mostKeys} keys.`)
    }
    return { keys: read.keys }
  }
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return (
    typeof value === 'object' &&
    value !== null &&
    'keys' in value &&
    Array.isArray(value.keys) &&
    value.keys.every((key) => typeof key === 'object' && key !== null)
  )
}

/** One key that was configured, whatever the token says of its own. */
export function fixedKey(key: VerificationKey): KeySource {
  const keys = Promise.resolve([key])
  return { keysFor: () => keys }
}
