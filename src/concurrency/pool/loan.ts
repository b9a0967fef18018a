import type { Borrowed, PoolCall } from './pool-options.js'

/** One resource of a pool, from its making to its end. */
export interface Entry<Resource> {
  readonly resource: Resource
  /** Monotonic milliseconds after which it is not lent again. */
  readonly expiresAt: number
  state: 'idle' | 'checking' | 'lent' | 'ended'
  idleSince: number
  /** Not to be lent again, whatever else is true. */
  isDoomed: boolean
  loan: Loan<Resource> | undefined
}

/** `now`: monotonic. Up to a fifth of its life is taken off, so that those that were made together do not end together. */
export function newEntry<Resource>(resource: Resource, now: number, lifetimeMs: number): Entry<Resource> {
  const expiresAt = now + lifetimeMs * (1 - Math.random() / 5)
  return { resource, expiresAt, state: 'idle', idleSince: now, isDoomed: false, loan: undefined }
}

/** How an entry comes back; `isGood`: it may be lent again. */
export type GiveBack<Resource> = (loan: Loan<Resource>, isGood: boolean) => void

/** One resource in the hands of one call. Once it is no longer its entry's loan, it is nothing. */
export class Loan<Resource> implements Borrowed<Resource> {
  readonly entry: Entry<Resource>
  readonly call: PoolCall
  readonly since: number
  /** Made where it was borrowed. Its stack is text only for who reads it. */
  readonly site: Error
  /** When the call was first seen to have ended. */
  endedAt: number | undefined
  isNamed = false
  unlisten: (() => void) | undefined
  readonly #giveBack: GiveBack<Resource>

  constructor(
    entry: Entry<Resource>,
    call: PoolCall,
    since: number,
    site: Error,
    giveBack: GiveBack<Resource>,
  ) {
    this.entry = entry
    this.call = call
    this.since = since
    this.site = site
    this.#giveBack = giveBack
  }

  get resource(): Resource {
    return this.entry.resource
  }

  release(): void {
    this.#giveBack(this, true)
  }

  destroy(): void {
    this.#giveBack(this, false)
  }
}
