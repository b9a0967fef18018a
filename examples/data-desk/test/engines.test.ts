import { rm } from 'node:fs/promises'
import { anonymous, type Principal, type Server } from 'holdfast'
import { connect, type TestClient } from 'holdfast/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { peoplePermission, readPermission } from '../src/access.js'
import { createDeskServer } from '../src/server.js'
import type { Services } from '../src/services.js'
import { type CsvHost, startCsvHost } from './csv-host.js'
import {
  type Answer,
  type Dialect,
  engineOf,
  refusalIn,
  smallData,
  type TestDatabases,
  testDatabases,
} from './desk-world.js'

const url = inject('databaseUrl')
/** Without a PostgreSQL only what DuckDB does is looked at. */
const dialects: readonly Dialect[] = url === undefined ? ['DuckDB'] : ['DuckDB', 'PostgreSQL']

const caller = (subject: string, ...permissions: string[]): Principal => ({
  ...anonymous,
  kind: 'user',
  issuer: 'test',
  subject,
  permissions: new Set(permissions),
})
const ann = caller('ann', readPermission)
const bob = caller('bob', readPermission)
const boss = caller('boss', readPermission, peoplePermission)

let data: string
let databases: TestDatabases | undefined
let host: CsvHost
beforeAll(async () => {
  data = await smallData()
  host = await startCsvHost()
  databases = url === undefined ? undefined : await testDatabases(url, data)
})
afterAll(async () => {
  await host.close()
  await databases?.drop()
  await rm(data, { recursive: true })
})

describe.each(dialects)('the tools on %s', (dialect) => {
  let server: Server<Services>
  const clients = new Map<Principal, TestClient>()
  const as = (who: Principal): TestClient => {
    const client = clients.get(who)
    if (client === undefined) throw new Error('Nobody is connected so.')
    return client
  }
  const query = async (sql: string, who = boss, limit?: number): Promise<Answer> => {
    const answer = await as(who).callTool('query-dataset', { sql, ...(limit !== undefined && { limit }) })
    if (answer.isError === true) throw new Error(JSON.stringify(answer.content))
    return answer.structuredContent as Answer
  }
  const refused = async (sql: string, who = boss): Promise<ReturnType<typeof refusalIn>> =>
    refusalIn(await as(who).callTool('query-dataset', { sql }))
  const importCsv = (who: Principal, name: string, text: string): Promise<unknown> =>
    as(who).callTool('import-csv', { url: host.url(text), name })

  beforeAll(async () => {
    const engine = engineOf(dialect, { data, databases }, true, { maxResultBytes: 32_768 })
    // Callers come with a principal of their own, so nobody is asked for a token.
    server = createDeskServer(engine, { permissions: true, allowFetch: [host.address] })
    await server.start()
    for (const who of [ann, bob, boss]) clients.set(who, await connect(server, { principal: who }))
  })
  afterAll(async () => {
    for (const client of clients.values()) await client.close()
    await server.close()
  })

  it('lists and describes the datasets', async () => {
    const { structuredContent: listed } = await as(boss).callTool('list-datasets')
    expect(listed).toMatchObject({
      datasets: [
        { name: 'airports', sql: 'airports', file: 'airports.csv', rows: 5 },
        { name: 'flights', rows: 600 },
        { name: 'movies', columns: ['Title', 'IMDB Rating', 'genres', 'record'] },
        { name: 'people', rows: 3, columns: ['name', 'age'] },
      ],
    })
    const { structuredContent: described } = await as(boss).callTool('describe-dataset', { name: 'flights' })
    expect(described).toMatchObject({
      rows: 600,
      columns: [
        { name: 'date', nullShare: 0, approxDistinct: 28, min: '2001-01-01T10:30:00' },
        { name: 'delay', type: expect.stringMatching(/^bigint$/i), min: -10, max: 29 },
        { name: 'distance', min: 500, max: 1100 },
        { name: 'origin', min: 'ATL', max: 'ORD' },
        { name: 'destination' },
      ],
      sample: [{ date: '2001-01-01T10:30:00', delay: -10, origin: 'ORD' }, {}, {}],
    })
    const missing = refusalIn(await as(boss).callTool('describe-dataset', { name: 'flihgts' }))
    expect(missing).toMatchObject({ code: 'dataset_not_found', text: expect.stringContaining('flights') })
  })

  it('answers queries with typed columns and bounded rows', async () => {
    const answer = await query('SELECT origin, count(*) AS n FROM flights GROUP BY origin ORDER BY origin')
    expect(answer.columns.map(({ name, type }) => [name, type.toLowerCase()])).toEqual([
      ['origin', dialect === 'DuckDB' ? 'varchar' : 'text'],
      ['n', 'bigint'],
    ])
    expect(answer.rows).toEqual(['ATL', 'JFK', 'LAX', 'ORD'].map((origin) => ({ origin, n: 150 })))
    expect(await query('SELECT * FROM flights', boss, 7)).toMatchObject({
      rows: { length: 7 },
      truncated: true,
      note: expect.stringContaining('first 7 rows'),
    })
    expect(await query('SELECT * FROM people ORDER BY age', boss, 3)).toMatchObject({ truncated: false })
    expect((await query('SELECT delay FROM flights WHERE false')).columns).toHaveLength(1)
    expect((await query('WITH a AS (SELECT 1 AS x) SELECT * FROM a; -- end')).rows).toEqual([{ x: 1 }])
    expect(Object.keys((await query('SELECT 1 AS a, 2 AS a')).rows[0] ?? {})).toHaveLength(2)
    expect((await query(`SELECT "Title", genres FROM movies WHERE "IMDB Rating" > 8.5`)).rows).toEqual([
      { Title: 'Seven', genres: ['crime'] },
    ])
    const wide = await query("SELECT repeat('x', 5000) AS x FROM flights")
    expect(wide.note).toContain('size limit')
    const long = await query("SELECT repeat('x', 20000) AS x")
    expect(String(long.rows[0]?.['x'])).toMatch(/^x{10000}\.\.\. \[cut\]$/)
    expect(long.note).toContain('1 long values were cut')
  })

  it.each([
    ['sql_error', 'SELECT nam FROM people', 'name'],
    ['sql_error', 'SELECT * FROM poeple', 'people'],
    ['sql_error', 'SELEC 1', dialect],
    ['sql_error', 'SELECT $1', 'parameters'],
    ['sql_error', 'SELECT name, count(*) FROM people', 'GROUP BY'],
    ['sql_error', "SELECT CAST('abc' AS INT)", 'abc'],
    ['sql_error', 'SELECT uper(name) FROM people', 'uper'],
    ['sql_error', ';', 'statement'],
    ['not_read_only', 'DROP TABLE people', 'DROP'],
    ['not_read_only', 'SELECT 1; SELECT 2', '2 statements'],
    ['not_read_only', "SELECT current_setting('timezone')", 'current_setting'],
    ['not_read_only', 'EXPLAIN SELECT 1', 'EXPLAIN'],
  ])('refuses as %s: %s', async (code, sql, part) => {
    const refusal = await refused(sql)
    expect(refusal).toMatchObject({ code, text: expect.stringContaining(part) })
    expect(refusal.text).not.toMatch(/\/tmp|127\.0\.0\.1|data_desk/)
  })

  it('imports for one caller and for nobody else', async () => {
    expect(await importCsv(ann, 'secret', 'code,When\n007,2024-01-31\n12,2024-02-29\n')).toMatchObject({
      structuredContent: {
        rows: 2,
        replaced: false,
        columns: [
          { name: 'code', type: expect.stringMatching(/varchar|text/i) },
          { name: 'When', type: expect.stringMatching(/^date$/i) },
        ],
      },
    })
    const join = 'SELECT s.code, s."When" FROM secret s, airports a WHERE a.iata = \'ORD\' ORDER BY 1'
    expect((await query(join, ann)).rows).toEqual([
      { code: '007', When: '2024-01-31' },
      { code: '12', When: '2024-02-29' },
    ])
    expect((await as(ann).callTool('describe-dataset', { name: 'secret' })).structuredContent).toMatchObject({
      rows: 2,
      columns: [{ name: 'code', approxDistinct: 2 }, { min: '2024-01-31' }],
      sample: [{ code: '007' }, {}],
    })
    const tables = "SELECT table_name FROM information_schema.tables WHERE table_name = 'secret'"
    expect((await query(tables, ann)).rows).toHaveLength(1)
    expect((await query(tables, bob)).rows).toEqual([])
    expect((await refused(join, bob)).text).toContain('There is no dataset named')
    expect(await importCsv(ann, 'secret', 'n\n5\n')).toMatchObject({ structuredContent: { replaced: true } })
    expect((await query('SELECT * FROM secret', ann)).rows).toEqual([{ n: 5 }])
    expect(await importCsv(ann, 'flights', 'n\n5\n')).toMatchObject({ isError: true })
    expect(await importCsv(ann, 'secret', 'a,b\n1\n')).toMatchObject({ isError: true })
    expect((await query('SELECT * FROM secret', ann)).rows).toEqual([{ n: 5 }])
  })

  it('keeps people from readers, in every tool', async () => {
    const list = JSON.stringify(await as(ann).callTool('list-datasets'))
    expect([list.includes('people'), list.includes('flights')]).toEqual([false, true])
    for (const tool of ['describe-dataset', 'profile-dataset']) {
      expect(refusalIn(await as(ann).callTool(tool, { name: 'people' })).code).toBe('dataset_not_found')
    }
    const exported = await as(ann).callTool('export-dataset', { name: 'people', format: 'csv' })
    expect(refusalIn(exported).code).toBe('dataset_not_found')
    const { text } = await refused('SELECT * FROM people', ann)
    expect(text).not.toContain('Alan')
    expect((await query('SELECT name FROM people ORDER BY age')).rows).toEqual([
      { name: 'Fred' },
      { name: 'Alan' },
      { name: 'George' },
    ])
  })

  it('profiles a dataset', async () => {
    const answer = await as(ann).callTool('profile-dataset', { name: 'flights' })
    expect(answer.structuredContent).toMatchObject({
      rows: 600,
      sampledRows: 600,
      columns: [
        { name: 'date', mean: expect.stringMatching(/^2001-01-/) },
        { name: 'delay', mean: 9.5, min: -10, max: 29 },
        { name: 'distance' },
        { name: 'origin', top: [{ count: 150 }, {}, {}, {}] },
        { name: 'destination' },
      ],
      correlations: [{ columns: ['delay', 'distance'] }],
    })
  })

  it('exports a dataset', async () => {
    const answer = await as(ann).callTool('export-dataset', { name: 'flights', format: 'csv', limit: 500 })
    const exported = answer.structuredContent as { readonly uri: string }
    expect(exported).toMatchObject({ rows: 500, truncated: true })
    const { contents } = (await as(ann).readResource(exported.uri)) as {
      readonly contents: readonly { readonly text?: string }[]
    }
    expect(contents[0]?.text?.split(/\r?\n/).slice(0, 2)).toEqual([
      'date,delay,distance,origin,destination',
      '2001-01-01T10:30:00,-10,500,ORD,ATL',
    ])
    const movies = await as(ann).callTool('export-dataset', { name: 'movies', format: 'ndjson' })
    const { contents: lines } = (await as(ann).readResource(
      (movies.structuredContent as { readonly uri: string }).uri,
    )) as { readonly contents: readonly { readonly text?: string }[] }
    expect(JSON.parse(lines[0]?.text?.split('\n')[1] ?? '')).toEqual({
      Title: 'Heat',
      'IMDB Rating': 8.2,
      genres: ['crime', 'drama'],
      record: { high: 2 },
    })
  })

  it('knows the routes of airports', async () => {
    const answer = await as(ann).callTool('routes-of-airports', {
      codes: ['ord', 'LAZ', 'york', 'ZZZ', 'QQQQ'],
    })
    expect(answer.structuredContent).toMatchObject({
      airports: [
        { found: true, city: 'Chicago', flights: 150, destinations: 3, routes: [{ flights: 50 }, {}, {}] },
        { found: false, near: [{ code: 'LAX', name: 'Los Angeles International' }] },
        { found: false, near: [{ code: 'JFK' }] },
        { found: true, flights: 0, destinations: 0, routes: [] },
        { found: false, near: [] },
      ],
    })
  })
})
