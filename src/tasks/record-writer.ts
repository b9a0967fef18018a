import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import { isTerminal, type TaskRecord, type TaskStore } from '../contracts/task-store.js'

/** How often the end of a task is written before it is given up on: over about a minute. */
const maxAttempts = 10
const firstPauseMs = 100

export interface RecordWriterOptions {
  readonly store: TaskStore
  readonly clock: Clock
  readonly logger: Logger
  /** What clients can see of the task has changed. */
  onWritten(record: TaskRecord): void
}

/**
 * Brings one task's record to its store: one write at a time, so that nobody sees an older state after a newer one,
 * and always the newest, so that a handler that reports faster than the store writes piles up nothing. An end is
 * written again when the store failed, because a client would wait for it for ever.
 */
export class RecordWriter {
  readonly #options: RecordWriterOptions
  #next: TaskRecord | undefined
  #writing: Promise<void> | undefined

  constructor(options: RecordWriterOptions) {
    this.#options = options
  }

  /** Resolves when what is newest by then is written, or given up on. It never rejects. */
  write(record: TaskRecord): Promise<void> {
    this.#next = record
    this.#writing ??= this.#writeAll()
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    // What changes in one go is one write.
    await Promise.resolve()
    for (let record = this.#next; record !== undefined; record = this.#next) {
      this.#next = undefined
      await this.#writeOne(record)
    }
    this.#writing = undefined
  }

  async #writeOne(newest: TaskRecord): Promise<void> {
    const { store, logger, onWritten } = this.#options
    let record = newest
    for (let attempt = 1; ; attempt += 1) {
      try {
        await store.update(record)
        onWritten(record)
        return
      } catch (error) {
        logger.error('What a task came to could not be kept.', { error, status: record.status, attempt })
        if (!isTerminal(record.status) || attempt === maxAttempts) return
        if (record.result === undefined) await this.#pause(firstPauseMs * 2 ** (attempt - 1))
        else record = withoutResult(record)
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(ms, resolve)
    })
  }
}

/** Most often it is the result that a store does not take: too large, or one too many. */
function withoutResult({ result: _lost, ...record }: TaskRecord): TaskRecord {
  const message = 'The result could not be kept; call the tool again, and ask for less.'
  return { ...record, status: 'failed', error: { code: -32603, message }, statusMessage: message }
}
