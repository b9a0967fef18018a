import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Answer, type CsvHost, startCsvHost } from '../../test/csv-host.js'
import { type Desk, openDesk } from '../data/desk.js'
import { ImportRefusal } from './import-refusal.js'

let desk: Desk
let host: CsvHost
beforeAll(async () => {
  desk = await openDesk({ only: (file) => file === 'lookup_people.csv' })
  host = await startCsvHost()
})
afterAll(async () => {
  desk.close()
  await host.close()
})
// Whatever was refused, nothing of it stays.
afterEach(async () => {
  expect(desk.stats().filter(({ size }) => size > 0)).toEqual([])
  expect(desk.state()).toEqual({ idle: 3, waiting: 0 })
})

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

function as(type: string, body: string): Answer {
  return (response) => {
    response.setHeader('Content-Type', type)
    response.end(body)
  }
}

/** Writes for as long as somebody reads. */
function endless(text: string): Answer {
  return (response) => {
    const more = (): void => {
      if (response.destroyed) return
      if (response.write(text)) setImmediate(more)
      else response.once('drain', more)
    }
    response.write('a,b\n', more)
  }
}

const wide = Array.from({ length: 201 }, (_, n) => `c${n}`).join(',')

const refused: [label: string, answer: string | Uint8Array | Answer, code: string, message: RegExp][] = [
  ['nothing', '', 'not_csv', /empty/],
  ['white space', ' \n\r\n\t\n', 'not_csv', /empty/],
  ['a BOM alone', '\u{feff}', 'not_csv', /empty/],
  ['a separator line alone', 'sep=;\n', 'not_csv', /empty/],
  ['a web page', '<!DOCTYPE html><html><body>Sign in</body></html>', 'not_csv', /web page/],
  ['a web page behind spaces', '\n\n  <html lang="en">', 'not_csv', /web page/],
  ['a web page by its type', as('text/html; charset=utf-8', 'a,b\n1,2\n'), 'not_csv', /web page/],
  ['XHTML by its type', as('Application/XHTML+XML', 'a,b\n1,2\n'), 'not_csv', /web page/],
  ['XML', '<?xml version="1.0"?><rows/>', 'not_csv', /markup/],
  ['SVG', '<svg xmlns="x"/>', 'not_csv', /markup/],
  ['a comment of XML', '<!-- x --><rows/>', 'not_csv', /markup/],
  ['a JSON object', '{"a": 1}', 'not_csv', /JSON/],
  ['a JSON array', '[{"a": 1}]', 'not_csv', /JSON/],
  ['a JSON array of numbers', '[1, 2]', 'not_csv', /JSON/],
  ['JSON over lines', '{\n  "a": 1\n}', 'not_csv', /JSON/],
  ['JSON lines', '{"a":1}\n{"a":2}\n', 'not_csv', /JSON/],
  ['empty JSON', '{}', 'not_csv', /JSON/],
  ['UTF-16 little-endian', Buffer.from('\u{feff}a,b\n1,2\n', 'utf16le'), 'not_csv', /UTF-16/],
  ['UTF-16 big-endian', Buffer.from('\u{feff}a,b\n1,2\n', 'utf16le').swap16(), 'not_csv', /UTF-16/],
  ['UTF-16 without BOM', Buffer.from('a,b\n1,2\n', 'utf16le'), 'not_csv', /not UTF-8/],
  ['UTF-32', latin1('\xff\xfe\0\0a\0\0\0'), 'not_csv', /UTF-/],
  ['Latin-1', latin1('name\nBj\xf8rn\n'), 'not_csv', /not UTF-8/],
  ['Latin-1 far behind', latin1(`name\n${'x\n'.repeat(50_000)}Bj\xf8rn\n`), 'not_csv', /not UTF-8/],
  ['Shift JIS', latin1('\x96\xbc\x91O\n1\n'), 'not_csv', /not UTF-8/],
  ['a UTF-8 character cut at the end', latin1('a,b\n1,\xc3'), 'not_csv', /not UTF-8/],
  ['an overlong encoding', latin1('a,b\n1,\xc0\xaf\n'), 'not_csv', /not UTF-8/],
  ['a surrogate in UTF-8', latin1('a,b\n1,\xed\xa0\x80\n'), 'not_csv', /not UTF-8/],
  ['NUL in a cell', 'a,b\n1,x\0y\n', 'not_csv', /not UTF-8/],
  ['a ZIP archive', latin1('PK\x03\x04\x14\0\x06\0\x08\0'), 'not_csv', /ZIP|Excel/],
  ['an old workbook', latin1('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'), 'not_csv', /Excel/],
  ['a gzip file', gzipSync('a,b\n1,2\n'), 'not_csv', /gzip/],
  ['a Parquet file', latin1('PAR1\x15\x04\x15\xff'), 'not_csv', /Parquet/],
  ['a PDF file', latin1('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'), 'not_csv', /PDF/],
  ['an image', latin1('\x89PNG\r\n\x1a\n\0\0'), 'not_csv', /not UTF-8/],
  ['a short line', 'a,b\n1,2\n3\n', 'csv_malformed', /Line 3 has 1 cell, and the header has 2 cells/],
  ['a long line', 'a,b\n1,2\n3,4,5\n', 'csv_malformed', /Line 3 has 3 cells/],
  ['a short line behind line breaks', 'a,b\n"x\ny\r\nz",2\n\n3\n', 'csv_malformed', /Line 6 has 1/],
  ['a short line behind a separator line', 'sep=;\na;b\n1;2\n3\n', 'csv_malformed', /Line 4/],
  [
    'a comma in a file of one column',
    'name\nDoe, Jane\n',
    'csv_malformed',
    /Line 2 has 2 cells, and the header has 1 cell/,
  ],
  ['prose', 'Dear all,\nplease find the data attached.\n\nBest, A, B\n', 'csv_malformed', /Line \d+ has/],
  [
    'a quote that is not closed',
    'a,b\n1,2\n3,"x\ny\n',
    'csv_malformed',
    /quote that is opened near line 3 is/,
  ],
  [
    'a quote that is not closed for long',
    `a,b\n"${'x,y\n'.repeat(50_000)}`,
    'csv_malformed',
    /quote that is opened near line 2 /,
  ],
  ['201 columns', `${wide}\n`, 'file_too_large', /200 columns/],
  ['100,000 columns', ','.repeat(100_000), 'file_too_large', /200 columns/],
  ['200,001 rows', `a\n${'1\n'.repeat(200_001)}`, 'file_too_large', /200,000 rows/],
  ['a cell of 65,537 characters', `a,b\n1,${'x'.repeat(65_537)}\n`, 'file_too_large', /line 2 .*65536/],
  ['a name of 65,537 characters', `a,${'x'.repeat(65_537)}\n1,2\n`, 'file_too_large', /line 1 /],
  [
    'more than 10 MB',
    `a,b\n${'1,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n'.repeat(160_000)}`,
    'file_too_large',
    /10 MB/,
  ],
  [
    'more than 10 MB announced',
    (response) => response.writeHead(200, { 'Content-Length': 10_000_001 }).write('a,b\n'),
    'file_too_large',
    /10 MB/,
  ],
  ['rows without end', endless('1,x\n'.repeat(1000)), 'file_too_large', /200,000 rows/],
  ['one cell without end', endless('x'.repeat(10_000)), 'file_too_large', /10 MB/],
  ['one quoted cell without end', endless('"'.concat('x'.repeat(10_000))), 'file_too_large', /10 MB|65536/],
  ['empty lines without end', endless('\n'.repeat(10_000)), 'file_too_large', /10 MB/],
  [
    'a small body that unpacks to 50 MB',
    (response) => {
      response.setHeader('Content-Encoding', 'gzip')
      response.end(gzipSync(`a,b\n${'1,x\n'.repeat(50)}${'x'.repeat(50_000_000)}`))
    },
    'file_too_large',
    /10 MB/,
  ],
  [
    'a body that is not gzip, and says so',
    (response) => {
      response.setHeader('Content-Encoding', 'gzip')
      response.end('a,b\n1,2\n')
    },
    'download_failed',
    /./,
  ],
  ['not found', (response) => response.writeHead(404).end('a,b\n1,2\n'), 'download_failed', /status 404/],
  ['a server error', (response) => response.writeHead(500).end(), 'download_failed', /status 500/],
  ['no content', (response) => response.writeHead(204).end(), 'not_csv', /empty/],
  [
    'redirects in a circle',
    (response, { url }) => response.writeHead(302, { Location: url }).end(),
    'download_failed',
    /reached/,
  ],
  ['a connection that is cut at once', (response) => response.destroy(), 'download_failed', /reached/],
  [
    'a connection that is cut within the file',
    (response) => {
      response.writeHead(200, { 'Content-Length': 1000 })
      response.write('a,b\n1,2\n', () => setImmediate(() => response.destroy()))
    },
    'download_failed',
    /broke off/,
  ],
  [
    'a shorter body than announced',
    (response) => {
      response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\na,b\n1,2\n')
    },
    'download_failed',
    /broke off/,
  ],
  ['no HTTP', (response) => response.socket?.end('a,b\n1,2\n'), 'download_failed', /reached/],
]

it.each(refused)('%s', async (_label, answer, code, message) => {
  const importing = desk.forCaller('reader').importCsv({ url: host.url(answer), name: 'sample', fetch })
  const error = await importing.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ImportRefusal)
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  expect(error).toMatchObject({ message: expect.stringMatching(/^[A-Z].*\.$/) })
  expect([...desk.forCaller('reader').datasets.keys()]).toEqual(['people'])
})

const stalled: [label: string, answer: Answer][] = [
  ['no answer', () => {}],
  ['an answer that stops', (response) => response.write('a,b\n1,2\n')],
  [
    'an answer that drips',
    (response) => {
      response.write('a,b\n')
      const timer = setInterval(() => response.write('1,2\n'), 100)
      response.on('close', () => clearInterval(timer))
    },
  ],
]

it.each(stalled)('%s', async (_label, answer) => {
  const hasty = await openDesk({ only: (file) => file === 'lookup_people.csv', imports: { durationMs: 300 } })
  const importing = hasty.forCaller('reader').importCsv({ url: host.url(answer), name: 'sample', fetch })
  await expect(importing).rejects.toMatchObject({
    code: 'import_timeout',
    message: expect.stringContaining('0.3 s'),
  })
  expect(hasty.stats().filter(({ size }) => size > 0)).toEqual([])
  hasty.close()
})
