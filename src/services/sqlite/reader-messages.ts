import type { Cell, Statement } from './statement.js'

/** What a process opens, said to it once, before anything else. */
export interface Setup {
  readonly file: string
  /** Tried in this order. */
  readonly drivers: readonly DriverName[]
  readonly writes: boolean
  readonly busyMs: number
  /** What SQLite may allocate in the process; only some drivers count it. */
  readonly heapBytes: number
}

export type DriverName = 'node' | 'better-sqlite3' | 'libsql'

/** How much one answer may hold, so that neither side has more than one such portion in hand. */
export interface Portion {
  readonly rows: number
  readonly bytes: number
}

export type Question =
  | { readonly ask: 'begin'; readonly setup: Setup }
  | {
      readonly ask: 'run'
      readonly statement: Statement
      readonly portion: Portion
      /** A row with more is refused, before it is sent. */
      readonly rowBytes: number
    }
  /** The rows that follow. */
  | { readonly ask: 'more' }
  /** No more rows are wanted. */
  | { readonly ask: 'stop' }
  /** Close the file and end. */
  | { readonly ask: 'end' }

export type Answer =
  | { readonly is: 'ready'; readonly driver: DriverName; readonly version: string }
  | {
      readonly is: 'rows'
      /** With the first answer only. */
      readonly columns?: readonly string[]
      readonly rows: readonly (readonly Cell[])[]
      readonly bytes: number
      readonly isLast: boolean
      readonly changes?: number
      readonly lastInsertId?: number | bigint
    }
  | { readonly is: 'stopped' }
  | { readonly is: 'failed'; readonly message: string; readonly code: string }

/** The code of a row that is larger than it may be. */
export const rowTooLarge = 'ROW_TOO_LARGE'
/** The code of a start without any of the drivers. */
export const noDriver = 'NO_DRIVER'
