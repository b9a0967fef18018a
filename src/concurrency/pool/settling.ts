import type { Clock } from '../../contracts/clock.js'

/** Waits for a condition of numbers that are told when they change. One wait at a time. */
export class Settling {
  readonly #clock: Clock
  #look: () => void = () => undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something changed. */
  changed(): void {
    this.#look()
  }

  /** Resolves when `isSo`, or after `ms`. */
  until(isSo: () => boolean, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        stop()
        this.#look = () => undefined
        resolve()
      }
      const stop = this.#clock.after(ms, over)
      this.#look = () => {
        if (isSo()) over()
      }
      this.#look()
    })
  }
}
