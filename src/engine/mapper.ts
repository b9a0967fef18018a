import { type ItemError, mapItems } from '../concurrency/map-items.js'
import type { Clock } from '../contracts/clock.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { ToolError } from '../errors/tool-error.js'
import { afterTick } from './after-tick.js'
import type { MapItems } from './batching.js'
import type { Context } from './context.js'
import { isOfQuestion } from './unanswered.js'

/** Failures of one map that are logged whole; of the rest the log says how many there were. */
const mostLogged = 10

/** Makes `ctx.map`. */
export function mapper(clock: Clock): MapItems {
  return async (ctx, items, work, options) => {
    const { concurrency = 8, onError = 'stop', progress = true } = options
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
      throw new TypeError(
        `ctx.map: "concurrency" must be a whole number from 1, received ${String(concurrency)}; leave it out for 8.`,
      )
    }
    const failures = new Failures(ctx)
    const outcomes = await mapItems(items, work, {
      signal: ctx.signal,
      clock,
      concurrency,
      collect: onError === 'collect' ? (thrown, index) => failures.tell(thrown, index) : undefined,
      nextTurn: () => new Promise(afterTick),
      onProgress: progress ? (done, total) => void ctx.progress(done, total) : undefined,
    })
    failures.end()
    if (onError === 'collect') return outcomes
    return outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []))
  }
}

/** What items failed by: what was meant to be told is, anything else is in the log alone. */
class Failures {
  readonly #ctx: Context
  #masked = 0

  constructor(ctx: Context) {
    this.#ctx = ctx
  }

  /** Undefined for what is no failure of the item: the client is asked, and the handler runs again. */
  tell(thrown: unknown, index: number): ItemError | undefined {
    if (isOfQuestion(thrown)) return undefined
    if (ToolError.is(thrown)) {
      const { hint, retryable = false, retryAfterMs } = thrown.details
      return {
        code: thrown.code,
        message: thrown.message,
        ...(hint !== undefined && { hint }),
        retryable,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      }
    }
    if (ProtocolError.is(thrown)) return { code: thrown.kind, message: thrown.message, retryable: false }
    const { correlationId, log } = this.#ctx
    this.#masked += 1
    if (this.#masked <= mostLogged) {
      log.error('An item of ctx.map failed by what it did not mean to send.', { index, error: thrown })
    }
    return {
      code: 'internal',
      message: `Item ${index} failed for a reason of its own; the server's log says why under ${correlationId}.`,
      retryable: false,
    }
  }

  end(): void {
    if (this.#masked <= mostLogged) return
    this.#ctx.log.error('More items of ctx.map failed than are logged one by one.', { failed: this.#masked })
  }
}
