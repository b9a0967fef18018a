import { isRecord } from '../protocol/json-rpc.js'
import { isAtLeast, type LogSeverity } from '../protocol/log-level.js'
import type { Exchange } from './exchange.js'

/** What is sent and needs no waiting; the same promise for all, because nearly nothing waits. */
const sent = Promise.resolve()
/** Log messages that one call may send to its client within a second (specification, logging: "Rate limit log messages"). */
const messagesPerSecond = 100

/** What one call tells its client while it runs: how far it is, log messages, that it goes on. It never rejects. */
export class ClientNotices {
  readonly #exchange: Exchange
  readonly #clock: { now(): number }
  #progress = Number.NEGATIVE_INFINITY
  #messageSecond = 0
  #messages = 0

  /** `clock` gives monotonic milliseconds. */
  constructor(exchange: Exchange, clock: { now(): number }) {
    this.#exchange = exchange
    this.#clock = clock
  }

  progress(progress: number, total?: number, message?: string): Promise<void> {
    const exchange = this.#exchange
    if (exchange.background?.begun === true) {
      if (message !== undefined) exchange.background.report(message)
      return sent
    }
    const token = this.#token
    if (token === undefined) return sent
    if (!Number.isFinite(progress) || progress <= this.#progress) return sent
    this.#progress = progress
    const withMessage = message !== undefined && exchange.dialect.revision.progressMessage
    return (
      exchange.notify('notifications/progress', {
        progressToken: token,
        progress,
        ...(total !== undefined && { total }),
        ...(withMessage && { message }),
      }) ?? sent
    )
  }

  /** `onUnsendable` hears of data that JSON cannot carry. */
  log(
    level: LogSeverity,
    data: unknown,
    logger: string | undefined,
    onUnsendable: (error: unknown) => void,
  ): Promise<void> {
    const exchange = this.#exchange
    const least = exchange.client.logLevel ?? exchange.peers?.record(exchange.scope)?.level
    if (least === undefined || !isAtLeast(level, least)) return sent
    const second = Math.floor(this.#clock.now() / 1000)
    if (second !== this.#messageSecond) {
      this.#messageSecond = second
      this.#messages = 0
    }
    this.#messages += 1
    if (this.#messages > messagesPerSecond) return sent
    try {
      return exchange.notify('notifications/message', { level, ...(logger && { logger }), data }) ?? sent
    } catch (error) {
      onUnsendable(error)
      return sent
    }
  }

  /** Shows the client that the call goes on, by the smallest progress there is. */
  beat(): void {
    const exchange = this.#exchange
    exchange.keepAlive()
    const token = this.#token
    if (token === undefined) return
    const last = Math.max(this.#progress, 0)
    this.#progress = last + Math.max(1e-6, last * 1e-12)
    void exchange.notify('notifications/progress', { progressToken: token, progress: this.#progress })
  }

  get #token(): string | number | undefined {
    const meta = this.#exchange.params['_meta']
    const token = isRecord(meta) ? meta['progressToken'] : undefined
    return typeof token === 'string' || typeof token === 'number' ? token : undefined
  }
}
