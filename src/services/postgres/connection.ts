import { Socket } from 'node:net'
import type { Client, QueryResult } from 'pg'
import type { Clock } from '../../contracts/clock.js'
import { type CancelTarget, requestCancel } from './cancel-request.js'
import { endsConnection } from './failures.js'
import type { PgModule } from './load-pg.js'
import type { PostgresSettings } from './options.js'

/** How long a cancel may take to reach the server, and how often one is sent. */
const cancelTimeoutMs = 1000
const cancelAttempts = 3
/** How long after a cancel the query may go on before the next one. */
const cancelPauseMs = 200
/** How long a connection has for saying that it is clean, and for saying goodbye. */
const cleanTimeoutMs = 1000
const goodbyeMs = 500

interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/**
 * One connection to the database. Statements run one after the other, by the extended protocol, which takes one statement with its
 * values apart. What runs can be cancelled in the database; a connection says afterwards whether it may be used again.
 */
export class Connection {
  readonly #pg: PgModule
  readonly #client: Client
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #onDead: (connection: Connection) => void
  #target: CancelTarget | undefined
  /** As the server said last: idle, in a transaction, in one that failed. */
  #transaction = 'I'
  #isDead = false
  /** Asked for and not over; those behind the first wait for their turn. */
  #pending = 0
  /** Sent to the server and not answered. */
  #running = 0
  #onRest: (() => void) | undefined
  #tail: Promise<unknown> = Promise.resolve()
  #cancelling: Promise<boolean> | undefined
  /** What runs is ours and short: a cancel of it could be late and end what the next one runs. */
  #isCleaning = false
  #timeoutMs = -1

  private constructor(
    pg: PgModule,
    client: Client,
    socket: Socket,
    { clock, onDead }: { readonly clock: Clock; onDead(connection: Connection): void },
  ) {
    this.#onDead = onDead
    this.#pg = pg
    this.#client = client
    this.#socket = socket
    this.#clock = clock
  }

  /** `onDead` is told once when the server or the network ends it. */
  static async open(
    pg: PgModule,
    { url, ssl, applicationName }: PostgresSettings,
    {
      clock,
      signal,
      onDead,
    }: { readonly clock: Clock; readonly signal: AbortSignal; onDead(connection: Connection): void },
  ): Promise<Connection> {
    signal.throwIfAborted()
    const socket = new Socket()
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      keepAlive: true,
      stream: () => socket,
      ...(ssl !== undefined && { ssl }),
    })
    const made = new Connection(pg, client, socket, { clock, onDead })
    const die = (): void => made.#die()
    // An idle connection that dies emits an error, which would end the process without a listener.
    client.on('error', die)
    client.on('end', die)
    const raw = client.connection
    raw.on('backendKeyData', (message: { readonly processID: number; readonly secretKey: number }) =>
      made.#known(message.processID, message.secretKey),
    )
    raw.on('readyForQuery', (message: { readonly status: string }) => {
      made.#transaction = message.status
    })
    const giveUp = (): void => void socket.destroy()
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      await client.connect()
    } catch (error) {
      socket.destroy()
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
    return made
  }

  get isDead(): boolean {
    return this.#isDead
  }

  get inTransaction(): boolean {
    return this.#transaction !== 'I'
  }

  /** Runs one statement after those before it. `mayBegin` is asked when its turn has come, and throws when it may not. */
  run(statement: Statement, mayBegin: () => void = () => undefined): Promise<QueryResult> {
    return this.#inTurn(async () => {
      mayBegin()
      // The types do not know `queryMode`, which is what keeps several statements out of one text.
      const config = { text: statement.text, values: [...statement.values], queryMode: 'extended' }
      return this.#counted(this.#client.query(config))
    })
  }

  /** Runs a command of ours, without values. */
  command(text: string, mayBegin: () => void = () => undefined): Promise<QueryResult> {
    return this.#inTurn(async () => {
      mayBegin()
      return this.#counted(this.#client.query(text))
    })
  }

  /** Sets how long the server lets a statement run; asks it only when that is another time than before. */
  async limitTime(ms: number, mayBegin: () => void): Promise<void> {
    if (ms === this.#timeoutMs) return
    await this.command(`set statement_timeout = ${ms}`, mayBegin)
    this.#timeoutMs = ms
  }

  /** Cancels in the database what runs now. Nothing is done when nothing runs. */
  cancel(): void {
    if (this.#running === 0 || this.#isDead || this.#isCleaning) return
    this.#cancelling ??= this.#cancelUntilRest()
  }

  /**
   * Whether the next may have it: alive, outside of a transaction, and with no cancel under way that could hit what the next one runs.
   * A transaction of ours that is still open is rolled back.
   */
  async settle(ownTransaction: boolean): Promise<boolean> {
    if (this.#cancelling === undefined && this.#running === 0 && !this.inTransaction) return !this.#isDead
    await this.#tail
    const isOver = await (this.#cancelling ?? true)
    this.#cancelling = undefined
    if (!isOver || this.#isDead) return false
    this.#isCleaning = true
    // The server has signalled before it closed the cancel's connection. Should that be noticed only now, it hits this.
    await this.#within(this.command(''))
    if (this.inTransaction && ownTransaction) await this.#within(this.command('rollback'))
    this.#isCleaning = false
    return !this.#isDead && !this.inTransaction && this.#running === 0
  }

  /** Whether it answers. */
  async answers(): Promise<boolean> {
    await this.command('')
    return !this.#isDead
  }

  async end(): Promise<void> {
    const { promise, stop } = this.#pause(goodbyeMs)
    // pg sends nothing more while a query runs; the socket is what ends it then.
    await Promise.race([this.#client.end().catch(() => undefined), promise])
    stop()
    this.#socket.destroy()
  }

  #die(): void {
    if (this.#isDead) return
    this.#isDead = true
    this.#onDead(this)
  }

  #known(processId: number, secretKey: number): void {
    const { host, port, ssl } = this.#client
    const { sslNegotiation = 'postgres' } = this.#client as { readonly sslNegotiation?: string }
    this.#target = { host, port, ssl, sslNegotiation, processId, secretKey }
  }

  #inTurn(work: () => Promise<QueryResult>): Promise<QueryResult> {
    const run = this.#pending === 0 ? work() : this.#tail.then(work)
    this.#pending += 1
    const over = (): void => {
      this.#pending -= 1
    }
    this.#tail = run.then(over, over)
    return run
  }

  async #counted(query: Promise<QueryResult>): Promise<QueryResult> {
    this.#running += 1
    try {
      return await query
    } catch (error) {
      // The socket's end follows, but the next must not have it until then.
      if (endsConnection(error)) this.#die()
      throw error
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#onRest?.()
    }
  }

  /**
   * A cancel that arrives between two messages of a query is ignored by the server, and so is one for a query that is over: it is
   * sent again while the query runs. When that does not help the socket is closed, and the statement's time limit ends it there.
   */
  async #cancelUntilRest(): Promise<boolean> {
    for (let attempt = 0; attempt < cancelAttempts && this.#running > 0; attempt += 1) {
      if (this.#target === undefined) break
      const isOver = await requestCancel(this.#pg, this.#target, {
        timeoutMs: cancelTimeoutMs,
        clock: this.#clock,
      })
      if (!isOver) break
      await this.#rest()
      if (this.#running === 0) return true
    }
    this.#socket.destroy()
    return false
  }

  /** Resolves when nothing runs any more, or after a moment. */
  #rest(): Promise<void> {
    if (this.#running === 0) return Promise.resolve()
    const { promise, stop, end } = this.#pause(cancelPauseMs)
    this.#onRest = () => {
      stop()
      end()
    }
    return promise.finally(() => {
      this.#onRest = undefined
    })
  }

  /** Waits for a command whose outcome does not matter; a connection that does not answer in time is dead. */
  async #within(command: Promise<unknown>): Promise<void> {
    const { promise, stop } = this.#pause(cleanTimeoutMs)
    await Promise.race([command.catch(() => undefined), promise])
    stop()
    if (this.#running > 0) this.#socket.destroy()
  }

  #pause(ms: number): { promise: Promise<void>; stop: () => void; end: () => void } {
    let end: () => void = () => undefined
    const promise = new Promise<void>((resolve) => {
      end = resolve
    })
    return { promise, stop: this.#clock.after(ms, end), end }
  }
}
