import fc from 'fast-check'
import { expect, it } from 'vitest'
import { csvRecords } from './csv-records.js'
import { importLimits } from './import-limits.js'
import { ImportRefusal } from './import-refusal.js'

async function* piecesOf(text: string, sizes: readonly number[]): AsyncGenerator<string> {
  const characters = Array.from(text)
  for (let at = 0, n = 0; at < characters.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1
    yield characters.slice(at, at + size).join('')
    at += size
  }
}

async function recordsOf(text: string, sizes: readonly number[]): Promise<(readonly string[])[]> {
  const records = []
  for await (const record of csvRecords(piecesOf(text, sizes), importLimits)) records.push(record)
  return records
}

const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 })
const cell = fc.string({
  unit: fc.oneof(
    fc.constantFrom(',', ';', '\t', '|', '"', '\n', '\r', '\r\n', ' ', 'é', '👍'),
    fc.string({ maxLength: 1 }),
  ),
  maxLength: 8,
})
const table = fc
  .integer({ min: 1, max: 6 })
  .chain((columns) =>
    fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 30 }),
  )

it('reads every table back as it was written', async () => {
  const written = fc.record({
    rows: table,
    delimiter: fc.constantFrom(',', ';', '\t', '|'),
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    always: fc.boolean(),
    sizes,
  })
  await fc.assert(
    fc.asyncProperty(
      written,
      async ({ rows: [first = [], ...rest], delimiter, lineEnd, always, sizes: pieces }) => {
        // A name that begins with a letter is no other format's beginning.
        const rows = [first.map((name) => `n${name}`), ...rest]
        const quoted = (text: string): string =>
          always || text === '' || /[,;\t|"\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
        const text = rows.map((row) => row.map(quoted).join(delimiter)).join(lineEnd)
        expect(await recordsOf(text, pieces)).toEqual(rows)
      },
    ),
    { numRuns: 300 },
  )
})

it('answers every text with records of one length, or with a refusal', async () => {
  const text = fc.string({
    unit: fc.constantFrom(
      'a',
      ',',
      ';',
      '\t',
      '|',
      '"',
      '""',
      '\n',
      '\r\n',
      '\r',
      ' ',
      'sep=;',
      '<',
      '{',
      '[',
    ),
    maxLength: 60,
  })
  await fc.assert(
    fc.asyncProperty(text, sizes, async (given, pieces) => {
      try {
        const records = await recordsOf(given, pieces)
        expect(records.length).toBeGreaterThan(0)
        expect(new Set(records.map((record) => record.length)).size).toBe(1)
      } catch (error) {
        expect(error).toBeInstanceOf(ImportRefusal)
      }
    }),
    { numRuns: 1000 },
  )
})
