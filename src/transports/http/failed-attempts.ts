import { Gcra } from '../../concurrency/gcra.js'
import type { Bounded } from '../../contracts/bounded.js'
import { BoundedMap } from '../../contracts/bounded-map.js'
import type { Clock } from '../../contracts/clock.js'
import type { Rate } from '../../contracts/rate-store.js'
import { isV4, parseIp } from './ip-address.js'

/**
 * Twenty failures at once: what nineteen leave, and the one that finds nothing left and begins the wait. After each wait of
 * six seconds there are two more, so twenty a minute.
 */
const usual: Rate = { intervalMs: 6000, burst: 19 }
const mostAddresses = 10_000

/**
 * How often one address sent credentials that do not count. Beyond the rate it has to wait before anybody looks at what else it
 * sends, for no longer than until the next attempt is free.
 */
export class FailedAttempts {
  readonly bounded: readonly Bounded[]
  readonly #rates: Gcra
  readonly #waiting: BoundedMap<string, number>
  readonly #clock: Clock
  readonly #rate: Rate

  constructor(clock: Clock, rate: Rate = usual) {
    this.#clock = clock
    this.#rate = rate
    this.#rates = new Gcra('failed authentications', mostAddresses, clock)
    this.#waiting = new BoundedMap('addresses that wait', mostAddresses)
    this.bounded = [this.#rates, this.#waiting]
  }

  /** Milliseconds that this address has to wait; 0 for one that need not. */
  waitMs(address: string | undefined): number {
    // The usual case, and it is on the way of every request.
    if (address === undefined || this.#waiting.size === 0) return 0
    const key = networkOf(address)
    const until = this.#waiting.get(key)
    if (until === undefined) return 0
    const left = until - this.#clock.monotonic()
    if (left > 0) return left
    this.#waiting.delete(key)
    return 0
  }

  /** Counts one failure. What has no address is not counted: it would be everybody. */
  count(address: string | undefined): void {
    if (address === undefined) return
    const key = networkOf(address)
    const decision = this.#rates.take([{ key, rate: this.#rate, cost: 1 }])
    if (!decision.allowed) this.#waiting.set(key, this.#clock.monotonic() + decision.retryAfterMs)
  }
}

/** A household or a company has a whole /64 of IPv6 (RFC 6177), and changes its address within at will. */
function networkOf(address: string): string {
  const groups = parseIp(address)
  return groups === undefined || isV4(groups) ? address : groups.slice(0, 4).join(':')
}
