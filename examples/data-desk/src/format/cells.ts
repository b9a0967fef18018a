export type Cell = unknown
export type FormatRow = Readonly<Record<string, Cell>>

/** More columns than this make no readable table. */
export const maxColumns = 500

/** The columns of a set of rows: every key, in the order of first appearance. */
export function columnsOf(rows: readonly FormatRow[]): string[] {
  const columns = new Set<string>()
  for (const row of rows) for (const key of Object.keys(row)) columns.add(key)
  return [...columns]
}

/** A row's own value; a column named like a member of Object.prototype is not found on rows that lack it. */
export function cellOf(row: FormatRow, column: string): Cell {
  return Object.hasOwn(row, column) ? row[column] : null
}

/** A cell as text: nothing for null, JSON for what is nested. */
export function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return ''
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
}

/** What the formats report beside their text. */
export interface Formatted {
  readonly text: string
  /** Sentences about what was changed on the way, empty when nothing was. */
  readonly notes: string[]
}

/** Collects lines up to a size in bytes, and says when that is passed. */
export class BoundedText {
  readonly #parts: string[] = []
  readonly #limit: number
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Throws {@link FormatTooLarge} when the text would pass its limit. */
  add(part: string): void {
    this.#bytes += Buffer.byteLength(part)
    if (this.#bytes > this.#limit) throw new FormatTooLarge(this.#limit)
    this.#parts.push(part)
  }

  toString(): string {
    return this.#parts.join('')
  }
}

export class FormatTooLarge extends Error {
  constructor(limit: number) {
    super(`The formatted text would have more than ${limit} bytes.`)
    this.name = 'FormatTooLarge'
  }
}

export class TooManyColumns extends Error {
  constructor(columns: number) {
    super(`The rows have ${columns} different columns; ${maxColumns} are allowed.`)
    this.name = 'TooManyColumns'
  }
}
