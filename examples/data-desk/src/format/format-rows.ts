import {
  columnsOf,
  type FormatRow,
  FormatTooLarge,
  type Formatted,
  maxColumns,
  TooManyColumns,
} from './cells.js'
import { formatCsv } from './csv.js'
import { formatMarkdown } from './markdown.js'
import { formatXml } from './xml.js'

export const formats = ['json', 'csv', 'xml', 'markdown'] as const
export type Format = (typeof formats)[number]

export const mediaTypes: Readonly<Record<Format, string>> = {
  json: 'application/json',
  csv: 'text/csv',
  xml: 'application/xml',
  markdown: 'text/markdown',
}

function formatJson(rows: readonly FormatRow[], maxBytes: number): Formatted {
  const text = `${JSON.stringify(rows, null, 2)}\n`
  if (Buffer.byteLength(text) > maxBytes) throw new FormatTooLarge(maxBytes)
  return { text, notes: [] }
}

const byFormat: Readonly<Record<Format, (rows: readonly FormatRow[], maxBytes: number) => Formatted>> = {
  json: formatJson,
  csv: formatCsv,
  xml: formatXml,
  markdown: formatMarkdown,
}

export interface FormattedRows extends Formatted {
  readonly columns: number
}

/**
 * Rows as text in one of the formats, at most `maxBytes` long.
 * @throws {FormatTooLarge} when the text would be longer, {@link TooManyColumns} when no table could hold them.
 */
export function formatRows(rows: readonly FormatRow[], format: Format, maxBytes: number): FormattedRows {
  // Before anything is written: a table of all columns by all rows can be far larger than the rows.
  const columns = columnsOf(rows).length
  if (columns > maxColumns) throw new TooManyColumns(columns)
  return { ...byFormat[format](rows, maxBytes), columns }
}
