import type { DuckDBConnection } from '@duckdb/node-api'
import type { Pool } from '../../concurrency/pool/pool.js'
import type { Borrowed } from '../../concurrency/pool/pool-options.js'
import type { ServiceCall } from '../../contracts/service.js'

/**
 * How often a statement whose call has ended is interrupted until it is over, milliseconds: DuckDB forgets an interrupt that comes
 * when nothing runs, as between two steps, or before a thread is free to begin.
 */
const interruptMs = 20

/** A connection with what it does now, so that it is never lent or closed before that is over. */
export class Lane {
  readonly connection: DuckDBConnection
  #busy: Promise<unknown> | undefined

  constructor(connection: DuckDBConnection) {
    this.connection = connection
  }

  run<Value>(work: (connection: DuckDBConnection) => Promise<Value>): Promise<Value> {
    const done = work(this.connection)
    const over = done.then(
      () => undefined,
      () => undefined,
    )
    this.#busy = over
    void over.then(() => {
      if (this.#busy === over) this.#busy = undefined
    })
    return done
  }

  /** Resolves when nothing runs any more. No interrupt comes after that: the next borrower's statement is not hit. */
  async quiet(): Promise<void> {
    if (this.#busy === undefined) return
    this.connection.interrupt()
    const again = setInterval(() => this.connection.interrupt(), interruptMs)
    again.unref()
    try {
      while (this.#busy !== undefined) await this.#busy
    } finally {
      clearInterval(again)
    }
  }

  /** Closing a connection under a running statement is not safe. */
  async end(): Promise<void> {
    await this.quiet()
    this.connection.closeSync()
  }
}

/** A connection on loan to one call, step by step. Whoever has one gives it back with `close`. */
export class Session {
  readonly #loan: Borrowed<Lane>
  readonly #signal: AbortSignal
  #abandon: ((reason: unknown) => void) | undefined
  #isOver = false
  readonly #cleanUps: (() => void)[] = []
  readonly #onAbort = (): void => {
    void this.#giveBack()
    this.#abandon?.(this.#signal.reason)
  }

  private constructor(loan: Borrowed<Lane>, signal: AbortSignal) {
    this.#loan = loan
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  static async on(pool: Pool<Lane>, call: ServiceCall): Promise<Session> {
    const loan = await pool.acquire(call)
    if (call.signal.aborted) {
      loan.release()
      throw call.signal.reason
    }
    return new Session(loan, call.signal)
  }

  /** One step, waited for no longer than the call lasts. @throws the signal's reason when the call has ended; what `work` throws */
  async do<Value>(work: (connection: DuckDBConnection) => Promise<Value>): Promise<Value> {
    if (this.#signal.aborted || this.#isOver) throw this.#signal.reason
    const running = this.#loan.resource.run(work)
    try {
      return await new Promise<Value>((resolve, reject) => {
        this.#abandon = reject
        running.then((value) => {
          // A stream that was interrupted ends like one that has no more rows.
          if (this.#signal.aborted) reject(this.#signal.reason)
          else resolve(value)
        }, reject)
      })
    } finally {
      this.#abandon = undefined
    }
  }

  /** What is done before somebody else has the connection, when nothing runs on it any more. */
  whenQuiet(cleanUp: () => void): void {
    this.#cleanUps.push(cleanUp)
  }

  /** Gives the connection back, as it was: without a transaction or the rest of a result. */
  close(): Promise<void> {
    return this.#giveBack()
  }

  async #giveBack(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    const { resource } = this.#loan
    try {
      await resource.quiet()
      for (const cleanUp of this.#cleanUps) cleanUp()
      await resource
        .run((connection) => connection.run('ROLLBACK'))
        .catch((error: unknown) => {
          // Without a transaction there is nothing to undo.
          if (!String(error).includes('no transaction')) throw error
        })
      this.#loan.release()
    } catch {
      this.#loan.destroy()
    }
  }
}
