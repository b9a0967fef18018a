/** What one import, and all of them together, may take. */
export interface ImportLimits {
  /** Of one file, in bytes as they are after decompression. Default: 10 MB. */
  readonly bytes: number
  /** Of one file, without its header. Default: 200,000. */
  readonly rows: number
  /** Of one file. Default: 200. */
  readonly columns: number
  /** Characters of one cell. Default: 65,536. */
  readonly cellCharacters: number
  /** How long one import may take, in ms. Default: 60,000. */
  readonly durationMs: number
  /** How long a table is kept, in ms. Default: an hour. */
  readonly lifetimeMs: number
  /** Tables that one caller has at a time. Default: 5. */
  readonly tablesPerCaller: number
  /** Tables of all callers together. Default: 50. */
  readonly tables: number
  /** Imports that run at once, one of each caller at most. Default: 3. */
  readonly running: number
}

export const importLimits: ImportLimits = {
  bytes: 10_000_000,
  rows: 200_000,
  columns: 200,
  cellCharacters: 65_536,
  durationMs: 60_000,
  lifetimeMs: 3_600_000,
  tablesPerCaller: 5,
  tables: 50,
  running: 3,
}
