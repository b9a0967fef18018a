import { cleanText } from 'holdfast/security'

/** Longest name of a column, in characters. */
const maxCharacters = 100

/**
 * Names for a table's columns from the header of a file: hidden characters are gone, white space is one space, a name that
 * is missing becomes `column2`, and of equal names (to DuckDB `ID` and `id` are) the later get `_2`, `_3`...
 */
export function columnNames(header: readonly string[]): string[] {
  const taken = new Set<string>()
  return header.map((cell, index) => {
    const visible = cleanText(cell).text.replace(/\s+/g, ' ').trim()
    const wanted = Array.from(visible).slice(0, maxCharacters).join('').trim() || `column${index + 1}`
    let name = wanted
    for (let n = 2; taken.has(name.toLowerCase()); n += 1) name = `${wanted}_${n}`
    taken.add(name.toLowerCase())
    return name
  })
}
