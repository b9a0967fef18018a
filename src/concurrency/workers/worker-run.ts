import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import type { Clock } from '../../contracts/clock.js'
import type { Logger } from '../../contracts/logger.js'
import { ToolError, type ToolErrorDetails } from '../../errors/tool-error.js'
import { errorOf } from './error-record.js'
import type { Ended, FromThread, Job, Progress, ToThread } from './messages.js'
import type { ThreadPool } from './thread-pool.js'

/** How long a function that is told to stop has for it. */
const graceMs = 100
/** The least time between two notices of progress: a loop that tells of each step must not keep the server's thread busy. */
const progressMs = 20

/** Threads that a call is sent to until one begins it. */
const mostAttempts = 3

/** What of a call its worker is given. `ctx` of any handler has it all but the name. */
export interface WorkerCall {
  readonly name: string
  readonly signal: AbortSignal
  readonly log: Logger
  /** Milliseconds until the deadline. */
  remaining(): number
  /** Resolves when the client can take more; it never rejects. */
  progress(progress: number, total?: number, message?: string): Promise<void>
  /** Fills in what the tool's catalogue says of a code. */
  error(code: string, details: ToolErrorDetails): ToolError
}

export interface WorkerRunOptions {
  readonly call: WorkerCall
  readonly url: string
  readonly input: unknown
  readonly pool: ThreadPool
  readonly clock: Clock
  readonly memoryMb: number
  /**
   * Called once, when the pool has the thread back or has given it up, which may be after the answer of a call that was ended. Before
   * that nothing may be sent to the pool in its place: what waits there for a thread that then ends would wait for ever. `done`:
   * it says something of how long the work takes.
   */
  free(done: boolean): void
}

/** One call on one thread. */
export class WorkerRun {
  readonly name: string
  /** What the call is answered with. */
  readonly result: Promise<unknown>
  readonly #options: WorkerRunOptions
  #port: MessagePort
  /** Ends the thread, or takes the call out of the pool's queue. */
  readonly #kill = new AbortController()
  #thread: Worker | undefined
  #begun = false
  #settled = false
  /** What the function came to; told when the thread is free, because who hears it may call again at once. */
  #outcome: Ended | undefined
  #stopGrace: (() => void) | undefined
  #resolve: (value: unknown) => void = () => undefined
  #reject: (reason: unknown) => void = () => undefined

  constructor(options: WorkerRunOptions) {
    const { call } = options
    this.#options = options
    this.name = call.name
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const abort = (): void => this.#abort()
    call.signal.addEventListener('abort', abort, { once: true })
    void this.#run(port2).finally(() => {
      const outcome = this.#outcome
      options.free(call.signal.aborted || (outcome !== undefined && outcome.kind !== 'stray'))
      if (outcome !== undefined) this.#tellOutcome(outcome)
      call.signal.removeEventListener('abort', abort)
      this.#stopGrace?.()
      this.#port.close()
    })
  }

  /** Answers the call with an error, whatever its thread does. */
  refuse(error: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.#reject(error)
  }

  /** There is no thread for it, and none will come. */
  threadFailed(error: unknown): void {
    if (this.#begun) return
    this.refuse(failed(this.name, 'its thread could not be started', error))
    this.#kill.abort()
  }

  /** It never rejects. */
  async #run(port: MessagePort, attempt = 1): Promise<void> {
    const { pool, url, input } = this.#options
    const job: Job = { port, url, input }
    this.#port.on('message', (message: FromThread) => this.#hear(message))
    try {
      await pool.run(job, { transferList: [port], signal: this.#kill.signal })
      this.#drain()
    } catch (error) {
      this.#drain()
      // An idle thread ended just when it was sent this call, of which it saw nothing.
      if (!this.#begun && !this.#settled && hasExited(error) && attempt < mostAttempts)
        return this.#again(attempt)
      if (this.#outcome === undefined) this.refuse(this.#explained(error))
      // Arguments that are no data never left: the other end is still here.
      if (!this.#begun) port.close()
      await this.#gone()
      return
    }
    if (this.#outcome === undefined) this.refuse(failed(this.name, 'it ended without a result'))
  }

  #again(attempt: number): Promise<void> {
    this.#port.close()
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    return this.#run(port2, attempt + 1)
  }

  /** What arrived before the thread's end may not have been looked at. */
  #drain(): void {
    for (
      let next = receiveMessageOnPort(this.#port);
      next !== undefined;
      next = receiveMessageOnPort(this.#port)
    ) {
      this.#hear(next.message as FromThread)
    }
  }

  #hear(message: FromThread): void {
    const { call, pool } = this.#options
    switch (message.kind) {
      case 'begun':
        this.#begun = true
        this.#thread = pool.threads.find(({ threadId }) => threadId === message.threadId)
        break
      case 'progress':
        if (!this.#settled) void this.#pass(message.progress)
        break
      case 'log':
        call.log[message.level](message.message, message.fields)
        break
      default:
        this.#outcome ??= message
    }
  }

  async #pass([progress, total, message]: Progress): Promise<void> {
    const { call, clock } = this.#options
    const pause = new Promise<void>((resolve) => clock.after(progressMs, resolve))
    await call.progress(progress, total, message)
    await pause
    this.#tell({ kind: 'passed on' })
  }

  #tellOutcome(message: Ended): void {
    const { call } = this.#options
    const { lastProgress, logsLeftOut } = message
    if (logsLeftOut > 0) {
      call.log.warn('A worker logged more than a hundred records in a second; the rest was left out.', {
        leftOut: logsLeftOut,
      })
    }
    if (this.#settled) return
    this.#settled = true
    if (lastProgress !== undefined) void call.progress(...lastProgress)
    switch (message.kind) {
      case 'result':
        this.#resolve(message.value)
        break
      case 'tool error': {
        const { code, message: text, details, cause } = message.error
        this.#reject(
          call.error(code, {
            ...details,
            ...(text !== undefined && { message: text }),
            ...(cause !== undefined && { cause: errorOf(cause) }),
          }),
        )
        break
      }
      case 'thrown':
        this.#reject(errorOf(message.error))
        break
      case 'stray':
        this.#reject(failed(this.name, 'something that it started failed unnoticed', errorOf(message.error)))
        break
      case 'unclonable':
        this.#reject(
          failed(this.name, 'its result is no data that can leave a thread', errorOf(message.error)),
        )
        break
    }
  }

  #abort(): void {
    const { call, clock } = this.#options
    this.refuse(call.signal.reason)
    if (!this.#begun) {
      this.#drain()
      if (!this.#begun) {
        this.#kill.abort()
        return
      }
    }
    this.#tell({ kind: 'abort', reason: reasonOf(call.signal.reason) })
    this.#stopGrace = clock.after(graceMs, () => this.#kill.abort())
  }

  #tell(message: ToThread): void {
    this.#port.postMessage(message)
  }

  /** A thread that is ended may still sit in native code; until it is gone another in its place would be one too many. */
  async #gone(): Promise<void> {
    const thread = this.#thread
    if (thread === undefined || thread.threadId === -1) return
    await new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  }

  #explained(error: unknown): unknown {
    const { memoryMb } = this.#options
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return failed(
        this.name,
        `it needed more memory than the ${memoryMb} MB that a worker may use`,
        error,
        'Ask for less at once.',
      )
    }
    if (error instanceof Error && error.name === 'DataCloneError') {
      return failed(this.name, 'its arguments are no data that can go to a thread', error)
    }
    return failed(this.name, 'its thread ended before it was done', error)
  }
}

/** As piscina says it of a thread that ended with work. */
function hasExited(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('worker exited')
}

function reasonOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : 'The call was ended.'
}

function failed(name: string, why: string, cause?: unknown, hint?: string): ToolError {
  return new ToolError('worker_failed', {
    message: `"${name}" was given up because ${why}.`,
    ...(hint !== undefined && { hint }),
    retryable: false,
    ...(cause !== undefined && { cause }),
  })
}
