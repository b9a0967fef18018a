import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import type { CallKind } from './call.js'
import type { Counters } from './stats.js'

/** How long after the first answer it begins: whoever waits for a server to start waits for none of this. */
const settleMs = 100

/** Knows in which call's asynchronous context code runs. */
export interface CallWatcher {
  /** Runs the work of a call, and marks all that it starts as the call's. */
  enter<Result>(kind: CallKind, name: string, work: () => Result): Result
  stop(): Promise<void>
}

export interface CallWatcherHost {
  /** Milliseconds that the event loop may be blocked without a report. */
  readonly afterMs: number
  readonly logger: Logger
  readonly counters: Counters
}

/** Gives undefined where it cannot or should not watch. */
export type StartWatcher = (host: CallWatcherHost) => Promise<CallWatcher | undefined>

/**
 * Where a runtime hangs on whoever wants to know which call blocks the event loop. It begins after the first call was answered; while
 * nobody wants to know, no call passes here.
 */
export class CallWatch {
  readonly #host: CallWatcherHost | undefined
  readonly #clock: Clock
  #start: StartWatcher | undefined
  #watcher: CallWatcher | undefined
  #starting: Promise<void> | undefined
  #cancel: (() => void) | undefined
  #begun = false
  #closed = false

  /** `host` undefined: nothing is watched. */
  constructor(host: CallWatcherHost | undefined, clock: Clock) {
    this.#host = host
    this.#clock = clock
  }

  /** Must come before the first call. */
  want(start: StartWatcher): void {
    if (this.#host !== undefined) this.#start ??= start
  }

  get wanted(): boolean {
    return this.#start !== undefined
  }

  pass<Result>(kind: CallKind, name: string, work: () => Result): Result {
    if (this.#watcher !== undefined) return this.#watcher.enter(kind, name, work)
    const result = work()
    if (!this.#begun) {
      this.#begun = true
      if (result instanceof Promise) {
        const begin = (): void => this.#begin()
        result.then(begin, begin)
      } else this.#begin()
    }
    return result
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#starting
    await this.#watcher?.stop()
    this.#watcher = undefined
  }

  #begin(): void {
    if (this.#closed) return
    this.#cancel = this.#clock.after(settleMs, () => {
      this.#starting = this.#open()
    })
  }

  /** It never rejects: a server without a watcher serves as well. */
  async #open(): Promise<void> {
    const host = this.#host
    if (host === undefined || this.#start === undefined) return
    try {
      this.#watcher = await this.#start(host)
    } catch (error) {
      host.logger.warn('Nobody watches for what blocks the event loop, because that could not be started.', {
        error,
      })
    }
  }
}
