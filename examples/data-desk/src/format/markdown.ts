import { BoundedText, cellOf, cellText, columnsOf, type FormatRow, type Formatted } from './cells.js'

const controls = /[\u0000-\u0008\u000B-\u001F\u007F]/g

/**
 * Text that stays text: pipes and line ends would break the table, HTML would be rendered, and a link or an image
 * from the data would be loaded by whoever displays it.
 */
function escapeCell(text: string): string {
  return text
    .replace(/[\\`*_[\]|~!#]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/\r\n|[\n\r\u2028\u2029]/g, '<br>')
    .replace(controls, '\uFFFD')
    .trim()
}

/** A GitHub-flavoured table; columns that hold only numbers are aligned to the right. */
export function formatMarkdown(rows: readonly FormatRow[], maxBytes: number): Formatted {
  const columns = columnsOf(rows)
  const out = new BoundedText(maxBytes)
  if (columns.length === 0) return { text: '', notes: [] }
  const isNumeric = columns.map((column) => {
    const values = rows
      .map((row) => cellOf(row, column))
      .filter((cell) => cell !== null && cell !== undefined)
    return values.length > 0 && values.every((cell) => typeof cell === 'number')
  })
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |\n`
  out.add(line(columns.map(escapeCell)))
  out.add(line(isNumeric.map((numeric) => (numeric ? '---:' : '---'))))
  for (const row of rows) out.add(line(columns.map((column) => escapeCell(cellText(cellOf(row, column))))))
  return { text: out.toString(), notes: [] }
}
