import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CsvHost, startCsvHost } from '../../test/csv-host.js'
import { type Desk, openDesk } from '../data/desk.js'

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

/** The cells of one column, the type they must get, and their values where these are not the cells themselves. */
const columns: [label: string, cells: string[], type: string, values?: unknown[]][] = [
  ['whole numbers', ['1', '-2', '0'], 'BIGINT', [1, -2, 0]],
  ['years', ['1999', '2024'], 'BIGINT', [1999, 2024]],
  ['numbers with an empty cell', ['1', '', '3'], 'BIGINT', [1, null, 3]],
  ['numbers with a blank cell', ['1', ' ', '3'], 'BIGINT', [1, null, 3]],
  ['numbers with spaces', [' 1', '2 '], 'BIGINT', [1, 2]],
  ['numbers of 19 digits', ['1234567890123456789', '1'], 'BIGINT', ['1234567890123456789', 1]],
  ['the ends of BIGINT', ['-9223372036854775808', '9223372036854775807'], 'BIGINT'],
  ['one beyond BIGINT', ['9223372036854775808'], 'VARCHAR'],
  ['identifiers of 23 digits', ['12345678901234567890123'], 'VARCHAR'],
  ['long identifiers beside decimals', ['1234567890123456789', '1.5'], 'VARCHAR'],
  ['decimals', ['1', '2.5', '.5', '5.'], 'DOUBLE', [1, 2.5, 0.5, 5]],
  ['exponents', ['1e3', '-2.5E-1'], 'DOUBLE', [1000, -0.25]],
  ['all digits of a double', ['0.30000000000000004'], 'DOUBLE', [0.1 + 0.2]],
  ['beyond a double', ['1e999'], 'VARCHAR'],
  ['not a number', ['nan', 'inf'], 'VARCHAR'],
  ['dashes and points', ['-', '.', 'e5'], 'VARCHAR'],
  ['hexadecimal', ['0x10', '0b1'], 'VARCHAR'],
  ['underscores', ['1_000'], 'VARCHAR'],
  ['thousands', ['"1,000"'], 'VARCHAR', ['1,000']],
  ['decimal commas', ['"1,5"'], 'VARCHAR', ['1,5']],
  ['per cent and money', ['5%', '$3'], 'VARCHAR'],
  ['codes with zeros', ['00501', '10001'], 'VARCHAR'],
  ['a zero and a code', ['0', '007'], 'VARCHAR'],
  ['decimals with zeros in front', ['00.5'], 'VARCHAR'],
  ['telephone numbers', ['+4790000000'], 'VARCHAR'],
  ['truth values', ['true', 'TRUE', 'False', ''], 'BOOLEAN', [true, true, false, null]],
  ['yes and no', ['yes', 'no'], 'VARCHAR'],
  ['t and f', ['t', 'f'], 'VARCHAR'],
  ['truth values and a number', ['true', '1'], 'VARCHAR'],
  ['one text among numbers', ['1', 'n/a'], 'VARCHAR'],
  ['days', ['2024-02-29', ''], 'DATE', ['2024-02-29', null]],
  ['a day that is none', ['2024-02-29', '2024-02-30'], 'VARCHAR'],
  ['days in other orders', ['31/12/2024', '12-31-2024'], 'VARCHAR'],
  ['days without zeros', ['2024-1-5'], 'VARCHAR'],
  ['months', ['2024-01'], 'VARCHAR'],
  ['moments', ['2024-02-29 12:30:00', '2024-02-29T12:30'], 'TIMESTAMP', Array(2).fill('2024-02-29T12:30:00')],
  ['microseconds', ['2024-02-29T12:30:00.000001'], 'TIMESTAMP'],
  ['nanoseconds', ['2024-02-29T12:30:00.000000001'], 'VARCHAR'],
  [
    'days and moments',
    ['2024-03-01', '2024-03-01T01:00'],
    'TIMESTAMP',
    ['2024-03-01T00:00:00', '2024-03-01T01:00:00'],
  ],
  ['an hour that is none', ['2024-02-29 25:30:00'], 'VARCHAR'],
  ['instants in UTC', ['2024-02-29T12:30:00Z'], 'TIMESTAMP WITH TIME ZONE'],
  [
    'instants with an offset',
    ['2024-02-29 12:30:00+02', '2024-02-29T12:30:00-0230', '2024-02-29T12:30:00+02:00'],
    'TIMESTAMP WITH TIME ZONE',
    ['2024-02-29T10:30:00Z', '2024-02-29T15:00:00Z', '2024-02-29T10:30:00Z'],
  ],
  ['moments with and without an offset', ['2024-02-29T12:30:00Z', '2024-02-29T12:30:00'], 'VARCHAR'],
  ['times of day', ['12:30', '12:30:15'], 'VARCHAR'],
  ['nothing at all', ['', ''], 'VARCHAR', [null, null]],
]

it.each(columns)('%s', async (_label, cells, type, values = cells) => {
  const text = `row,cell\n${cells.map((cell, row) => `r${row},${cell}`).join('\n')}\n`
  const caller = desk.forCaller('reader')
  const table = await caller.importCsv({ url: host.url(text), name: 'sample', fetch })
  expect(table.columns[1]).toEqual({ name: 'cell', type })
  const result = await desk.forCaller('reader').query('SELECT cell FROM sample ORDER BY row')
  expect(result.columns).toEqual([{ name: 'cell', type }])
  expect(result.rows.map(({ cell }) => cell)).toEqual(values)
})
