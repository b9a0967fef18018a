import { ImportRefusal } from './import-refusal.js'

const rawHint = 'Give the address of the CSV file itself, such as a "raw" or "download" link.'

/** Formats by their first bytes, written as Latin-1. */
const signatures: readonly (readonly [start: string, format: string])[] = [
  ['\xff\xfe', 'UTF-16 text'],
  ['\xfe\xff', 'UTF-16 text'],
  ['PK\x03\x04', 'a ZIP archive or an Excel workbook'],
  ['\xd0\xcf\x11\xe0', 'an old Excel workbook'],
  ['\x1f\x8b', 'a gzip file'],
  ['PAR1', 'a Parquet file'],
  ['%PDF', 'a PDF file'],
]

/** The refusal of bytes that are no UTF-8 text, by what the file begins with. */
export function notText(firstBytes: Uint8Array): ImportRefusal {
  const start = Buffer.from(firstBytes).toString('latin1')
  const format = signatures.find(([signature]) => start.startsWith(signature))?.[1]
  return new ImportRefusal(
    'not_csv',
    format === undefined ? 'The file is not UTF-8 text.' : `The file is ${format}, and not CSV in UTF-8.`,
    format === undefined || format.startsWith('UTF')
      ? 'Only UTF-8 is read: have the file saved as "CSV UTF-8".'
      : 'Only plain CSV is read: have the data exported as CSV.',
  )
}

/** The refusal of web pages, which is what a wrong address or a login usually answers with. */
export function webPage(): ImportRefusal {
  return new ImportRefusal(
    'not_csv',
    'The address leads to a web page (HTML), and not to a CSV file.',
    rawHint,
  )
}

/**
 * Refuses text that begins as another format does.
 * @throws {ImportRefusal} `not_csv`
 */
export function refuseOtherFormats(text: string): void {
  const start = text.slice(0, 1000).trimStart()
  if (start === '' && text.trim() === '') throw new ImportRefusal('not_csv', 'The file is empty.', rawHint)
  if (/^<(?:!doctype html|html|head|body|script)\b/i.test(start)) throw webPage()
  if (/^<[?!a-z]/i.test(start)) {
    throw new ImportRefusal('not_csv', 'The file is markup (XML or HTML), and not CSV.', rawHint)
  }
  if (/^(?:\{\s*["}]|\[\s*["{[\]\d-])/.test(start)) {
    throw new ImportRefusal('not_csv', 'The file is JSON, and not CSV.', 'Only CSV is read.')
  }
}
