/** What separates cells in files that call themselves CSV. Of two that fit equally, the earlier is taken. */
const delimiters = [',', ';', '\t', '|'] as const
export type Delimiter = (typeof delimiters)[number]

interface Reading {
  /** Cells of each record that is not empty. */
  readonly counts: readonly number[]
  /** Quotes that neither begin nor end a cell: a sign that cells are separated otherwise. */
  readonly strayQuotes: number
}

/** How a text reads if `delimiter` separates its cells, with quotes as in RFC 4180. */
function readingOf(text: string, delimiter: Delimiter, complete: boolean): Reading {
  const counts: number[] = []
  let strayQuotes = 0
  let cells = 1
  let atCellStart = true
  let empty = true
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (quoted) {
      if (character !== '"') continue
      const next = text[at + 1]
      if (next === '"') at += 1
      else {
        quoted = false
        if (next !== delimiter && next !== '\n' && next !== '\r' && next !== undefined) strayQuotes += 1
      }
    } else if (character === '\n' || character === '\r') {
      if (!empty) counts.push(cells)
      cells = 1
      atCellStart = true
      empty = true
    } else {
      empty = false
      if (character === delimiter) cells += 1
      else if (character === '"') {
        if (atCellStart) quoted = true
        else strayQuotes += 1
      }
      atCellStart = character === delimiter
    }
  }
  if (!empty && (complete || counts.length === 0)) counts.push(cells)
  return { counts, strayQuotes: strayQuotes + (quoted && complete ? 1 : 0) }
}

/**
 * The delimiter under which the most records have as many cells as the first; of several the one with the fewest stray quotes, then
 * the one with the most cells. Undefined when the first record has one cell whichever it is.
 * @param complete whether the text is the whole file, and its last line therefore whole
 */
export function detectDelimiter(text: string, complete: boolean): Delimiter | undefined {
  const fits = delimiters.flatMap((delimiter) => {
    const { counts, strayQuotes } = readingOf(text, delimiter, complete)
    const cells = counts[0] ?? 1
    const share = counts.filter((count) => count === cells).length / counts.length
    return cells === 1 ? [] : [{ delimiter, share, strayQuotes, cells }]
  })
  fits.sort((a, b) => b.share - a.share || a.strayQuotes - b.strayQuotes || b.cells - a.cells)
  return fits[0]?.delimiter
}
