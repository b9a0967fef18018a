import type { DuckDBDataChunk, DuckDBPreparedStatement, DuckDBResult } from '@duckdb/node-api'
import type { Pool } from '../../concurrency/pool/pool.js'
import type { ServiceCall } from '../../contracts/service.js'
import { ToolError } from '../../errors/tool-error.js'
import type { SqlQuery } from '../../security/sql-guard/sql-tag.js'
import { rowLimit } from '../row-limit.js'
import type { Database } from './database.js'
import { DuckdbError } from './duckdb-error.js'
import type { DuckdbSettings } from './duckdb-options.js'
import { rowSizes } from './row-size.js'
import { type Lane, Session } from './session.js'
import { bindable, cellReader, type DuckdbCell, type DuckdbValues } from './values.js'

export type DuckdbRow = Record<string, DuckdbCell>

/** How long rows are made of what DuckDB has, before others have their turn; milliseconds. */
const sliceMs = 5

/** What a handler finds as its service: all of it ends with the call, and then the statement in DuckDB is interrupted. */
export interface Duckdb {
  /**
   * All rows of one SELECT, as objects.
   * @param statement text, or what the tag `sql` of `holdfast/security` makes, which has its values with it
   * @throws DuckdbError for what DuckDB, or the guard, has against it; ToolError `result_too_large`, `pool_exhausted`,
   * `backend_unavailable`; TypeError for values that cannot be bound
   */
  query<Row = DuckdbRow>(
    statement: string | SqlQuery,
    values?: DuckdbValues,
    limits?: { readonly maxRows?: number },
  ): Promise<Row[]>
  /**
   * Row by row, as many as there are: DuckDB computes about as far as they are taken. A connection is held until the loop
   * ends, in whichever way. @throws as `query` does, at the first row
   */
  stream<Row = DuckdbRow>(
    statement: string | SqlQuery,
    values?: DuckdbValues,
  ): AsyncGenerator<Row, void, undefined>
}

/** With `readOnly: false`. */
export interface WritableDuckdb extends Duckdb {
  /** Runs one INSERT, UPDATE, DELETE, MERGE, CREATE, ALTER, DROP or ANALYZE by itself. An interrupted one has changed nothing. */
  execute(statement: string | SqlQuery, values?: DuckdbValues): Promise<{ readonly changes: number }>
}

export interface OpenDuckdb {
  readonly settings: DuckdbSettings
  readonly database: Database
  readonly pool: Pool<Lane>
}

/** The service as one call sees it. */
export function duckdbFor({ settings, database, pool }: OpenDuckdb, call: ServiceCall): WritableDuckdb {
  const { name, maxRows, maxBytes } = settings
  const { api } = database
  const { SELECT, EXPLAIN, INSERT, UPDATE, DELETE, MERGE_INTO, CREATE, ALTER, DROP, ANALYZE } =
    api.StatementType
  const reads: ReadonlySet<number> = new Set([SELECT, EXPLAIN])
  const writes: ReadonlySet<number> = new Set([
    INSERT,
    UPDATE,
    DELETE,
    MERGE_INTO,
    CREATE,
    ALTER,
    DROP,
    ANALYZE,
  ])
  const cellOf = cellReader(api)
  const rowBytes = rowSizes(api)

  /** Prepared, because that takes one statement, and says of which kind it is before it runs. */
  async function prepare(
    session: Session,
    given: string | SqlQuery,
    values: DuckdbValues | undefined,
    allowed: ReadonlySet<number>,
  ): Promise<DuckDBPreparedStatement> {
    const isTagged = typeof given === 'object' && given !== null && Array.isArray(given.values)
    const text = isTagged ? given.text : given
    if (typeof text !== 'string') {
      throw new TypeError('A statement must be text or what the tag sql of holdfast/security makes.')
    }
    if (isTagged && values !== undefined) {
      throw new TypeError('A statement made by the tag sql has its values with it; give no others.')
    }
    const bound = bindable(api, isTagged ? (given.values as DuckdbValues) : (values ?? []))
    call.noteQuery(text)
    const prepared = await session.do((connection) => connection.prepare(text).catch(wrapped))
    session.whenQuiet(() => prepared.destroySync())
    if (!allowed.has(prepared.statementType)) {
      const kinds = [...allowed].map((kind) => api.StatementType[kind]).join(', ')
      throw new DuckdbError(
        `A statement of the kind ${api.StatementType[prepared.statementType]} is not allowed here; use one of ${kinds}.`,
      )
    }
    if (Array.isArray(bound) && bound.length !== prepared.parameterCount) {
      throw new TypeError(`The statement takes ${prepared.parameterCount} values, received ${bound.length}.`)
    }
    prepared.bind(bound)
    return prepared
  }

  async function* rowsOf(
    given: string | SqlQuery,
    values: DuckdbValues | undefined,
  ): AsyncGenerator<{ readonly row: DuckdbRow; readonly bytes: number }, void, undefined> {
    const session = await Session.on(pool, call)
    try {
      await session.do((connection) => connection.run('BEGIN TRANSACTION READ ONLY'))
      const statement = await prepare(session, given, values, reads)
      const result = await session.do(() => statement.stream().catch(wrapped))
      const columns = result.deduplicatedColumnNames()
      for (let chunk = await next(session, result); chunk !== null; chunk = await next(session, result)) {
        yield* rowsOfChunk(chunk, columns)
      }
    } finally {
      await leave(session)
    }
  }

  async function* rowsOfChunk(
    chunk: DuckDBDataChunk,
    columns: readonly string[],
  ): AsyncGenerator<{ readonly row: DuckdbRow; readonly bytes: number }, void, undefined> {
    let began = performance.now()
    for (let index = 0; index < chunk.rowCount; index += 1) {
      call.signal.throwIfAborted()
      const bytes = rowBytes(chunk, index, maxBytes)
      if (bytes > maxBytes) throw refusal(`A row of the result of "${name}"`, maxBytes, 'bytes')
      const cells = chunk.getRowValues(index)
      yield {
        row: Object.fromEntries(columns.map((column, at) => [column, cellOf(cells[at] ?? null)])),
        bytes,
      }
      if (performance.now() - began < sliceMs) continue
      await new Promise((resolve) => setImmediate(resolve))
      began = performance.now()
    }
  }

  /** Waits for a statement that still runs only as long as the call lasts. */
  async function leave(session: Session): Promise<void> {
    const closed = session.close()
    if (!call.signal.aborted) await closed
  }

  return {
    async query<Row>(
      statement: string | SqlQuery,
      values?: DuckdbValues,
      limited: { readonly maxRows?: number } = {},
    ) {
      const most = rowLimit(limited.maxRows, maxRows)
      const rows: DuckdbRow[] = []
      let size = 0
      for await (const { row, bytes } of rowsOf(statement, values)) {
        if (rows.length === most) throw refusal(`The result of "${name}"`, most, 'rows')
        size += bytes
        if (size > maxBytes) throw refusal(`The result of "${name}"`, maxBytes, 'bytes')
        rows.push(row)
      }
      return rows as Row[]
    },
    async *stream<Row>(statement: string | SqlQuery, values?: DuckdbValues) {
      for await (const { row } of rowsOf(statement, values)) yield row as Row
    },
    async execute(given, values) {
      if (!settings.writes) {
        throw new TypeError(`"${name}" is read only; give it \`readOnly: false\` to write.`)
      }
      const session = await Session.on(pool, call)
      try {
        const statement = await prepare(session, given, values, writes)
        const result = await session.do(() => statement.run().catch(wrapped))
        return { changes: result.rowsChanged }
      } finally {
        await leave(session)
      }
    },
  }
}

async function next(session: Session, result: DuckDBResult): Promise<DuckDBDataChunk | null> {
  const chunk = await session.do(() => result.fetchChunk().catch(wrapped))
  return chunk === null || chunk.rowCount === 0 ? null : chunk
}

/** What the driver throws is a bare Error; whatever else comes here is of the call. */
function wrapped(error: unknown): never {
  if (error instanceof Error && Object.getPrototypeOf(error) === Error.prototype) {
    throw new DuckdbError(error.message, { cause: error })
  }
  throw error
}

function refusal(what: string, limit: number, unit: 'rows' | 'bytes'): ToolError {
  return new ToolError('result_too_large', {
    message: `${what} has more than ${limit} ${unit}.`,
    hint: 'Filter or aggregate, select fewer columns, use LIMIT, or read it as a stream.',
    data: { limit, unit },
  })
}
