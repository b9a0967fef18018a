import { hash } from 'node:crypto'
import type { AuthenticationResult } from '../contracts/authenticator.js'
import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import { BoundedMap } from '../contracts/bounded-map.js'
import type { Clock } from '../contracts/clock.js'

/** Who a token stands for. */
export type Verified = Extract<AuthenticationResult, { ok: true }>

interface Entry {
  readonly verified: Verified
  /** On the clock that never jumps. */
  readonly until: number
}

/**
 * Tokens that were verified a short time ago, by their SHA-256: what a dump of the memory shows must not open anything. The
 * same token gives the same principal, so that what is kept for a principal is found again.
 */
export class VerifiedTokens implements Bounded {
  readonly #entries: BoundedMap<string, Entry>
  readonly #ttlMs: number
  readonly #clock: Clock
  #generation = 0

  constructor(name: string, limit: number, ttlMs: number, clock: Clock) {
    this.#entries = new BoundedMap(name, limit)
    this.#ttlMs = ttlMs
    this.#clock = clock
  }

  /** Changes when everything was forgotten, so that what was begun before is not kept. */
  get generation(): number {
    return this.#generation
  }

  static digest(token: string): string {
    return hash('sha256', token, 'base64')
  }

  get(digest: string): Verified | undefined {
    const entry = this.#entries.get(digest)
    if (entry === undefined) return undefined
    const { verified, until } = entry
    const { expiresAt } = verified.principal
    if (this.#clock.monotonic() < until && (expiresAt === undefined || this.#clock.now() < expiresAt)) {
      return verified
    }
    this.#entries.delete(digest)
    return undefined
  }

  /** Keeps what was verified, unless everything was forgotten since; the one that is kept already wins. */
  keep(digest: string, verified: Verified, generation: number): Verified {
    if (generation !== this.#generation) return verified
    const known = this.get(digest)
    if (known !== undefined) return known
    this.#entries.set(digest, { verified, until: this.#clock.monotonic() + this.#ttlMs })
    return verified
  }

  clear(): void {
    this.#generation += 1
    this.#entries.clear()
  }

  stats(): BoundedStats {
    return this.#entries.stats()
  }
}
