import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import { isTerminal, type TaskRecord, type TaskStore } from '../contracts/task-store.js'
import type { Background } from '../engine/background.js'
import type { Exchange } from '../engine/exchange.js'
import type { Question } from '../engine/interaction.js'
import { unanswered } from '../engine/unanswered.js'
import { ToolError } from '../errors/tool-error.js'
import { RecordWriter } from './record-writer.js'

/** Questions of one task that may wait at once. */
const maxQuestions = 100

export const cancelledByClient: Pick<TaskRecord, 'status' | 'statusMessage'> = {
  status: 'cancelled',
  statusMessage: 'The client cancelled it.',
}

export interface TaskRunOptions {
  /** What the work runs on; it ends with the task. */
  readonly exchange: Exchange
  readonly owner: string
  readonly tool: string
  readonly ttlMs: number
  /** Milliseconds that the work may take. */
  readonly timeoutMs: number
  readonly store: TaskStore
  readonly clock: Clock
  readonly logger: Logger
  /** What it takes to run the task again, sealed; undefined: it will not. */
  keep?(id: string): Promise<string | undefined>
  /** The task is in the store, and its client may be answered. */
  onBegun(record: TaskRecord): void
  /** What a client can see of it has changed. */
  onChange(record: TaskRecord): void
}

interface Waiting {
  readonly request: object
  resolve(answer: unknown): void
  reject(reason: unknown): void
}

/** One task while its work runs on this node: what its handler reports and asks, and how it ends. */
export class TaskRun implements Background {
  readonly #options: TaskRunOptions
  readonly #questions = new Map<string, Waiting>()
  /** A key is never used for a second question (SEP-2663, "Task Update Requests"). */
  #lastQuestion = 0
  #record: TaskRecord | undefined
  #beginning: Promise<void> | undefined
  readonly #writer: RecordWriter
  #stopTimer: () => void = () => undefined
  #lost = false

  constructor(options: TaskRunOptions) {
    this.#options = options
    const { store, clock, logger, onChange } = options
    this.#writer = new RecordWriter({ store, clock, logger, onWritten: onChange })
  }

  get keptMs(): number {
    return this.#options.ttlMs
  }

  get begun(): boolean {
    return this.#record !== undefined
  }

  get id(): string | undefined {
    return this.#record?.id
  }

  get attempt(): number | undefined {
    return this.#record?.attempt
  }

  /** Goes on with a task whose node was lost. Its work runs from the start, in the time that is left. */
  resume(record: TaskRecord): void {
    const { clock, timeoutMs } = this.#options
    const leftMs = Math.max(0, record.createdAt + record.ttlMs - clock.now())
    this.#beginning = Promise.resolve()
    this.#start(record, Math.min(timeoutMs, leftMs), leftMs)
  }

  begin(): Promise<void> {
    this.#beginning ??= this.#begin()
    return this.#beginning
  }

  report(message: string): void {
    void this.#change({ statusMessage: message.slice(0, 1000) })
  }

  ask(question: Question, signal: AbortSignal): Promise<unknown> {
    if (!this.#options.exchange.open) return Promise.reject(unanswered)
    if (this.#questions.size >= maxQuestions) {
      return Promise.reject(
        new ToolError('overloaded', { message: `A task may ask ${maxQuestions} things at once.` }),
      )
    }
    this.#lastQuestion += 1
    const { attempt = 1 } = this.#record ?? {}
    // What was asked by a run that was lost is another question, and its answer may still be on its way.
    const number = attempt === 1 ? this.#lastQuestion : `${attempt}.${this.#lastQuestion}`
    const key = `${question.key ?? question.method.split('/')[0] ?? 'question'}-${number}`
    return new Promise((resolve, reject) => {
      const abandon = (): void => this.#settle(key, (waiting) => waiting.reject(signal.reason))
      const done = (): void => signal.removeEventListener('abort', abandon)
      this.#questions.set(key, {
        request: { method: question.method, params: question.params },
        resolve: (answer) => {
          done()
          resolve(answer)
        },
        reject: (reason) => {
          done()
          reject(reason)
        },
      })
      if (signal.aborted) abandon()
      else signal.addEventListener('abort', abandon, { once: true })
      void this.#change({})
    })
  }

  /** Answers that came from the client; what nobody waits for is ignored. */
  answer(responses: Readonly<Record<string, unknown>>): void {
    for (const [key, answer] of Object.entries(responses)) {
      this.#settle(key, (waiting) => waiting.resolve(answer))
    }
  }

  cancel(): void {
    this.#options.exchange.end('cancelled')
  }

  /** The server shuts down. */
  close(): void {
    this.#options.exchange.end('closing')
  }

  /** Another node has the task: nothing that comes of this run is written any more. */
  lose(): void {
    this.#lost = true
    this.#stopTimer()
    this.close()
  }

  /** The work came to what a client can be told: a result, as JSON text. */
  complete(result: string): Promise<void> {
    const cancelled = this.#options.exchange.ended === 'cancelled'
    return this.#finish(cancelled ? cancelledByClient : { status: 'completed', result })
  }

  /** The work came to a JSON-RPC error. */
  fail(error: object, message: string): Promise<void> {
    return this.#finish({ status: 'failed', error, statusMessage: message })
  }

  async #begin(): Promise<void> {
    const { clock, exchange, owner, tool, store, ttlMs, timeoutMs, logger, onBegun } = this.#options
    await this.#mayBegin()
    const now = clock.now()
    const id = randomId()
    const call = await this.#keep(id)
    const record: TaskRecord = {
      id,
      owner,
      tool,
      status: 'working',
      createdAt: now,
      updatedAt: now,
      ttlMs,
      ...(call !== undefined && { attempt: 1 }),
    }
    try {
      await store.create(record, call)
    } catch (error) {
      logger.error('A task could not be kept, so its call was refused.', { error })
      throw new ToolError('overloaded', {
        message: 'The server cannot keep another task now.',
        hint: 'Try again later.',
        retryable: true,
        cause: error,
      })
    }
    if (!exchange.open) {
      // Its call was answered or given up meanwhile, so no client has heard of it.
      const statusMessage = 'Its call ended before the task began.'
      await this.#writer.write({ ...record, status: 'cancelled', statusMessage })
      throw this.#whyNot()
    }
    this.#start(record, timeoutMs, ttlMs)
    onBegun(record)
  }

  #start(record: TaskRecord, timeoutMs: number, leftMs: number): void {
    const { clock, exchange } = this.#options
    this.#record = record
    exchange.timeoutMs = timeoutMs
    // Its client cannot find it any more, so nobody will ever see what it comes to.
    this.#stopTimer = clock.after(leftMs, () => exchange.end('timed out'))
  }

  /** A call that cannot be kept is still worth a task. */
  async #keep(id: string): Promise<string | undefined> {
    const { keep, logger, tool } = this.#options
    try {
      return await keep?.(id)
    } catch (error) {
      logger.error('The call of a task could not be sealed, so it will not run again.', { error, tool })
      return undefined
    }
  }

  /** A call that ended, or whose client is being asked and then calls again, must leave no task behind. */
  async #mayBegin(): Promise<void> {
    const { exchange } = this.#options
    const interaction = await exchange.interaction
    if (interaction?.asks === true) throw unanswered
    if (!exchange.open) throw this.#whyNot()
  }

  #whyNot(): unknown {
    const { ended, signal } = this.#options.exchange
    return ended === undefined || ended === 'asking' ? unanswered : signal.reason
  }

  #finish(end: Partial<TaskRecord>): Promise<void> {
    this.#stopTimer()
    // Lets go whoever still waits for an answer.
    this.#options.exchange.answered()
    return this.#change(end)
  }

  #settle(key: string, how: (waiting: Waiting) => void): void {
    const waiting = this.#questions.get(key)
    if (waiting === undefined) return
    this.#questions.delete(key)
    how(waiting)
    void this.#change({})
  }

  /** Resolves when it is written. */
  async #change(change: Partial<TaskRecord>): Promise<void> {
    const before = this.#record
    if (this.#lost || before === undefined || isTerminal(before.status)) return
    const { inputRequests: _asked, ...rest } = before
    const requests = [...this.#questions].map(([key, { request }]) => [key, request] as const)
    const waits = requests.length > 0 && change.status === undefined
    this.#record = {
      ...rest,
      status: waits ? 'input_required' : 'working',
      ...(waits && { inputRequests: Object.fromEntries(requests) }),
      ...change,
      updatedAt: this.#options.clock.now(),
    }
    await this.#writer.write(this.#record)
  }
}

/** 256 bits: where nobody is identified, the id is all that keeps others out (SEP-2663, "Security"). */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
