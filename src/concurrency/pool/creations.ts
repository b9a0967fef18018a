import type { Clock } from '../../contracts/clock.js'
import type { Logger } from '../../contracts/logger.js'

/** The pause after a first failure, and the longest; milliseconds. */
const firstPauseMs = 100
const longestPauseMs = 5000

export interface CreationsOptions<Resource> {
  readonly name: string
  create(signal: AbortSignal): Resource | Promise<Resource>
  readonly timeoutMs: number
  readonly clock: Clock
  readonly logger: Logger
  onMade(resource: Resource): void
  onFailed(): void
  /** It came after its time was over; nobody waits for it. */
  onLate(resource: Resource): void
}

/**
 * Makes resources and remembers how that goes. While it fails, one at a time is tried, after pauses that double and are cut at
 * random; the log hears of an outage once when it begins and once when it ends.
 */
export class Creations<Resource> {
  readonly #options: CreationsOptions<Resource>
  readonly #controllers = new Set<AbortController>()
  /** Of the last failure, for who starts the server. Not for callers. */
  lastError: unknown
  #failures = 0
  #failingSince = 0
  #resumeAt = 0
  #closed = false

  constructor(options: CreationsOptions<Resource>) {
    this.#options = options
  }

  /** Begun, and within their time. */
  get inFlight(): number {
    return this.#controllers.size
  }

  /** Whether the last one failed. */
  get failing(): boolean {
    return this.#failures > 0
  }

  /** Milliseconds since the first failure in a row. */
  get failingForMs(): number {
    return this.failing ? this.#options.clock.monotonic() - this.#failingSince : 0
  }

  /** Milliseconds until the next try. */
  get pauseMs(): number {
    return this.failing ? Math.max(0, this.#resumeAt - this.#options.clock.monotonic()) : 0
  }

  /** Whether another one may be begun now. */
  get allowed(): boolean {
    if (this.#closed) return false
    return !this.failing || (this.inFlight === 0 && this.pauseMs === 0)
  }

  begin(): void {
    const { clock, timeoutMs, onLate } = this.#options
    const controller = new AbortController()
    this.#controllers.add(controller)
    let isOver = false
    const end = (): boolean => {
      if (isOver) return false
      isOver = true
      stop()
      this.#controllers.delete(controller)
      return true
    }
    const stop = clock.after(timeoutMs, () => {
      // Who does not listen to the signal goes on; what it makes in the end is ended at once.
      const reason = new Error(`It took longer than ${timeoutMs} ms.`)
      if (end()) this.#fail(reason)
      controller.abort(reason)
    })
    const made = (async () => this.#options.create(controller.signal))()
    made.then(
      (resource) => {
        if (end()) this.#succeed(resource)
        else onLate(resource)
      },
      (error: unknown) => {
        if (end()) this.#fail(error)
      },
    )
  }

  /** Begins none any more and aborts those that run. */
  close(reason: Error): void {
    this.#closed = true
    for (const controller of this.#controllers) controller.abort(reason)
  }

  #succeed(resource: Resource): void {
    const { name, logger, onMade } = this.#options
    if (this.failing) {
      logger.info(`"${name}" can be reached again.`, {
        pool: name,
        failures: this.#failures,
        awayMs: Math.round(this.failingForMs),
      })
      this.#failures = 0
    }
    onMade(resource)
  }

  #fail(error: unknown): void {
    const { name, clock, logger, onFailed } = this.#options
    if (!this.#closed) {
      this.lastError = error
      const now = clock.monotonic()
      if (!this.failing) {
        this.#failingSince = now
        logger.error(`"${name}" cannot be reached; it is tried again until it can.`, { pool: name, error })
      }
      // Those that were begun together fail together, and are one failure.
      if (now >= this.#resumeAt || !this.failing) {
        const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures, 10))
        this.#resumeAt = now + pauseMs * (0.5 + Math.random() / 2)
        this.#failures += 1
      }
    }
    onFailed()
  }
}
