/** How much one new time counts against all before; those of TCP's estimate (RFC 6298 §2.3). */
const meanGain = 1 / 8
const deviationGain = 1 / 4

/** How long work takes, as a moving mean and mean deviation: two numbers, however much there was. */
export class ServiceTime {
  #known = false
  #meanMs = 0
  #deviationMs = 0

  get known(): boolean {
    return this.#known
  }

  /** 0 as long as nothing is known. */
  get meanMs(): number {
    return this.#meanMs
  }

  /** Longer than this takes little of it. */
  get mostlyMs(): number {
    return this.#meanMs + 2 * this.#deviationMs
  }

  /** Shorter than this takes little of it. */
  get leastMs(): number {
    return Math.max(0, this.#meanMs - this.#deviationMs)
  }

  add(ms: number): void {
    if (!this.#known) {
      this.#known = true
      this.#meanMs = ms
      // Not half of it, as TCP has it: one slow first call would turn away all that could wait for a second.
      this.#deviationMs = 0
      return
    }
    const off = ms - this.#meanMs
    this.#deviationMs += deviationGain * (Math.abs(off) - this.#deviationMs)
    this.#meanMs += meanGain * off
  }
}
