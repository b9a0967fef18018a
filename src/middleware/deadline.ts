import type { Abandoned } from '../concurrency/abandoned.js'
import type { Deadlines } from '../concurrency/deadlines.js'
import type { Call, CallResult } from '../engine/call.js'
import type { EndReason } from '../engine/exchange.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'
import type { Stats } from '../engine/stats.js'
import { unanswered } from '../engine/unanswered.js'
import { ToolError } from '../errors/tool-error.js'

/**
 * Stops waiting for a call when its deadline passes, when its client cancels or leaves, and when the server
 * closes; the handler hears it through `ctx.signal`. The deadline counts from the request's arrival; the time in which
 * the client was asked is put on top. Handlers that go on all the same are counted, and when there are too many of them nothing new is begun.
 */
export function deadline(deadlines: Deadlines, abandoned: Abandoned, stats: Stats): MiddlewareFactory {
  return ({ name, timeoutMs }) => {
    return function deadline(call, next) {
      if (abandoned.refuses()) throw overloaded(name)
      const work = next()
      if (!(work instanceof Promise)) return work
      return race(call, work)
    }

    function race(call: Call, work: Promise<CallResult>): Promise<CallResult> {
      return new Promise<CallResult>((resolve, reject) => {
        const { exchange } = call
        const { arrivedAt } = exchange
        let allowedMs = timeoutMs
        const expire = (): void => {
          // Meanwhile the call may have become a task, or its client was asked; while it is, the end moves on.
          const nowMs = (exchange.timeoutMs ?? timeoutMs) + exchange.postponedMs
          if (nowMs > allowedMs) {
            allowedMs = nowMs
            waiting = deadlines.add(arrivedAt, nowMs + leastWaitMs, expire)
          } else exchange.end('timed out')
        }
        let waiting = deadlines.add(arrivedAt, allowedMs, expire)
        exchange.whenEnded((reason) => {
          deadlines.cancel(waiting)
          if (reason === 'timed out') stats.counters.timedOut += 1
          abandoned.add(work)
          reject(reason === 'asking' ? unanswered : endedError(reason, name, exchange.timeoutMs ?? timeoutMs))
        })
        work.then(
          (result) => {
            deadlines.cancel(waiting)
            resolve(result)
          },
          (error: unknown) => {
            deadlines.cancel(waiting)
            reject(error)
          },
        )
      })
    }
  }
}

/** How often a deadline that a question has put off is looked at. */
const leastWaitMs = 100

function overloaded(name: string): ToolError {
  return new ToolError('overloaded', {
    message: `"${name}" was not begun because too many earlier calls still run although they were given up.`,
    hint: 'Try again later.',
    retryable: true,
  })
}

function endedError(reason: EndReason, name: string, timeoutMs: number): ToolError {
  if (reason === 'timed out') {
    return new ToolError('timed_out', {
      message: `"${name}" did not finish within ${seconds(timeoutMs)}.`,
      hint: 'Ask for less at once, or try again later.',
      retryable: true,
    })
  }
  return new ToolError('shutting_down', {
    message: `"${name}" was stopped because the server is shutting down.`,
    hint: 'Try again in a moment.',
    retryable: true,
  })
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(1))} s`
}
