import type { Pool } from '../../concurrency/pool/pool.js'
import type { ServiceCall } from '../../contracts/service.js'
import type { SqlQuery } from '../../security/sql-guard/sql-tag.js'
import { rowLimit } from '../row-limit.js'
import { Cursor, type CursorLimits, resultRefusal, type SqliteRow } from './cursor.js'
import type { Reader } from './reader.js'
import type { SqliteSettings } from './sqlite-options.js'
import { type SqliteValues, statementOf } from './statement.js'

/** Rows and bytes that one message has at most, so that neither process is kept busy by it for long. */
const portion = { rows: 500, bytes: 256 * 1024 }

/** What a statement that changes data has done. */
export interface SqliteChanges<Row = SqliteRow> {
  readonly changes: number
  /** The rowid that was given last on this connection. */
  readonly lastInsertId: number | bigint
  /** What RETURNING returned. */
  readonly rows: Row[]
}

/** What a handler finds as its service: all of it ends with the call, and then the statement in the database has ended too. */
export interface Sqlite {
  /**
   * All rows of a SELECT, as objects. INTEGER is a number, and a bigint beyond 2^53; BLOB a Uint8Array.
   * @param statement text, or what the tag `sql` of `holdfast/security` makes, which has its values with it
   * @throws SqliteError for what SQLite or the guard has against it; ToolError `result_too_large`, `pool_exhausted`,
   * `backend_unavailable`; TypeError for values that SQLite does not have
   */
  query<Row = SqliteRow>(
    statement: string | SqlQuery,
    values?: SqliteValues,
    limits?: { readonly maxRows?: number },
  ): Promise<Row[]>
  /** The first row, or undefined. @throws as `query` does */
  get<Row = SqliteRow>(statement: string | SqlQuery, values?: SqliteValues): Promise<Row | undefined>
  /**
   * Row by row, as many as there are: the next 500 are asked for when those before are taken. A reader is held until the loop
   * ends, in whichever way. @throws as `query` does, at the first row
   */
  stream<Row = SqliteRow>(
    statement: string | SqlQuery,
    values?: SqliteValues,
  ): AsyncGenerator<Row, void, undefined>
}

/** With `readOnly: false`. */
export interface WritableSqlite extends Sqlite {
  /** Runs a statement that changes something. Who cannot wait for the one that writes is refused as for a reader. */
  execute<Row = SqliteRow>(statement: string | SqlQuery, values?: SqliteValues): Promise<SqliteChanges<Row>>
  /**
   * Runs `work` in a transaction: it is committed when `work` resolves, and undone when it rejects, when the call ends before, and
   * when the process dies. Nobody else writes meanwhile, so it must not wait for anything slow.
   */
  transaction<Value>(work: (transaction: SqliteTransaction) => Promise<Value>): Promise<Value>
}

export type SqliteTransaction = Pick<WritableSqlite, 'query' | 'get' | 'execute'>

export interface SqlitePools {
  readonly settings: SqliteSettings
  readonly readers: Pool<Reader>
  readonly writer: Pool<Reader> | undefined
}

interface Collected {
  readonly rows: SqliteRow[]
  readonly changes: number
  readonly lastInsertId: number | bigint
}

/** The service as one call sees it. */
export function sqliteFor({ settings, readers, writer }: SqlitePools, call: ServiceCall): WritableSqlite {
  const { name, maxRows, maxBytes } = settings
  const limits: CursorLimits = { portion, rowBytes: maxBytes }
  const read = (text: string | SqlQuery, values?: SqliteValues) => statementOf(text, values, 'read', maxBytes)
  const write = (text: string | SqlQuery, values?: SqliteValues) =>
    statementOf(text, values, 'write', maxBytes)

  async function collect(
    cursor: Cursor,
    statement: ReturnType<typeof read>,
    most: number = maxRows,
  ): Promise<Collected> {
    const rows: SqliteRow[] = []
    let bytes = 0
    // One more than is allowed tells that there are more.
    let next = await cursor.run(statement, { ...portion, rows: Math.min(portion.rows, most + 1) })
    for (;;) {
      for (const row of next.rows) rows.push(row)
      bytes += next.bytes
      if (rows.length > most) throw resultRefusal(name, most, 'rows')
      if (bytes > maxBytes) throw resultRefusal(name, maxBytes, 'bytes')
      if (next.isLast) return { rows, changes: next.changes, lastInsertId: next.lastInsertId }
      next = await cursor.more()
    }
  }

  async function first(cursor: Cursor, statement: ReturnType<typeof read>): Promise<SqliteRow | undefined> {
    // The second tells that the statement is over, which saves asking.
    const { rows } = await cursor.run(statement, { rows: 2, bytes: portion.bytes })
    return rows[0]
  }

  async function withReader<Value>(work: (cursor: Cursor) => Promise<Value>): Promise<Value> {
    const cursor = await Cursor.on(readers, call, limits)
    try {
      return await work(cursor)
    } finally {
      await cursor.close()
    }
  }

  function writing(): Promise<Cursor> {
    if (writer === undefined) {
      throw new TypeError(`"${name}" is read only; give it \`readOnly: false\` to write.`)
    }
    return Cursor.on(writer, call, limits, false)
  }

  return {
    async query<Row>(
      text: string | SqlQuery,
      values?: SqliteValues,
      limited: { readonly maxRows?: number } = {},
    ) {
      const most = rowLimit(limited.maxRows, maxRows)
      const statement = read(text, values)
      const { rows } = await withReader((cursor) => collect(cursor, statement, most))
      return rows as Row[]
    },
    async get<Row>(text: string | SqlQuery, values?: SqliteValues) {
      const statement = read(text, values)
      return (await withReader((cursor) => first(cursor, statement))) as Row | undefined
    },
    async *stream<Row>(text: string | SqlQuery, values?: SqliteValues) {
      const statement = read(text, values)
      const cursor = await Cursor.on(readers, call, limits)
      try {
        let next = await cursor.run(statement)
        for (;;) {
          yield* next.rows as Row[]
          if (next.isLast) return
          next = await cursor.more()
        }
      } finally {
        await cursor.close()
      }
    },
    async execute<Row>(text: string | SqlQuery, values?: SqliteValues) {
      const statement = write(text, values)
      const cursor = await writing()
      try {
        return (await collect(cursor, statement)) as SqliteChanges<Row>
      } finally {
        await cursor.close()
      }
    },
    async transaction(work) {
      const cursor = await writing()
      let isOpen = true
      const within = (): Cursor => {
        if (isOpen) return cursor
        throw new TypeError('The transaction is over; await everything within it.')
      }
      const command = (text: string) => cursor.run({ text, values: [], command: text })
      let last: Promise<unknown> = Promise.resolve()
      // A process answers one question at a time, and what is asked at once belongs to the transaction all the same.
      const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
        const turn = last.then(work)
        last = turn.catch(() => undefined)
        return turn
      }
      try {
        await command('BEGIN IMMEDIATE')
        const value = await work({
          query: async <Row>(text: string | SqlQuery, values?: SqliteValues) =>
            (await inTurn(() => collect(within(), read(text, values)))).rows as Row[],
          get: async <Row>(text: string | SqlQuery, values?: SqliteValues) =>
            (await inTurn(() => collect(within(), read(text, values)))).rows[0] as Row | undefined,
          execute: async <Row>(text: string | SqlQuery, values?: SqliteValues) =>
            (await inTurn(() => collect(within(), write(text, values)))) as SqliteChanges<Row>,
        })
        await last
        isOpen = false
        await command('COMMIT')
        await cursor.close()
        return value
      } catch (error) {
        await last
        isOpen = false
        // Its end undoes everything, whatever state it is in.
        await command('ROLLBACK').then(
          () => cursor.close(),
          () => cursor.destroy(),
        )
        throw error
      }
    },
  }
}
