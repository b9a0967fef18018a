import type { ColumnInfo } from './describe.js'

/** What of a column's values a profile can work on: numbers, moments (ms since 1970, UTC), texts, or nothing. */
export type ValueKind = 'number' | 'time' | 'text' | 'nested'

export type SampledColumn = ColumnInfo &
  (
    | {
        readonly kind: 'number' | 'time'
        /** In shared memory, so that a thread reads them where they are. NaN: no value, or none that is finite. */
        readonly values: Float64Array
      }
    | {
        readonly kind: 'text'
        /** Places in `texts`, in shared memory; {@link missingText} and {@link otherText} for what is not there. */
        readonly codes: Int32Array
        readonly texts: readonly string[]
      }
    | { readonly kind: 'nested' }
  )

export interface ColumnSample {
  /** Rows of the dataset. */
  readonly totalRows: number
  /** Rows in the sample: all of them, or as many drawn at random. */
  readonly rows: number
  readonly columns: readonly SampledColumn[]
}

/** What a sample may hold. */
export interface SampleLimits {
  readonly rows: number
  /** Values of all columns together; of many columns fewer rows are drawn. */
  readonly cells: number
}

export const sampleLimits: SampleLimits = { rows: 200_000, cells: 4_000_000 }

/** No value. */
export const missingText = -1
/** A text that came when as many different ones as are kept had come before. */
export const otherText = -2

/** Different texts that are kept of one column, and characters of each. */
export const maxTexts = 20_000
export const maxTextLength = 80

/** Rows to draw, so that the sample stays within its limits. */
export function rowsToSample(totalRows: number, columns: number, { rows, cells }: SampleLimits): number {
  return Math.min(totalRows, rows, Math.max(1, Math.floor(cells / Math.max(1, columns))))
}

/** Collects the values of one column, as they come. */
export interface ColumnCollector {
  add(value: unknown): void
  column(): SampledColumn
}

/** Collects `rows` values at most: numbers, texts and null; anything else counts as no value. */
export function collectColumn(info: ColumnInfo, kind: ValueKind, rows: number): ColumnCollector {
  if (kind === 'nested') return { add() {}, column: () => ({ ...info, kind }) }
  if (kind === 'text') return collectTexts(info, rows)
  const values = new Float64Array(new SharedArrayBuffer(rows * Float64Array.BYTES_PER_ELEMENT))
  let count = 0
  return {
    add(value) {
      if (count === rows) return
      values[count] = typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN
      count += 1
    },
    column: () => ({ ...info, kind, values: values.subarray(0, count) }),
  }
}

function collectTexts(info: ColumnInfo, rows: number): ColumnCollector {
  const codes = new Int32Array(new SharedArrayBuffer(rows * Int32Array.BYTES_PER_ELEMENT))
  const places = new Map<string, number>()
  let count = 0
  const placeOf = (value: unknown): number => {
    if (typeof value !== 'string') return missingText
    const known = places.get(value)
    if (known !== undefined) return known
    if (places.size === maxTexts) return otherText
    places.set(value, places.size)
    return places.size - 1
  }
  return {
    add(value) {
      if (count === rows) return
      codes[count] = placeOf(value)
      count += 1
    },
    column: () => ({ ...info, kind: 'text', codes: codes.subarray(0, count), texts: [...places.keys()] }),
  }
}
