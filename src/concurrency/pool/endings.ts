import type { Clock } from '../../contracts/clock.js'
import type { Logger } from '../../contracts/logger.js'

/** How long the end of one resource is waited for. */
const endTimeoutMs = 5000

export interface EndingsOptions<Resource> {
  readonly name: string
  destroy(resource: Resource): void | Promise<void>
  readonly clock: Clock
  readonly logger: Logger
  onEnded(): void
}

/** Resources on their way out. They count until they are gone, or there would be more than `max` of them at the other side. */
export class Endings<Resource> {
  readonly #options: EndingsOptions<Resource>
  #size = 0

  constructor(options: EndingsOptions<Resource>) {
    this.#options = options
  }

  get size(): number {
    return this.#size
  }

  /** Never throws; who takes longer than 5 s to end is no longer waited for. */
  end(resource: Resource): void {
    const { name, clock, logger, onEnded } = this.#options
    this.#size += 1
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      stop()
      this.#size -= 1
      onEnded()
    }
    const stop = clock.after(endTimeoutMs, over)
    const ended = (async () => this.#options.destroy(resource))()
    ended.then(over, (error: unknown) => {
      logger.warn(`One of "${name}" did not end well.`, { pool: name, error })
      over()
    })
  }
}
