import type { Clock } from '../../contracts/clock.js'
import type { Entry } from './loan.js'

export interface IdleOptions<Resource> {
  readonly clock: Clock
  /** One that lay here for longer must be looked at before it is lent. Infinity: none must. */
  readonly freshMs: number
  /** One that lay here for so long is not needed. */
  readonly idleMs: number
  /** Out of here and to be ended. */
  retire(entry: Entry<Resource>): void
}

/** What nobody has just now. The last one that came is lent first, so that those beyond need come of age. */
export class Idle<Resource> {
  readonly #options: IdleOptions<Resource>
  /** The one that has been here longest stands first. */
  readonly #entries: Entry<Resource>[] = []

  constructor(options: IdleOptions<Resource>) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.length
  }

  add(entry: Entry<Resource>): void {
    entry.state = 'idle'
    entry.idleSince = this.#options.clock.monotonic()
    this.#entries.push(entry)
  }

  /** One that is not too old. */
  take(): Entry<Resource> | undefined {
    this.#retireOld()
    return this.#entries.pop()
  }

  /** One that can be lent as it is. */
  takeFresh(): Entry<Resource> | undefined {
    this.#retireOld()
    const last = this.#entries.at(-1)
    return last !== undefined && this.isFresh(last) ? this.#entries.pop() : undefined
  }

  isFresh(entry: Entry<Resource>): boolean {
    return this.#options.clock.monotonic() - entry.idleSince < this.#options.freshMs
  }

  /** Takes out just this one; false: it is not here. */
  remove(entry: Entry<Resource>): boolean {
    const at = this.#entries.indexOf(entry)
    if (at !== -1) this.#entries.splice(at, 1)
    return at !== -1
  }

  /** Retires those whose life is over, and at most `spare` of those that are not needed. */
  sweep(spare: number): void {
    const now = this.#options.clock.monotonic()
    let left = spare
    for (const entry of [...this.#entries]) {
      const isUnneeded = left > 0 && now - entry.idleSince >= this.#options.idleMs
      if (now < entry.expiresAt && !isUnneeded) continue
      left -= 1
      this.remove(entry)
      this.#options.retire(entry)
    }
  }

  /** Retires all. */
  clear(): void {
    for (const entry of this.#entries.splice(0)) this.#options.retire(entry)
  }

  #retireOld(): void {
    const now = this.#options.clock.monotonic()
    for (
      let last = this.#entries.at(-1);
      last !== undefined && now >= last.expiresAt;
      last = this.#entries.at(-1)
    ) {
      this.#entries.pop()
      this.#options.retire(last)
    }
  }
}
