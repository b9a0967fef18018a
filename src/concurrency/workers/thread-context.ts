import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { LogFields, Logger, LogLevel } from '../../contracts/logger.js'
import type { WorkerContext } from './define-worker.js'
import { errorRecord, markedToolError } from './error-record.js'
import type { FromThread, Progress, ToThread } from './messages.js'

const logsPerSecond = 100
/** Characters of one log record, all its fields together. */
const mostLogged = 16_384
const mostMessage = 2000
/** The least time between two looks for news. */
const lookMs = 1

/** One call as its function sees it, in the thread. */
export interface ThreadContext {
  readonly ctx: WorkerContext
  /** What was not sent, for the last message. */
  rest(): { readonly lastProgress: Progress | undefined; readonly logsLeftOut: number }
  /** After the last message nothing is sent. */
  end(): void
}

/**
 * What is told on the way is bounded here, where it is made: one progress under way and one, the newest, that waits; so many log
 * records a second, and none too long. A loop that tells a million things costs the server's thread as little as one.
 */
export function threadContext(port: MessagePort): ThreadContext {
  const controller = new AbortController()
  const { signal } = controller
  let underWay = false
  let newest: Progress | undefined
  let logsLeftOut = 0
  let second = 0
  let logged = 0
  let over = false
  let nextLook = 0

  function hear(message: ToThread): void {
    if (message.kind === 'abort') {
      const reason = new Error(message.reason)
      reason.name = 'AbortError'
      controller.abort(reason)
      return
    }
    underWay = false
    if (newest !== undefined) send(newest)
  }

  /** A loop without an `await` hears nothing by itself; looking costs more than what such a loop mostly does between two looks. */
  function listen(): void {
    const now = performance.now()
    if (over || now < nextLook) return
    nextLook = now + lookMs
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      hear(next.message as ToThread)
    }
  }

  function post(message: FromThread): void {
    if (!over) port.postMessage(message)
  }

  function send(progress: Progress): void {
    newest = undefined
    underWay = true
    post({ kind: 'progress', progress })
  }

  function log(level: LogLevel, message: unknown, fields: LogFields | undefined): void {
    const now = Math.floor(performance.now() / 1000)
    if (now !== second) {
      second = now
      logged = 0
    }
    logged += 1
    if (logged > logsPerSecond) logsLeftOut += 1
    else post({ kind: 'log', level, message: String(message).slice(0, mostMessage), fields: plain(fields) })
  }

  const aborted = (): boolean => Reflect.get(AbortSignal.prototype, 'aborted', signal) === true
  Object.defineProperties(signal, {
    aborted: {
      get: () => {
        listen()
        return aborted()
      },
    },
    throwIfAborted: {
      value: () => {
        if (signal.aborted) throw signal.reason
      },
    },
  })
  port.on('message', hear)

  const logger: Logger = {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  }
  return {
    ctx: {
      signal,
      progress(progress, total, message) {
        newest = [progress, total, message === undefined ? undefined : String(message).slice(0, mostMessage)]
        if (underWay) listen()
        if (!underWay && newest !== undefined) send(newest)
      },
      log: logger,
      error: (code, details = {}) => markedToolError(code, details),
    },
    rest: () => ({ lastProgress: newest, logsLeftOut }),
    end() {
      over = true
    },
  }
}

/** Fields that can travel: errors as records, and nothing that is no data or too long. */
function plain(fields: LogFields | undefined): Readonly<Record<string, unknown>> | undefined {
  if (fields === undefined) return undefined
  let left = mostLogged
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    const record: unknown = value instanceof Error ? { ...errorRecord(value) } : value
    let text: string | undefined
    try {
      text = JSON.stringify(record)
    } catch {
      // A circle, a bigint: said in place of it.
    }
    left -= name.length + (text?.length ?? 0)
    kept[name] =
      text === undefined ? `(${typeof value})` : left < 0 ? '(left out: too long)' : JSON.parse(text)
  }
  return kept
}
