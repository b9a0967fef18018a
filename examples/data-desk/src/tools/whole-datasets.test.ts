import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import type { Server } from 'holdfast'
import { connect, type TestClient, type ToolCallResult } from 'holdfast/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCsvHost } from '../../test/csv-host.js'
import { createDataDesk } from '../server.js'
import type { Services } from '../services.js'

const awkward = [
  ['1', 'comma, quote " and\nline', '=HYPERLINK("x")'],
  ['2', '', 'plain'],
  ['3', ' spaces ', '-5'],
  ['4', 'Łódź 🌍', '@cmd'],
]
const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`

let directory: string
let server: Server<Services>
let client: TestClient
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'data-desk-export-'))
  await writeFile(
    join(directory, 'awkward.csv'),
    `id,"1,a",Text\n${awkward.map(([id, ...row]) => [id, ...row.map(quoted)].join(',')).join('\n')}\n`,
  )
  await writeFile(
    join(directory, 'nested.json'),
    '[{"a":9007199254740993,"__proto__":[{"x":"y"}],"1":true},{"a":null}]',
  )
  await writeFile(join(directory, 'long.json'), JSON.stringify([{ text: 'x'.repeat(20_000) }]))
  const host = await startCsvHost()
  server = await createDataDesk({ data: directory, allowFetch: [host.address] })
  client = await connect(server)
  await client.callTool('import-csv', { url: host.url('n\n1\n2\n3\n'), name: 'mine' })
  await host.close()
})
afterAll(async () => {
  await client.close()
  await server.close()
  await rm(directory, { recursive: true })
})

interface Exported {
  readonly uri: string
  readonly bytes: number
  readonly rows: number
  readonly columns: readonly string[]
  readonly truncated: boolean
  readonly notes: readonly string[]
  readonly text: string
}

/** Exports, and reads what the link leads to. */
async function exported(args: Record<string, unknown>): Promise<Exported> {
  const result = await client.callTool('export-dataset', args)
  const told = result.structuredContent as Exported
  const links = result.content.filter(({ type }) => type === 'resource_link')
  expect(links).toMatchObject([{ uri: told.uri, name: `${String(args['name'])}.${String(args['format'])}` }])
  let text = ''
  for (let uri: string | undefined = told.uri; uri !== undefined; ) {
    const { contents } = await client.readResource(uri)
    text += String(contents[0]?.['text'])
    const meta = contents[0]?.['_meta'] as Record<string, { next?: string }> | undefined
    uri = meta?.['dev.holdfast/spill']?.next
  }
  expect(Buffer.byteLength(text)).toBe(told.bytes)
  return { ...told, text }
}

const errorOf = (result: ToolCallResult): unknown => result._meta?.['dev.holdfast/error']

describe('export-dataset', () => {
  it('writes CSV that reads back as it was, but for formulas', async () => {
    const { text, columns, rows, truncated, notes } = await exported({ name: 'awkward', format: 'csv' })
    expect([columns, rows, truncated]).toEqual([['id', '1,a', 'Text'], 4, false])
    const disarmed = awkward.map((row) => row.map((cell) => (/^[=@]/.test(cell) ? `'${cell}` : cell)))
    expect(parse(text, { record_delimiter: '\r\n' })).toEqual([['id', '1,a', 'Text'], ...disarmed])
    expect(notes).toEqual([expect.stringMatching(/^2 cells .*apostrophe/)])
  })

  it('writes NDJSON whose members are in the order of the columns', async () => {
    const { text, notes } = await exported({
      name: 'awkward',
      format: 'ndjson',
      columns: ['TEXT', 'id'],
      limit: 2,
    })
    expect(text).toBe('{"Text":"=HYPERLINK(\\"x\\")","id":1}\n{"Text":"plain","id":2}\n')
    expect(notes).toEqual([expect.stringContaining('first 2 of 4 rows')])
  })

  it('writes what is nested, too large for a number, missing or called as no member should be', async () => {
    const ndjson = await exported({ name: 'nested', format: 'ndjson' })
    expect(ndjson.text).toBe(
      '{"a":"9007199254740993","__proto__":[{"x":"y"}],"1":true}\n{"a":null,"__proto__":null,"1":null}\n',
    )
    const csv = await exported({ name: 'nested', format: 'csv', columns: ['a'] })
    expect(csv.text).toBe('a\r\n9007199254740993\r\n""\r\n')
    const long = await exported({ name: 'long', format: 'ndjson' })
    expect(long.text).toContain('x... [cut]')
    expect(long.notes).toEqual(['1 long values were cut.'])
  })

  it('exports what its caller imported', async () => {
    expect((await exported({ name: 'mine', format: 'csv' })).text).toBe('n\r\n1\r\n2\r\n3\r\n')
    // Its connection is free again.
    const { structuredContent } = await client.callTool('query-dataset', {
      sql: 'SELECT sum(n) AS n FROM mine',
    })
    expect(structuredContent).toMatchObject({ rows: [{ n: 6 }] })
  })

  it.each([
    [{ name: 'awkwart', format: 'csv' }, 'dataset_not_found', 'awkward'],
    [{ name: 'awkward', format: 'csv', columns: ['Txt'] }, 'column_not_found', 'Text'],
    [{ name: 'awkward', format: 'xml' }, 'invalid_arguments', 'ndjson'],
    [{ name: 'awkward', format: 'csv', limit: 1_000_001 }, 'invalid_arguments', 'limit'],
    [{ name: 'awkward', format: 'csv', columns: [] }, 'invalid_arguments', 'columns'],
  ])('%j is the tool error %s', async (args, code, part) => {
    const result = await client.callTool('export-dataset', args)
    expect(errorOf(result)).toMatchObject({ code })
    expect(JSON.stringify(result.content)).toContain(part)
  })
})

describe('profile-dataset', () => {
  it('profiles numbers, texts and what is nested', async () => {
    const { structuredContent } = await client.callTool('profile-dataset', {
      name: 'awkward',
      columns: ['text', 'id'],
    })
    expect(structuredContent).toMatchObject({
      name: 'awkward',
      rows: 4,
      sampledRows: 4,
      columns: [
        { name: 'Text', type: 'VARCHAR', top: expect.arrayContaining([{ value: 'plain', count: 1 }]) },
        { name: 'id', type: 'BIGINT', min: 1, max: 4, mean: 2.5, quantiles: [1.15, 1.75, 2.5, 3.25, 3.85] },
      ],
      correlations: [],
      notes: [],
    })
    const nested = await client.callTool('profile-dataset', { name: 'nested' })
    expect(nested.structuredContent).toMatchObject({
      columns: [{ name: 'a' }, { name: '__proto__' }, { name: '1' }],
    })
    const mine = await client.callTool('profile-dataset', { name: 'mine' })
    expect(mine.structuredContent).toMatchObject({ rows: 3, columns: [{ mean: 2, stddev: 1 }] })
  })

  it.each([
    [{ name: 'awkwart' }, 'dataset_not_found', 'awkward'],
    [{ name: 'awkward', columns: ['id', 'Txt'] }, 'column_not_found', 'Text'],
  ])('%j is the tool error %s', async (args, code, part) => {
    const result = await client.callTool('profile-dataset', args)
    expect(errorOf(result)).toMatchObject({ code })
    expect(JSON.stringify(result.content)).toContain(part)
  })
})

it('routes are no tool where there are no flights', async () => {
  const { tools } = await client.listTools()
  expect(tools.map(({ name }) => name)).not.toContain('routes-of-airports')
  await expect(client.callTool('routes-of-airports', { codes: ['ORD'] })).rejects.toThrow('Unknown tool')
})
