import { BoundedText, type Cell, cellOf, columnsOf, type FormatRow, type Formatted } from './cells.js'

/** Deeper values are written as their JSON text. */
const maxDepth = 16

// XML 1.0 production [2]: everything else has no place in a document, not even escaped.
const illegal = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu
// Productions [4] and [4a], without the colon, which would make a namespace.
const nameStart =
  'A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}'
const notNameCharacter = new RegExp(`[^${nameStart}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F-\\u2040]`, 'gu')
const startsAsName = new RegExp(`^[${nameStart}]`, 'u')

interface Replaced {
  characters: number
}

function escapeXml(text: string, replaced: Replaced): string {
  return text
    .replace(illegal, () => {
      replaced.characters += 1
      return '\uFFFD'
    })
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')
}

/** Attribute values lose tabs and line ends to normalization unless they are written as references. */
function escapeAttribute(text: string, replaced: Replaced): string {
  return escapeXml(text, replaced).replaceAll('\t', '&#9;').replaceAll('\n', '&#10;')
}

/** An element's name, and the column's own name as an attribute where XML does not allow it as it is. */
function element(column: string, replaced: Replaced): { name: string; attribute: string } {
  let name = column.replace(notNameCharacter, '_')
  if (!startsAsName.test(name) || /^xml/i.test(name)) name = `_${name}`
  return { name, attribute: name === column ? '' : ` name="${escapeAttribute(column, replaced)}"` }
}

function write(out: BoundedText, column: string, cell: Cell, indent: string, replaced: Replaced): void {
  const { name, attribute } = element(column, replaced)
  if (cell === null || cell === undefined) {
    out.add(`${indent}<${name}${attribute} null="true"/>\n`)
    return
  }
  if (typeof cell !== 'object' || indent.length / 2 > maxDepth) {
    const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
    out.add(`${indent}<${name}${attribute}>${escapeXml(text, replaced)}</${name}>\n`)
    return
  }
  out.add(`${indent}<${name}${attribute}>\n`)
  const children: [string, Cell][] = Array.isArray(cell)
    ? cell.map((item: unknown) => ['item', item])
    : Object.entries(cell)
  for (const [key, child] of children) write(out, key, child, `${indent}  `, replaced)
  out.add(`${indent}</${name}>\n`)
}

/**
 * XML 1.0: `<rows><row><column>value</column></row></rows>`. A column whose name XML does not allow keeps it in
 * a `name` attribute; null is `null="true"`; arrays are `<item>`s; characters XML forbids become U+FFFD.
 */
export function formatXml(rows: readonly FormatRow[], maxBytes: number): Formatted {
  const out = new BoundedText(maxBytes)
  const replaced: Replaced = { characters: 0 }
  const columns = columnsOf(rows)
  out.add('<?xml version="1.0" encoding="UTF-8"?>\n<rows>\n')
  for (const row of rows) {
    out.add('  <row>\n')
    for (const column of columns) write(out, column, cellOf(row, column), '    ', replaced)
    out.add('  </row>\n')
  }
  out.add('</rows>\n')
  const notes =
    replaced.characters === 0
      ? []
      : [`${replaced.characters} characters that XML 1.0 does not allow became U+FFFD.`]
  return { text: out.toString(), notes }
}
