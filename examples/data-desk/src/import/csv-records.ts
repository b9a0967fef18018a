import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { detectDelimiter } from './delimiter.js'
import type { ImportLimits } from './import-limits.js'
import { ImportRefusal } from './import-refusal.js'
import { refuseOtherFormats } from './other-formats.js'

/** How much of a file is looked at to tell its delimiter, in characters. */
const sampleCharacters = 65_536
/** What the parser is given at a time, in bytes: it reads that to its end before the first of its records is looked at. */
const pieceBytes = 8192
/** The first line of some files names their delimiter, for Excel. */
const separatorLine = /^sep=([,;\t|])(?:\r\n|\n|\r)/i

type Limits = Pick<ImportLimits, 'bytes' | 'rows' | 'columns' | 'cellCharacters'>

/** The first characters of a text, and how to read it from the beginning all the same. */
async function peek(
  chunks: AsyncGenerator<string>,
): Promise<{ sample: string; complete: boolean; all: AsyncGenerator<Buffer> }> {
  let sample = ''
  let complete = false
  while (sample.length < sampleCharacters && !complete) {
    const { done, value } = await chunks.next()
    if (done === true) complete = true
    else sample += value
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* piecesOf(sample)
    for await (const chunk of chunks) yield* piecesOf(chunk)
  }
  return { sample, complete, all: all() }
}

function* piecesOf(text: string): Generator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

interface ParsedRecord {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/**
 * The records of a CSV text, its header first: with commas, semicolons, tabs or bars, quoted as in RFC 4180 (a quote
 * within a cell that did not begin with one is a character), lines ended in any way, empty lines left out.
 * Leaving the loop ends the chunks, after the one that is awaited.
 * @throws {ImportRefusal} `not_csv`, `csv_malformed` or `file_too_large`, and what the chunks reject with
 */
export async function* csvRecords(
  chunks: AsyncGenerator<string>,
  limits: Limits,
): AsyncGenerator<readonly string[]> {
  let header: readonly string[] | undefined
  try {
    const { sample, complete, all } = await peek(chunks)
    refuseOtherFormats(sample)
    const separator = separatorLine.exec(sample)?.[1]
    const parser = parse({
      delimiter: separator ?? detectDelimiter(sample, complete) ?? ',',
      from_line: separator === undefined ? 1 : 2,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: limits.bytes,
      info: true,
    })
    // The loop below meets the same error, because a pipeline destroys its end with it.
    pipeline(Readable.from(all), parser).catch(() => {})
    let rows = 0
    // The parser counts a CRLF within a cell twice.
    let twice = 0
    for await (const value of parser) {
      const { record, info } = value as ParsedRecord
      if (header === undefined) header = record
      else rows += 1
      twice += breaksIn(record, /\r\n/g)
      checkRecord(record, header, () => info.lines - twice - breaksIn(record, /\r\n|\n|\r/g), limits)
      if (rows > limits.rows) throw tooMany('rows', limits.rows)
      yield record
    }
  } catch (error) {
    throw error instanceof CsvError ? malformed(error) : error
  } finally {
    // Not awaited: a chunk that is on its way is only given up when its download is.
    chunks.return(undefined).catch(() => {})
  }
  if (header === undefined) throw new ImportRefusal('not_csv', 'The file is empty.')
}

function checkRecord(
  record: readonly string[],
  header: readonly string[],
  line: () => number,
  { columns, cellCharacters }: Limits,
): void {
  if (header.length > columns) throw tooMany('columns', columns)
  if (record.length !== header.length) {
    throw new ImportRefusal(
      'csv_malformed',
      `Line ${line()} has ${counted(record.length, 'cell')}, and the header has ${counted(header.length, 'cell')}.`,
      'Every line needs as many cells as the first one, which names the columns; cells that hold the delimiter go into double quotes.',
    )
  }
  if (record.some((cell) => cell.length > cellCharacters)) {
    throw new ImportRefusal(
      'file_too_large',
      `A cell in line ${line()} has more than ${cellCharacters} characters.`,
      'Leave out the column of long texts, or close a quote that was left open.',
    )
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function tooMany(what: 'rows' | 'columns', limit: number): ImportRefusal {
  const message = `The file has more than ${limit.toLocaleString('en-US')} ${what}.`
  return new ImportRefusal('file_too_large', message, `Look for an extract with fewer ${what}.`)
}

/** Line breaks of this kind within the cells of a record. */
function breaksIn(record: readonly string[], kind: RegExp): number {
  return record.reduce((sum, cell) => sum + (/[\n\r]/.test(cell) ? (cell.match(kind)?.length ?? 0) : 0), 0)
}

/** The parser counts records, which are lines where no cell has a line break. */
function malformed(error: CsvError): ImportRefusal {
  const line = Number(error['records']) + 1
  const message =
    error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE'
      ? `A double quote that is opened near line ${line} is never closed.`
      : `The file cannot be read as CSV near line ${line}.`
  return new ImportRefusal('csv_malformed', message, 'Inside quotes, a double quote is written twice.')
}
