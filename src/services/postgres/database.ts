import type { PoolUsage } from '../../concurrency/pool/pool-usage.js'

/** A row as `pg` decodes it. `int8` and `numeric` are texts, because a number would lose digits. */
export type Row = Record<string, unknown>

/** One column of an answer. */
export interface Column {
  readonly name: string
  /** The type's OID in `pg_type`; those of built-in types are the same in every database. */
  readonly typeId: number
}

/** What one statement answered. */
export interface Rows<Each = Row> {
  /** Also when there are no rows. Two of one name are both here, while a row has the last of them. */
  readonly columns: readonly Column[]
  readonly rows: Each[]
  /** Rows that were selected, or changed; 0 where the statement has no such number. */
  readonly rowCount: number
}

/** A statement and its values; what the tag `sql` of `holdfast/security` makes is one. */
export interface Query {
  readonly text: string
  readonly values?: readonly unknown[]
}

export interface StreamOptions {
  /** Rows that are fetched at once, from 1 to 10,000. Default: 100. */
  readonly batch?: number
}

/** What takes statements: the database, or a transaction in it. */
export interface Queries {
  /**
   * Runs one statement; values are bound as `$1`, `$2`…
   * @throws ToolError `pool_exhausted`, `backend_unavailable` or `timed_out`; the signal's reason when the call ends; what the
   * database throws, as it is.
   */
  query<Each = Row>(statement: string | Query, values?: readonly unknown[]): Promise<Rows<Each>>
  /**
   * The rows of one SELECT, read in batches by a cursor of the server and only as fast as they are taken. The connection is held
   * until the loop ends. Outside of a transaction it is a read-only one of its own.
   */
  stream<Each = Row>(
    statement: string | Query,
    values?: readonly unknown[],
    options?: StreamOptions,
  ): AsyncGenerator<Each, void, undefined>
}

export interface TransactionOptions {
  /** The database refuses to write. Default: false. */
  readonly readOnly?: boolean
  /** Default: as the database is set up, which is mostly `read committed`. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
}

/** What a handler sees of a database: tied to its call, whose deadline and end reach every statement. */
export interface Database extends Queries {
  /**
   * Runs `work` in a transaction on one connection: committed when it returns, rolled back when it throws, and when the call ends.
   * @throws as `query`, what `work` throws, and an Error when a statement had failed in it and was not thrown on.
   */
  transaction<Value>(
    work: (transaction: Queries) => Promise<Value>,
    options?: TransactionOptions,
  ): Promise<Value>
  usage(): PoolUsage
}
