import type { Pool } from '../../concurrency/pool/pool.js'
import type { Borrowed } from '../../concurrency/pool/pool-options.js'
import type { ServiceCall } from '../../contracts/service.js'
import { ToolError } from '../../errors/tool-error.js'
import { type Reader, ReaderGone } from './reader.js'
import { type Answer, type Portion, rowTooLarge } from './reader-messages.js'
import { SqliteError } from './sqlite-error.js'
import type { Cell, Statement } from './statement.js'

/**
 * How long a statement of a call that has ended may still take before its process is killed: most end by themselves
 * by then, and starting a process costs more than they do. Milliseconds.
 */
const graceMs = 25

export type SqliteRow = Record<string, Cell>

/** Some rows of a result, as they came in one answer. */
export interface Rows {
  readonly rows: readonly SqliteRow[]
  /** About what they take. */
  readonly bytes: number
  readonly isLast: boolean
  readonly changes: number
  readonly lastInsertId: number | bigint
}

export interface CursorLimits {
  readonly portion: Portion
  readonly rowBytes: number
}

/** A reader on loan to one call, with the statement that it runs. */
export class Cursor {
  readonly #loan: Borrowed<Reader>
  readonly #call: ServiceCall
  readonly #name: string
  readonly #limits: CursorLimits
  readonly #mayRepeat: boolean
  #columns: readonly string[] = []
  #state: 'idle' | 'open' | 'given back' = 'idle'
  #pending: Promise<Answer> | undefined
  #abandon: ((reason: unknown) => void) | undefined
  readonly #onAbort = (): void => this.#leave(this.#call.signal.reason)

  private constructor(
    loan: Borrowed<Reader>,
    call: ServiceCall,
    name: string,
    limits: CursorLimits,
    mayRepeat: boolean,
  ) {
    this.#loan = loan
    this.#call = call
    this.#name = name
    this.#limits = limits
    this.#mayRepeat = mayRepeat
    call.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /**
   * Borrows a reader. Whoever has a cursor gives it back with `close`, however its use ends.
   * @param mayRepeat whether a statement that was cut short has changed nothing
   */
  static async on(
    pool: Pool<Reader>,
    call: ServiceCall,
    limits: CursorLimits,
    mayRepeat = true,
  ): Promise<Cursor> {
    const loan = await pool.acquire(call)
    const cursor = new Cursor(loan, call, pool.name, limits, mayRepeat)
    if (call.signal.aborted) {
      cursor.#leave(call.signal.reason)
      throw call.signal.reason
    }
    return cursor
  }

  /** Runs a statement and returns its first rows. @throws as `more` does, and SqliteError for what SQLite says */
  async run(statement: Statement, portion: Portion = this.#limits.portion): Promise<Rows> {
    // BEGIN and COMMIT are ours, and no question of the author's.
    if (statement.command !== statement.text) this.#call.noteQuery(statement.text)
    const { rowBytes } = this.#limits
    const { rows, columns } = await this.#ask({ ask: 'run', statement, portion, rowBytes })
    this.#columns = columns
    return rows
  }

  /**
   * The rows that follow. @throws the signal's reason when the call ends; ToolError `backend_unavailable` when the process
   * dies, `result_too_large` for a row beyond the limit
   */
  async more(): Promise<Rows> {
    return (await this.#ask({ ask: 'more' })).rows
  }

  /** Ends the statement and gives the reader back, to be used by the next; or to be ended, if it cannot be. */
  async close(): Promise<void> {
    if (this.#state === 'given back') return
    const wasOpen = this.#state === 'open'
    this.#giveUpCall()
    try {
      if (wasOpen) await this.#loan.resource.ask({ ask: 'stop' })
      this.#loan.release()
    } catch {
      this.#loan.destroy()
    }
  }

  /** Gives the reader back to be ended at once: whatever it has begun is undone. */
  destroy(): void {
    if (this.#state === 'given back') return
    this.#giveUpCall()
    this.#loan.destroy()
  }

  async #ask(
    question: Parameters<Reader['ask']>[0],
  ): Promise<{ readonly rows: Rows; readonly columns: readonly string[] }> {
    if (this.#state === 'given back') throw this.#call.signal.reason
    const answer = await this.#answered(this.#loan.resource.ask(question))
    if (answer.is !== 'rows') throw this.#refusal(answer)
    this.#state = answer.isLast ? 'idle' : 'open'
    const columns = answer.columns ?? this.#columns
    return {
      columns,
      rows: {
        rows: answer.rows.map((cells) => rowOf(columns, cells)),
        bytes: answer.bytes,
        isLast: answer.isLast,
        changes: answer.changes ?? 0,
        lastInsertId: answer.lastInsertId ?? 0,
      },
    }
  }

  /** Waits no longer than the call lasts. */
  async #answered(pending: Promise<Answer>): Promise<Answer> {
    this.#pending = pending
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.#abandon = reject
        pending.then(resolve, reject)
      })
    } catch (error) {
      if (!(error instanceof ReaderGone) || this.#state === 'given back') throw error
      this.destroy()
      throw this.#lost(error)
    } finally {
      this.#pending = undefined
      this.#abandon = undefined
    }
  }

  /** The call has ended: who waits is told now, and the reader is free when its statement is over, or dead soon. */
  #leave(reason: unknown): void {
    if (this.#state === 'given back') return
    const pending = this.#pending
    const abandon = this.#abandon
    if (pending === undefined) {
      // A writer may be within a transaction, which only its end undoes for sure.
      if (this.#mayRepeat) void this.close()
      else this.destroy()
      return
    }
    this.#giveUpCall()
    void this.#endOf(pending)
    abandon?.(reason)
  }

  async #endOf(pending: Promise<Answer>): Promise<void> {
    const reader = this.#loan.resource
    const late = setTimeout(() => this.#loan.destroy(), graceMs)
    try {
      const answer = await pending
      if (!this.#mayRepeat) this.#loan.destroy()
      else if (answer.is === 'rows' && !answer.isLast) await reader.ask({ ask: 'stop' })
      this.#loan.release()
    } catch {
      this.#loan.destroy()
    } finally {
      clearTimeout(late)
    }
  }

  #giveUpCall(): void {
    this.#state = 'given back'
    this.#call.signal.removeEventListener('abort', this.#onAbort)
  }

  #refusal(answer: Answer): Error {
    this.#state = 'idle'
    if (answer.is !== 'failed') return new Error('The process of SQLite gave an answer to another question.')
    if (answer.code === rowTooLarge) return rowRefusal(this.#name, this.#limits.rowBytes)
    return new SqliteError(answer.message, answer.code)
  }

  #lost(cause: ReaderGone): ToolError {
    const outcome = this.#mayRepeat ? '' : ' Whether it has changed anything is not known.'
    return new ToolError('backend_unavailable', {
      message: `The process of "${this.#name}" ended while it ran the statement.${outcome}`,
      hint: cause.byItself ? 'Ask for something else.' : 'Try again.',
      retryable: this.#mayRepeat && !cause.byItself,
      cause,
    })
  }
}

function rowOf(columns: readonly string[], cells: readonly Cell[]): SqliteRow {
  const row: SqliteRow = {}
  for (const [index, name] of columns.entries()) {
    const value = cells[index] ?? null
    // A column may be called __proto__.
    if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true, writable: true })
    else row[name] = value
  }
  return row
}

function rowRefusal(name: string, limit: number): ToolError {
  return new ToolError('result_too_large', {
    message: `A row of the result of "${name}" has more than ${limit} bytes.`,
    hint: 'Select fewer columns, or parts of long values with substr().',
    data: { limit, unit: 'bytes' },
  })
}

/** More rows, or more in them, than a result may have. */
export function resultRefusal(name: string, limit: number, unit: 'rows' | 'bytes'): ToolError {
  return new ToolError('result_too_large', {
    message: `The result of "${name}" has more than ${limit} ${unit}.`,
    hint: 'Filter or aggregate, use LIMIT, or read it as a stream.',
    data: { limit, unit },
  })
}
