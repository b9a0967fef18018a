import type { Json } from './json-value.js'
import { QueryRefusal } from './refusal.js'

export type Row = Record<string, Json>

export interface RowLimits {
  /** Rows returned at most. */
  readonly rows: number
  /** Size of the rows as JSON text, in bytes, at most. */
  readonly bytes: number
}

/** The rows of one answer, until there are too many or they are too large. */
export class BoundedRows {
  readonly rows: Row[] = []
  readonly #limits: RowLimits
  #bytes = 0
  #truncatedBy: 'rows' | 'bytes' | undefined

  constructor(limits: RowLimits) {
    this.#limits = limits
  }

  /** Why there are no more rows than these; undefined: because these are all. */
  get truncatedBy(): 'rows' | 'bytes' | undefined {
    return this.#truncatedBy
  }

  /**
   * Takes a row, made only when there is room for one more; false: it was one too many.
   * @throws {QueryRefusal} `result_too_large` when the first row does not fit
   */
  add(make: () => Row): boolean {
    const { rows, bytes } = this.#limits
    if (this.rows.length === rows) {
      this.#truncatedBy = 'rows'
      return false
    }
    const row = make()
    this.#bytes += Buffer.byteLength(JSON.stringify(row)) + 1
    if (this.#bytes > bytes) {
      if (this.rows.length > 0) {
        this.#truncatedBy = 'bytes'
        return false
      }
      throw new QueryRefusal(
        'result_too_large',
        `One row has more than ${bytes} bytes.`,
        'Select fewer columns, or cut long values with left(value, 200).',
      )
    }
    this.rows.push(row)
    return true
  }
}
