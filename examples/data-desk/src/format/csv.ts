import {
  BoundedText,
  type Cell,
  cellOf,
  cellText,
  columnsOf,
  type FormatRow,
  type Formatted,
} from './cells.js'

/**
 * Text that a spreadsheet would run as a formula: OWASP's list of first characters, behind white space too.
 * Numbers are left alone, also negative ones and those written as text.
 */
function isFormula(cell: Cell, text: string): boolean {
  if (typeof cell === 'number' || typeof cell === 'boolean') return false
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) return false
  return /^(?:\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r])/.test(text)
}

function field(cell: Cell, guarded: { cells: number }): string {
  let text = cellText(cell)
  if (isFormula(cell, text)) {
    guarded.cells += 1
    text = `'${text}`
  }
  // An empty text is quoted, so that it can be told from a missing value.
  const quoted = /[",\r\n]|^\s|\s$/.test(text) || (text === '' && cell === '')
  return quoted ? `"${text.replaceAll('"', '""')}"` : text
}

/**
 * Writes lines of RFC 4180: CRLF line ends, quotes doubled inside quoted fields; formulas are disarmed by a quote mark, which `notes`
 * tells.
 */
export class CsvLines {
  readonly #guarded = { cells: 0 }

  line(cells: readonly Cell[]): string {
    const fields = cells.map((cell) => field(cell, this.#guarded))
    // A single empty field would be an empty line, which readers skip.
    return `${fields.length === 1 && fields[0] === '' ? '""' : fields.join(',')}\r\n`
  }

  get notes(): string[] {
    const { cells } = this.#guarded
    return cells === 0
      ? []
      : [`${cells} cells that a spreadsheet would run as a formula begin with an apostrophe (').`]
  }
}

/** A header line and a line for each row, as {@link CsvLines} writes them. */
export function formatCsv(rows: readonly FormatRow[], maxBytes: number): Formatted {
  const columns = columnsOf(rows)
  const lines = new CsvLines()
  const out = new BoundedText(maxBytes)
  if (columns.length > 0) out.add(lines.line(columns))
  for (const row of rows) out.add(lines.line(columns.map((column) => cellOf(row, column))))
  return { text: out.toString(), notes: lines.notes }
}
