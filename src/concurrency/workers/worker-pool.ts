import type { Worker } from 'node:worker_threads'
import type { Bounded } from '../../contracts/bounded.js'
import type { Clock } from '../../contracts/clock.js'
import type { Logger } from '../../contracts/logger.js'
import { ToolError } from '../../errors/tool-error.js'
import { Bulkhead, type Overload, type Visit } from '../bulkhead.js'
import { overloaded } from '../overloaded.js'
import { errorOf } from './error-record.js'
import type { LateFailure } from './messages.js'
import { openThreadPool, type ThreadPool } from './thread-pool.js'
import { type WorkerCall, WorkerRun } from './worker-run.js'

/** How long `close` waits for threads to end; one that sits in native code ends when that returns. */
const closeMs = 2000

export interface WorkerPoolOptions {
  /** Threads at once; each runs one call at a time. */
  readonly threads: number
  /** Calls that wait for a thread. */
  readonly maxQueue: number
  /** Megabytes of heap for each thread. */
  readonly memoryMb: number
  /** Milliseconds after which an idle thread ends. */
  readonly idleMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Threads for the worker modules of one server: so many calls run, so many wait, each on a thread of its own while it runs. A call that
 * loops, runs out of heap, ends its thread or fails where nobody catches it costs itself and its thread, which is replaced. The threads
 * are piscina's (optional peer).
 */
export class WorkerPool {
  /** Lines of `server.stats()`. */
  readonly bounded: readonly Bounded[]
  readonly #options: WorkerPoolOptions
  readonly #pool: ThreadPool
  readonly #door: Bulkhead
  readonly #runs = new Set<WorkerRun>()
  #closed = false

  /** @throws StartError when piscina is not installed. */
  static async open(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = await openThreadPool(options)
    return new WorkerPool(options, pool)
  }

  private constructor(options: WorkerPoolOptions, pool: ThreadPool) {
    const { threads, maxQueue, clock } = options
    this.#options = options
    this.#pool = pool
    const door = new Bulkhead({ limit: threads, queue: maxQueue, clock })
    this.#door = door
    pool.on('error', (error: unknown) => this.#broken(error))
    pool.on('message', (message: unknown) => this.#hear(message))
    const line = (name: string, limit: number, now: () => readonly [number, number]): Bounded => ({
      stats() {
        const [size, dropped] = now()
        return { name, size, limit, unit: 'entries', dropped }
      },
    })
    this.bounded = [
      line('worker threads', threads, () => [pool.threads.length, 0]),
      line('calls that wait for a worker', maxQueue, () => [door.queued, door.refused]),
    ]
  }

  /**
   * Runs a module's function with the input, and resolves with what it returns. When `call.signal` aborts it rejects at once; the
   * function is told, and a thread that does not stop within 100 ms is stopped.
   * @throws ToolError `overloaded` when it could not be begun in time, `worker_failed` when its thread did not survive it,
   *   `shutting_down` after `close`; else what the function threw
   */
  async run(url: string, input: unknown, call: WorkerCall): Promise<unknown> {
    if (this.#closed) throw closing(call.name)
    call.signal.throwIfAborted()
    const visit = await this.#enter(call)
    // Since it was let in the call may have ended, and then nobody would tell its thread.
    if (this.#closed || call.signal.aborted) {
      this.#door.leave(visit, false)
      call.signal.throwIfAborted()
      throw closing(call.name)
    }
    const run: WorkerRun = new WorkerRun({
      call,
      url,
      input,
      pool: this.#pool,
      clock: this.#options.clock,
      memoryMb: this.#options.memoryMb,
      free: (done) => {
        this.#runs.delete(run)
        this.#door.leave(visit, done)
      },
    })
    this.#runs.add(run)
    return run.result
  }

  /** Ends all threads; calls that still run are refused as `shutting_down`. Resolves after two seconds at the latest. */
  async close(): Promise<void> {
    this.#closed = true
    const threads: readonly Worker[] = [...this.#pool.threads]
    const gone = threads.map((thread) => thread.terminate())
    for (const run of this.#runs) run.refuse(closing(run.name))
    let stop: () => void = () => undefined
    const late = new Promise<void>((resolve) => {
      stop = this.#options.clock.after(closeMs, resolve)
    })
    await Promise.race([Promise.allSettled([...gone, this.#pool.destroy()]), late])
    stop()
  }

  #enter({ name, signal, remaining }: WorkerCall): Promise<Visit> | Visit {
    let left: () => void = () => undefined
    let begin: (() => void) | undefined
    let refuse: ((overload: Overload) => void) | undefined
    const deadlineAt = this.#options.clock.monotonic() + remaining()
    const visit = this.#door.enter(deadlineAt, {
      start: () => begin?.(),
      refuse: (overload) => refuse?.(overload),
    })
    if ('reason' in visit) throw refusal(name, visit)
    if (visit.state !== 'waiting') return visit
    return new Promise<Visit>((resolve, reject) => {
      begin = () => {
        left()
        resolve(visit)
      }
      refuse = (overload) => {
        left()
        reject(refusal(name, overload))
      }
      const leave = (): void => {
        this.#door.leave(visit, false)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      left = () => signal.removeEventListener('abort', leave)
    })
  }

  /** A thread that died before it had any work, mostly while it started: nobody else would take the calls that wait for it. */
  #broken(error: unknown): void {
    this.#options.logger.error('A worker thread ended outside of any call.', { error })
    if (this.#pool.threads.length > 0) return
    for (const run of this.#runs) run.threadFailed(error)
  }

  #hear(message: unknown): void {
    if (!isLateFailure(message)) return
    this.#options.logger.error(
      'Something that an earlier call of a worker left behind has failed; its thread is replaced.',
      { worker: message.url, error: errorOf(message.error) },
    )
  }
}

function isLateFailure(message: unknown): message is LateFailure {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    message.kind === 'late failure' &&
    'error' in message
  )
}

function refusal(name: string, overload: Overload): ToolError {
  const { limit, queued } = overload
  return overloaded(name, `${limit} worker threads are busy and ${queued} calls wait already`, overload)
}

function closing(name: string): ToolError {
  return new ToolError('shutting_down', {
    message: `"${name}" was stopped because the server is shutting down.`,
    hint: 'Try again in a moment.',
    retryable: true,
  })
}
