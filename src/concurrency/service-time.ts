/**
 * How much one new time counts against all before. TCP's 1/8 and 1/4 (RFC 6298 §2.3) follow faster, and on uneven work so
 * far that a fifth of what was let in met its deadline.
 */
const leastGain = 1 / 16

/** How long work takes, as a moving mean and mean deviation: a few numbers, however much there was. */
export class ServiceTime {
  #count = 0
  #meanMs = 0
  #deviationMs = 0

  get known(): boolean {
    return this.#count > 0
  }

  /** 0 as long as nothing is known. */
  get meanMs(): number {
    return this.#meanMs
  }

  get deviationMs(): number {
    return this.#deviationMs
  }

  /** Shorter than this takes little of it. */
  get leastMs(): number {
    return Math.max(0, this.#meanMs - this.#deviationMs)
  }

  add(ms: number): void {
    this.#count += 1
    // The first ones count alike, or the very first would be remembered for long.
    const gain = Math.max(leastGain, 1 / this.#count)
    const off = ms - this.#meanMs
    this.#meanMs += gain * off
    if (this.#count > 1) this.#deviationMs += gain * (Math.abs(off) - this.#deviationMs)
  }
}
