import type { QueryResult } from 'pg'
import type { Pool } from '../../concurrency/pool/pool.js'
import type { PoolUsage } from '../../concurrency/pool/pool-usage.js'
import type { ServiceCall } from '../../contracts/service.js'
import { shown } from '../../errors/shown.js'
import type { Connection } from './connection.js'
import type { Database, Queries, Query, Row, Rows, StreamOptions, TransactionOptions } from './database.js'
import { isLoss } from './failures.js'
import { Session, type SessionSettings } from './session.js'

const isolations: ReadonlySet<string> = new Set(['read committed', 'repeatable read', 'serializable'])
const usualBatch = 100
const largestBatch = 10_000
/** The protocol counts them in 16 bits (PostgreSQL documentation, "Message Formats", Bind). */
const mostValues = 65_535

/** The database as one call sees it. */
export class CallDatabase implements Database {
  readonly #pool: Pool<Connection>
  readonly #call: ServiceCall
  readonly #settings: SessionSettings

  constructor(pool: Pool<Connection>, call: ServiceCall, settings: SessionSettings) {
    this.#pool = pool
    this.#call = call
    this.#settings = settings
  }

  async query<Each = Row>(statement: string | Query, values?: readonly unknown[]): Promise<Rows<Each>> {
    const { text, values: bound } = readQuery(statement, values)
    try {
      return rowsOf<Each>(await this.#ask(text, bound))
    } catch (error) {
      // A connection may have died while it lay idle. The other ones are checked by now.
      if (!this.#call.repeatable || !isLoss(error)) throw error
      return rowsOf<Each>(await this.#ask(text, bound))
    }
  }

  async *stream<Each = Row>(
    statement: string | Query,
    values?: readonly unknown[],
    options: StreamOptions = {},
  ): AsyncGenerator<Each, void, undefined> {
    const { text, values: bound } = readQuery(statement, values)
    const batch = readBatch(options)
    const session = await Session.open(this.#pool, this.#call, this.#settings)
    try {
      await session.begin('read only')
      yield* session.rows(text, bound, batch) as AsyncGenerator<Each, void, undefined>
      await session.commit()
    } finally {
      await session.end()
    }
  }

  async transaction<Value>(
    work: (transaction: Queries) => Promise<Value>,
    options: TransactionOptions = {},
  ): Promise<Value> {
    const how = readTransaction(options)
    const { signal } = this.#call
    let leave: () => void = () => undefined
    const left = new Promise<never>((_resolve, reject) => {
      leave = () => reject(signal.reason)
    })
    left.catch(() => undefined)
    const session = await Session.open(this.#pool, this.#call, this.#settings, () => leave())
    try {
      await session.begin(how)
      // Work that does not listen to its signal would hold locks although nobody waits for it.
      const value = await Promise.race([work(new Transaction(session)), left])
      await session.commit()
      return value
    } finally {
      await session.end()
    }
  }

  async #ask(text: string, values: readonly unknown[]): Promise<QueryResult> {
    const session = await Session.open(this.#pool, this.#call, this.#settings)
    try {
      return await session.query(text, values)
    } finally {
      await session.end()
    }
  }

  usage(): PoolUsage {
    return this.#pool.usage()
  }
}

class Transaction implements Queries {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  async query<Each = Row>(statement: string | Query, values?: readonly unknown[]): Promise<Rows<Each>> {
    const { text, values: bound } = readQuery(statement, values)
    return rowsOf<Each>(await this.#session.query(text, bound))
  }

  async *stream<Each = Row>(
    statement: string | Query,
    values?: readonly unknown[],
    options: StreamOptions = {},
  ): AsyncGenerator<Each, void, undefined> {
    const { text, values: bound } = readQuery(statement, values)
    yield* this.#session.rows(text, bound, readBatch(options)) as AsyncGenerator<Each, void, undefined>
  }
}

function rowsOf<Each>({ fields, rows, rowCount }: QueryResult): Rows<Each> {
  const columns = fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }))
  return { columns, rows: rows as Each[], rowCount: rowCount ?? 0 }
}

function readQuery(
  statement: string | Query,
  values: readonly unknown[] | undefined,
): { readonly text: string; readonly values: readonly unknown[] } {
  const read = typeof statement === 'string' ? { text: statement, values } : statement
  if (typeof read?.text !== 'string' || (read.values !== undefined && !Array.isArray(read.values))) {
    throw new TypeError('A statement must be a text and a list of values, or what sql`…` makes.')
  }
  if (typeof statement !== 'string' && values !== undefined) {
    throw new TypeError('A statement that has its values with it takes no others.')
  }
  // Either would be a message that the server cannot read, and would cost the connection.
  if (read.text.includes('\0')) throw new TypeError('A statement cannot contain the character NUL.')
  const { text, values: bound = [] } = read
  if (bound.length > mostValues) {
    throw new TypeError(
      `A statement takes at most ${mostValues} values, received ${bound.length}; bind a list.`,
    )
  }
  return { text, values: bound }
}

function readBatch({ batch = usualBatch }: StreamOptions): number {
  if (Number.isSafeInteger(batch) && batch >= 1 && batch <= largestBatch) return batch
  throw new TypeError(`"batch" must be a whole number from 1 to ${largestBatch}, received ${shown(batch)}.`)
}

function readTransaction({ readOnly = false, isolation }: TransactionOptions): string {
  if (isolation !== undefined && !isolations.has(isolation)) {
    throw new TypeError(
      `"isolation" must be one of ${[...isolations].join(', ')}, received ${shown(isolation)}.`,
    )
  }
  const level = isolation === undefined ? '' : `isolation level ${isolation} `
  return `${level}${readOnly ? 'read only' : 'read write'}`
}
