import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api'
import type { BoundedStatement, ResultColumn } from './bounded-columns.js'
import { BoundedRows, type Row, type RowLimits } from './bounded-rows.js'
import type { Connections } from './connection-pool.js'
import { type CutCount, parseJsonText, toJson } from './json-value.js'
import { QueryRefusal } from './refusal.js'
import { toSqlRefusal } from './sql-error.js'

export type { Row }

export interface QueryLimits extends RowLimits {
  /** How long the statement may run, in ms. */
  readonly timeoutMs: number
}

export interface QueryResult {
  readonly columns: { name: string; type: string }[]
  readonly rows: Row[]
  readonly truncatedBy: 'rows' | 'bytes' | undefined
  /** Cells whose text, list or blob was cut. */
  readonly cutCells: number
}

/** How long an interrupted statement is waited for before its caller is answered without it, in ms. */
const graceMs = 1000

async function readRows(
  result: DuckDBResult,
  resultColumns: readonly ResultColumn[],
  limits: QueryLimits,
): Promise<QueryResult> {
  const columns = resultColumns.map(({ name, type }) => ({ name, type }))
  const cut: CutCount = { cells: 0 }
  const bounded = new BoundedRows(limits)
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) break
    for (let index = 0; index < chunk.rowCount; index += 1) {
      const values = (): Row =>
        Object.fromEntries(
          chunk.getRowValues(index).map((value, at) => {
            const column = resultColumns[at]
            return [
              column?.name ?? `column${at}`,
              column?.isJson === true ? parseJsonText(value, cut) : toJson(value, cut),
            ]
          }),
        )
      if (!bounded.add(values)) return answerOf(columns, bounded, cut)
    }
  }
  return answerOf(columns, bounded, cut)
}

function answerOf(
  columns: QueryResult['columns'],
  { rows, truncatedBy }: BoundedRows,
  cut: CutCount,
): QueryResult {
  return { columns, rows, truncatedBy, cutCells: cut.cells }
}

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
 * Runs one prepared read on a connection of its own, inside a read-only transaction.
 *
 * The time limit and the caller's signal interrupt the statement; the connection is used again once it has
 * stopped. A statement that does not stop (DuckDB looks for the interrupt between function calls, not in one) keeps its
 * connection, while its caller is answered a second later.
 *
 * @throws {QueryRefusal} with what `prepare` or DuckDB said, or `query_timeout`, `cancelled`, `desk_busy`, `result_too_large`.
 */
export async function runQuery(
  connections: Connections,
  prepare: (connection: DuckDBConnection) => Promise<BoundedStatement>,
  limits: QueryLimits,
  signal?: AbortSignal,
): Promise<QueryResult> {
  const connection = await connections.acquire(signal)
  let stopped: QueryRefusal | undefined
  let giveUp: (reason: QueryRefusal) => void = () => {}
  let interrupts: NodeJS.Timeout | undefined
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
  }
  const onAbort = (): void => stop(new QueryRefusal('cancelled', 'The call was cancelled.'))
  const timer = setTimeout(
    () =>
      stop(
        new QueryRefusal(
          'query_timeout',
          `The query ran longer than ${limits.timeoutMs / 1000} s and was stopped.`,
          'Filter or aggregate earlier, or ask for fewer rows.',
        ),
      ),
    limits.timeoutMs,
  )
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()

  const work = async (): Promise<QueryResult> => {
    let prepared: BoundedStatement | undefined
    try {
      await connection.run('BEGIN TRANSACTION READ ONLY')
      prepared = await prepare(connection)
      if (stopped !== undefined) throw stopped
      return await readRows(await prepared.statement.stream(), prepared.columns, limits)
    } catch (error) {
      throw stopped ?? toRefusal(error)
    } finally {
      clearTimeout(timer)
      clearInterval(interrupts)
      signal?.removeEventListener('abort', onAbort)
      prepared?.statement.destroySync()
      await rollback(connection)
      connections.release(connection)
    }
  }
  const abandoned = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  const running = work()
  // When the caller has been answered without it, how the statement ends is nobody's error.
  running.catch(() => {})
  return Promise.race([running, abandoned])
}
