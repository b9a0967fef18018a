import { type Cell, maxColumns, TooManyColumns } from './cells.js'
import { CsvLines } from './csv.js'

/** The formats that rows are written in one after another, without holding them all. */
export const lineFormats = ['csv', 'ndjson'] as const
export type LineFormat = (typeof lineFormats)[number]

export const lineMediaTypes: Readonly<Record<LineFormat, string>> = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
}

/** Writes a document row by row. */
export interface RowLines {
  /** What stands before the rows. */
  readonly head: string
  row(cells: readonly Cell[]): string
  /** Sentences about what was changed on the way so far. */
  readonly notes: readonly string[]
}

/** @throws {TooManyColumns} when no table could hold them */
export function rowLines(format: LineFormat, columns: readonly string[]): RowLines {
  if (columns.length > maxColumns) throw new TooManyColumns(columns.length)
  if (format === 'csv') {
    const lines = new CsvLines()
    return {
      head: lines.line(columns),
      row: (cells) => lines.line(cells),
      get notes() {
        return lines.notes
      },
    }
  }
  // Written member by member: an object would bring columns called by numbers to the front, and has no "__proto__".
  const keys = columns.map((column) => `${JSON.stringify(column)}:`)
  return {
    head: '',
    row: (cells) => `{${keys.map((key, at) => key + JSON.stringify(cells[at] ?? null)).join(',')}}\n`,
    notes: [],
  }
}
