import { type Authenticator, anonymous, type Server } from 'holdfast'
import { connect, type TestClient, type ToolCallResult } from 'holdfast/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CsvHost, startCsvHost } from '../../test/csv-host.js'
import { createDataDesk } from '../server.js'
import type { Services } from '../services.js'

/** Whoever says a name is believed: here it is who sees what that is tested, and not who is who. */
const byName: Authenticator = {
  authenticate(credentials) {
    const subject = credentials.header('authorization')?.replace(/^Bearer /, '')
    const known = { ...anonymous, kind: 'user', issuer: 'test', subject: subject ?? '' } as const
    return { ok: true, principal: subject === undefined ? anonymous : known }
  },
}

let host: CsvHost
let server: Server<Services>
let nobody: TestClient
let alice: TestClient
let bob: TestClient

beforeAll(async () => {
  host = await startCsvHost()
  server = await createDataDesk({
    only: (file) => file === 'lookup_people.csv',
    allowFetch: [host.address],
    auth: byName,
  })
  nobody = await connect(server)
  alice = await connect(server, { transport: 'http', headers: { authorization: 'Bearer alice' } })
  bob = await connect(server, { transport: 'http', headers: { authorization: 'Bearer bob' } })
})
afterAll(async () => {
  for (const client of [nobody, alice, bob]) await client.close()
  await server.close()
  await host.close()
})

async function datasetsOf(client: TestClient): Promise<Record<string, unknown>[]> {
  const { structuredContent } = await client.callTool('list-datasets')
  return (structuredContent as { datasets: Record<string, unknown>[] }).datasets
}

function errorOf(result: ToolCallResult): Record<string, unknown> {
  expect(result.isError).toBe(true)
  return result._meta?.['dev.holdfast/error'] as Record<string, unknown>
}

describe('import-csv', () => {
  it('makes a dataset, and says what it is', async () => {
    const url = host.url(
      'id,name,day\n1,Anna,2024-02-29\n2,,2024-03-01\n',
      'people%20of%202024.csv?token=secret',
    )
    const { structuredContent } = await alice.callTool('import-csv', { url, name: 'guests' })
    expect(structuredContent).toEqual({
      name: 'guests',
      sql: 'guests',
      file: 'people of 2024.csv',
      rows: 2,
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'name', type: 'VARCHAR' },
        { name: 'day', type: 'DATE' },
      ],
      replaced: false,
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      imported: ['guests'],
      importedLimit: 5,
    })
    const again = await alice.callTool('import-csv', { url, name: 'guests' })
    expect(again.structuredContent).toMatchObject({ replaced: true, imported: ['guests'] })
  })

  it('makes it for its caller', async () => {
    expect((await datasetsOf(alice)).map(({ name, expiresAt }) => [name, typeof expiresAt])).toEqual([
      ['guests', 'string'],
      ['people', 'undefined'],
    ])
    const sql = 'SELECT count(*) AS n FROM guests, people'
    expect((await alice.callTool('query-dataset', { sql })).structuredContent).toMatchObject({
      rows: [{ n: 18 }],
    })
    expect((await alice.callTool('describe-dataset', { name: 'Guests' })).structuredContent).toMatchObject({
      name: 'guests',
      columns: [{ name: 'id', min: 1, max: 2 }, { name: 'name', nullShare: 0.5 }, { name: 'day' }],
    })
    const { contents } = await alice.readResource('data://guests/schema')
    expect(JSON.parse(String(contents[0]?.['text']))).toMatchObject({ name: 'guests', rows: 2 })
    const { resources } = (await alice.request('resources/list')) as { resources: { uri: string }[] }
    expect(resources.map(({ uri }) => uri)).toEqual(['data://guests/schema', 'data://people/schema'])
    const prompt = await alice.getPrompt('explore-dataset', { dataset: 'guests' })
    expect(JSON.stringify(prompt)).toContain('has 2 rows')
    const template = { type: 'ref/resource', uri: 'data://{name}/schema' }
    expect((await alice.complete(template, { name: 'name', value: 'gu' })).values).toEqual(['guests'])
  })

  it('makes it for nobody else', async () => {
    for (const client of [bob, nobody]) {
      expect((await datasetsOf(client)).map(({ name }) => name)).toEqual(['people'])
      const described = errorOf(await client.callTool('describe-dataset', { name: 'guests' }))
      const missing = errorOf(await client.callTool('describe-dataset', { name: 'quests' }))
      expect({ ...described, value: 'quests' }).toEqual(missing)
      for (const sql of ['FROM guests', 'FROM temp.guests', 'DESCRIBE guests']) {
        expect(JSON.stringify(await client.callTool('query-dataset', { sql }))).not.toMatch(/Anna|"id"|2024/)
      }
      await expect(client.readResource('data://guests/schema')).rejects.toThrow('data://guests/schema')
      const { resources } = (await client.request('resources/list')) as { resources: { uri: string }[] }
      expect(resources.map(({ uri }) => uri)).toEqual(['data://people/schema'])
      expect(JSON.stringify(await client.getPrompt('explore-dataset', { dataset: 'guests' }))).toContain(
        'There is no dataset named',
      )
      const template = { type: 'ref/resource', uri: 'data://{name}/schema' }
      expect((await client.complete(template, { name: 'name', value: 'gu' })).values).toEqual([])
    }
  })

  it('brings cells and names without hidden characters', async () => {
    const url = host.url(
      'na\u{202e}me,n\nAn\u{200b}na \u{1b}[31m,1\n\u{646}\u{645}\u{6cc}\u{200c}\u{62e}\u{648},2\n',
    )
    await alice.callTool('import-csv', { url, name: 'hidden' })
    const sql = 'SELECT * FROM hidden ORDER BY n'
    expect((await alice.callTool('query-dataset', { sql })).structuredContent).toMatchObject({
      rows: [{ name: 'Anna ' }, { name: '\u{646}\u{645}\u{6cc}\u{200c}\u{62e}\u{648}' }],
    })
  })

  it('tells how much has come', async () => {
    const url = host.url(`a,b\n${'1,x\n'.repeat(100_000)}`)
    const result = await nobody.callTool(
      'import-csv',
      { url, name: 'told' },
      { meta: { progressToken: 'p' } },
    )
    expect(result.structuredContent).toMatchObject({ rows: 100_000 })
    const progress = nobody.notifications.filter(({ method }) => method === 'notifications/progress')
    expect(progress.length).toBeGreaterThan(0)
    expect(progress.at(-1)?.params).toMatchObject({ progressToken: 'p', progress: 400_004 })
  })

  it('is cancelled with its call', async () => {
    let ended = (): void => {}
    const closed = new Promise<void>((resolve) => {
      ended = resolve
    })
    const cancel = new AbortController()
    const url = host.url((response) => {
      response.on('close', ended)
      response.write('a,b\n', () => cancel.abort())
    })
    const call = nobody.callTool('import-csv', { url, name: 'never' }, { signal: cancel.signal })
    call.catch(() => {})
    await closed
    expect((await datasetsOf(nobody)).map(({ name }) => name)).not.toContain('never')
  })
})

const refused: [label: string, args: () => Record<string, unknown>, code: string, text: RegExp][] = [
  ['a private address', () => ({ url: 'http://127.0.0.1:1/x.csv', name: 'x' }), 'url_not_allowed', /./],
  ['a metadata address', () => ({ url: 'http://169.254.169.254/x.csv', name: 'x' }), 'url_not_allowed', /./],
  [
    'a redirect to a private address',
    () => ({
      url: host.url((response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/x.csv' }).end()),
      name: 'x',
    }),
    'url_not_allowed',
    /./,
  ],
  ['a file', () => ({ url: 'file:///etc/passwd', name: 'x' }), 'invalid_arguments', /url/],
  ['data in the address', () => ({ url: 'data:text/csv,a%0A1', name: 'x' }), 'invalid_arguments', /url/],
  ['no address', () => ({ url: 'sales.csv', name: 'x' }), 'invalid_arguments', /url/],
  ...['Sales', '1x', '_x', 'a b', 'a"b', 'a.b', 'temp.x', '', 'ä', 'x'.repeat(42), 'x;--', '(importing)'].map(
    (name): [string, () => Record<string, unknown>, string, RegExp] => [
      `the name ${JSON.stringify(name)}`,
      () => ({ url: 'https://example.com/x.csv', name }),
      'invalid_arguments',
      /name/,
    ],
  ),
  [
    'the name of a dataset',
    () => ({ url: host.url('a\n1\n'), name: 'people' }),
    'name_taken',
    /people .*another/,
  ],
  ['a web page', () => ({ url: host.url('<html>'), name: 'x' }), 'not_csv', /web page/],
  ['a ragged line', () => ({ url: host.url('a,b\n1\n'), name: 'x' }), 'csv_malformed', /Line 2 has 1 cell,/],
  [
    'not found',
    () => ({ url: host.url((r) => r.writeHead(404).end()), name: 'x' }),
    'download_failed',
    /404/,
  ],
]

it.each(refused)('%s is refused', async (_label, args, code, text) => {
  const result = await bob.callTool('import-csv', args())
  expect(errorOf(result)).toMatchObject({ code })
  expect(JSON.stringify(result.content)).toMatch(text)
  expect((await datasetsOf(bob)).map(({ name }) => name)).toEqual(['people'])
})

it('names the datasets that fill the quota', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    const { isError } = await bob.callTool('import-csv', { url: host.url('n\n1\n'), name })
    expect(isError ?? false).toBe(false)
  }
  const result = await bob.callTool('import-csv', { url: host.url('n\n1\n'), name: 'f' })
  expect(errorOf(result)).toMatchObject({
    code: 'quota_reached',
    hint: expect.stringContaining('a, b, c, d, e'),
  })
})

it('says in its annotations what it does', async () => {
  const { tools } = await nobody.listTools()
  expect(tools.find(({ name }) => name === 'import-csv')?.annotations).toEqual({
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: true,
  })
})
