import type { Clock } from '../../contracts/clock.js'

export interface SweepsOptions {
  readonly clock: Clock
  readonly everyMs: number
  /** Looks at everything; whether there is anything left to look at. */
  sweep(): boolean
}

/** Looks after a pool now and then, on one timer, which runs only while there is something to look at. */
export class Sweeps {
  readonly #options: SweepsOptions
  #stop: (() => void) | undefined
  #ended = false

  constructor(options: SweepsOptions) {
    this.#options = options
  }

  /** Safe to call often. */
  begin(): void {
    if (this.#stop !== undefined || this.#ended) return
    const { clock, everyMs, sweep } = this.#options
    this.#stop = clock.after(everyMs, () => {
      this.#stop = undefined
      if (sweep()) this.begin()
    })
  }

  end(): void {
    this.#ended = true
    this.#stop?.()
  }
}
