import type { QueryResult } from 'pg'
import type { Pool } from '../../concurrency/pool/pool.js'
import type { Borrowed } from '../../concurrency/pool/pool-options.js'
import type { Logger } from '../../contracts/logger.js'
import type { ServiceCall } from '../../contracts/service.js'
import { ToolError } from '../../errors/tool-error.js'
import type { Connection } from './connection.js'
import { explain } from './failures.js'
import { statementTimeout } from './statement-timeout.js'

export interface SessionSettings {
  readonly name: string
  readonly statementTimeoutMs: number | undefined
  readonly logger: Logger
}

/** One connection in the hands of one call. It ends with the call, also when whoever works with it does not notice. */
export class Session {
  readonly #loan: Borrowed<Connection>
  readonly #call: ServiceCall
  readonly #settings: SessionSettings
  #ownTransaction = false
  #ending: Promise<void> | undefined
  #cursors = 0

  private constructor(loan: Borrowed<Connection>, call: ServiceCall, settings: SessionSettings) {
    this.#loan = loan
    this.#call = call
    this.#settings = settings
  }

  /** Borrows a connection. `onAbort` is told when the call ends before the session. */
  static async open(
    pool: Pool<Connection>,
    call: ServiceCall,
    settings: SessionSettings,
    onAbort: () => void = () => undefined,
  ): Promise<Session> {
    let session: Session | undefined
    const loan = await pool.acquire(call, {
      onAbort(connection) {
        connection.cancel()
        onAbort()
        void session?.end()
      },
    })
    session = new Session(loan, call, settings)
    return session
  }

  /** One statement of the handler; `shape` is what it is counted as. */
  async query(text: string, values: readonly unknown[], shape: string = text): Promise<QueryResult> {
    this.#call.noteQuery(shape)
    try {
      if (!this.#ownTransaction) await this.#limitTime()
      return await this.#loan.resource.run({ text, values }, this.#mayBegin)
    } catch (error) {
      throw this.#explained(error)
    }
  }

  async begin(how: string): Promise<void> {
    try {
      // Before the transaction: what is set within is undone with it.
      await this.#limitTime()
      this.#ownTransaction = true
      await this.#loan.resource.command(`begin ${how}`, this.#mayBegin)
    } catch (error) {
      throw this.#explained(error)
    }
  }

  async commit(): Promise<void> {
    let result: QueryResult
    try {
      result = await this.#loan.resource.command('commit', this.#mayBegin)
    } catch (error) {
      throw this.#explained(error)
    }
    // The server answers so when a statement had failed and nobody threw.
    if (result.command !== 'COMMIT') {
      throw new Error(
        'The transaction was rolled back, because a statement in it had failed and went unheeded.',
      )
    }
  }

  /** Rows of one statement, `batch` at a time and only as fast as they are taken. The session must be in a transaction. */
  async *rows(
    text: string,
    values: readonly unknown[],
    batch: number,
  ): AsyncGenerator<unknown, void, undefined> {
    this.#cursors += 1
    const cursor = `holdfast_${this.#cursors}`
    await this.query(`declare ${cursor} no scroll cursor for ${text}`, values, text)
    for (;;) {
      const { rows } = await this.#fetch(cursor, batch)
      yield* rows
      if (rows.length < batch) break
    }
    await this.#loan.resource.command(`close ${cursor}`, this.#mayBegin)
  }

  /** Gives the connection back, clean or not at all. A transaction that was not committed is rolled back. Safe to call twice. */
  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    const { resource: connection } = this.#loan
    const isClean = await connection.settle(this.#ownTransaction)
    if (isClean) this.#loan.release()
    else this.#loan.destroy()
    if (!isClean && connection.inTransaction && !this.#ownTransaction) {
      const { name, logger } = this.#settings
      logger.warn(
        `"${this.#call.name}" left a transaction open in "${name}"; it is rolled back. Use transaction() for it.`,
        { pool: name, call: this.#call.name },
      )
    }
  }

  async #fetch(cursor: string, batch: number): Promise<QueryResult> {
    try {
      return await this.#loan.resource.command(`fetch ${batch} from ${cursor}`, this.#mayBegin)
    } catch (error) {
      throw this.#explained(error)
    }
  }

  #limitTime(): Promise<void> {
    const ms = statementTimeout(this.#call.remaining(), this.#settings.statementTimeoutMs)
    return this.#loan.resource.limitTime(ms, this.#mayBegin)
  }

  readonly #mayBegin = (): void => {
    this.#call.signal.throwIfAborted()
    if (this.#ending !== undefined) {
      throw new Error('The transaction is over; await what is asked in it before its work returns.')
    }
    if (this.#loan.resource.isDead) throw new ToolError('backend_unavailable', lost(this.#settings.name))
  }

  #explained(error: unknown): unknown {
    return explain(error, this.#settings.name, this.#call, this.#loan.resource.isDead)
  }
}

function lost(name: string): { message: string; retryable: true; retryAfterMs: number } {
  return { message: `The connection to "${name}" was lost.`, retryable: true, retryAfterMs: 1000 }
}
