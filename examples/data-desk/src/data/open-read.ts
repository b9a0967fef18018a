import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api'
import type { BoundedStatement, ResultColumn } from './bounded-columns.js'
import type { Connections } from './connection-pool.js'
import { QueryRefusal } from './refusal.js'
import { toSqlRefusal } from './sql-error.js'

/** Makes the statement on the connection that it will run on. */
export type Prepare = (connection: DuckDBConnection) => Promise<BoundedStatement>

/** A read that runs: its rows come when they are asked for. It holds its connection until it is closed or stopped. */
export interface OpenRead {
  readonly columns: readonly ResultColumn[]
  /** The next rows, about two thousand; undefined after the last. @throws {QueryRefusal} */
  next(): Promise<DuckDBDataChunk | undefined>
  /** Ends it, wherever it is. Resolves when its connection is free, or when it was given up. It never rejects. */
  close(): Promise<void>
}

/** How long an interrupted statement is waited for before its caller is answered without it, in ms. */
const graceMs = 1000

/** Leaves no transaction behind, whatever the statement did to it. */
async function rollback(connection: DuckDBConnection): Promise<void> {
  try {
    await connection.run('ROLLBACK')
  } catch {
    // After an error that ended the transaction there is nothing to roll back.
  }
}

function toRefusal(error: unknown): unknown {
  return error instanceof QueryRefusal || !(error instanceof Error) ? error : toSqlRefusal(error.message)
}

/**
 * Begins one prepared read on a connection of its own, inside a read-only transaction.
 *
 * The time limit and the caller's signal interrupt the statement; the connection is used again once it has
 * stopped. A statement that does not stop (DuckDB looks for the interrupt between function calls, not in one) keeps its
 * connection, while its caller is answered a second later.
 *
 * @param timeoutMs from now until it must have been read to its end
 * @throws {QueryRefusal} with what `prepare` or DuckDB said, or `query_timeout`, `cancelled`, `desk_busy`.
 */
export async function openRead(
  connections: Connections,
  prepare: Prepare,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<OpenRead> {
  const connection = await connections.acquire(signal)
  let prepared: BoundedStatement | undefined
  let last: Promise<unknown> = Promise.resolve()
  let ending: Promise<void> | undefined
  let stopped: QueryRefusal | undefined
  let interrupts: NodeJS.Timeout | undefined
  let giveUp: (reason: QueryRefusal) => void = () => {}
  const abandoned = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  // Who is not waiting when it is given up hears of it at the next step.
  abandoned.catch(() => {})
  const stop = (reason: QueryRefusal): void => {
    if (stopped !== undefined) return
    stopped = reason
    const asked = performance.now()
    connection.interrupt()
    // An interrupt that falls between two of our statements is forgotten by DuckDB, so it is repeated.
    interrupts = setInterval(() => {
      connection.interrupt()
      if (performance.now() - asked > graceMs) giveUp(reason)
    }, 50)
    // Whoever takes no more rows may never say so.
    void close()
  }
  const onAbort = (): void => stop(new QueryRefusal('cancelled', 'The call was cancelled.'))
  const timer = setTimeout(
    () =>
      stop(
        new QueryRefusal(
          'query_timeout',
          `The query ran longer than ${timeoutMs / 1000} s and was stopped.`,
          'Filter or aggregate earlier, or ask for fewer rows.',
        ),
      ),
    timeoutMs,
  )
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()

  async function step<T>(work: () => Promise<T>): Promise<T> {
    if (stopped !== undefined) throw stopped
    const running = work()
    // When the caller has been answered without it, how the statement ends is nobody's error.
    last = running.catch(() => {})
    try {
      return await Promise.race([running, abandoned])
    } catch (error) {
      throw stopped ?? toRefusal(error)
    }
  }
  async function end(): Promise<void> {
    await last
    clearTimeout(timer)
    clearInterval(interrupts)
    signal?.removeEventListener('abort', onAbort)
    prepared?.statement.destroySync()
    await rollback(connection)
    connections.release(connection)
  }
  function close(): Promise<void> {
    ending ??= end()
    return Promise.race([ending, abandoned]).catch(() => {})
  }

  try {
    const { result, columns } = await step(async () => {
      await connection.run('BEGIN TRANSACTION READ ONLY')
      prepared = await prepare(connection)
      if (stopped !== undefined) throw stopped
      return { result: await prepared.statement.stream(), columns: prepared.columns }
    })
    return {
      columns,
      close,
      next: () =>
        step(async () => {
          const chunk = await result.fetchChunk()
          return chunk === null || chunk.rowCount === 0 ? undefined : chunk
        }),
    }
  } catch (error) {
    await close()
    throw error
  }
}
