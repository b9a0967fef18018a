import { rm } from 'node:fs/promises'
import { anonymous, type Principal, type Server } from 'holdfast'
import { connect, type TestClient } from 'holdfast/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { peopleDatasets, peoplePermission, readPermission } from '../src/access.js'
import { chooseEngine } from '../src/desk-engine.js'
import { readAddresses } from '../src/postgres/addresses.js'
import { openPostgresDesk } from '../src/postgres/desk.js'
import { loadDatabases } from '../src/postgres/load-database.js'
import { importSchemaPrefix, postgresColumnNames } from '../src/postgres/names.js'
import { createDeskServer } from '../src/server.js'
import type { Services } from '../src/services.js'
import { type CsvHost, startCsvHost } from './csv-host.js'
import {
  type Answer,
  engineOf,
  loadOf,
  refusalIn,
  smallData,
  type TestDatabases,
  testDatabases,
} from './desk-world.js'

const url = inject('databaseUrl')
const nowhere = 'postgres://desk:secret@127.0.0.1:1/desk'

describe('DATABASE_URL', () => {
  it('is one of two addresses, and the second follows from the first', () => {
    expect(readAddresses({})).toBeUndefined()
    expect(readAddresses({ DATABASE_URL: '' })).toBeUndefined()
    expect(readAddresses({ DATABASE_URL: 'postgres://u:p@h/d?sslmode=require' })?.readers).toBe(
      'postgres://u:p@h/d_readers?sslmode=require',
    )
    expect(
      readAddresses({ DATABASE_URL: 'postgres://h/a', DATABASE_URL_READERS: 'postgres://i/b' })?.readers,
    ).toBe('postgres://i/b')
  })

  it.each([
    [{ DATABASE_URL: 'mysql://u:secret@h/d' }, 'DATABASE_URL must be an address'],
    [{ DATABASE_URL: 'postgres://u:secret@h' }, 'DATABASE_URL must be an address'],
    [{ DATABASE_URL: 'postgres://h/d', DATABASE_URL_READERS: 'secret' }, 'DATABASE_URL_READERS must be'],
  ])('is refused in one sentence without its password: %j', (env, sentence) => {
    expect(() => readAddresses(env)).toThrow(sentence)
    expect(() => readAddresses(env)).toThrow(/^((?!secret)[^\n])*\.$/)
  })

  it('leaves no room for --data, and stops the start when nothing answers', async () => {
    const env = { DATABASE_URL: nowhere }
    const choice = { permissions: false, env, onProgress: () => {} }
    expect(() => chooseEngine({ ...choice, data: 'here' })).toThrow('data-desk:load')
    const server = createDeskServer(chooseEngine({ ...choice, data: undefined }))
    await expect(server.start()).rejects.toThrow(
      /cannot start: The database postgres:\/\/127\.0\.0\.1:1\/desk cannot be reached \(ECONNREFUSED\)\.$/,
    )
    await server.close()
  })

  it('cuts names of columns as PostgreSQL does, and keeps them apart', () => {
    const long = 'é'.repeat(40)
    const names = postgresColumnNames(['a', `${long}1`, `${long}2`, 'A'])
    expect(new Set(names).size).toBe(4)
    expect(names.every((name) => Buffer.byteLength(name) <= 63 && !name.includes('\uFFFD'))).toBe(true)
  })
})

const caller = (subject: string, ...permissions: string[]): Principal => ({
  ...anonymous,
  kind: 'user',
  issuer: 'test',
  subject,
  permissions: new Set(permissions),
})

if (url !== undefined) {
  describe('a desk in PostgreSQL', () => {
    let data: string
    let host: CsvHost
    let databases: TestDatabases
    let server: Server<Services>
    let ann: TestClient
    let boss: TestClient
    let now = Date.now()

    beforeAll(async () => {
      data = await smallData()
      host = await startCsvHost()
      databases = await testDatabases(url, data)
      const limits = { queryTimeoutMs: 1000, now: () => now }
      const engine = engineOf('PostgreSQL', { data, databases }, true, limits)
      server = createDeskServer(engine, { permissions: true, allowFetch: [host.address] })
      await server.start()
      ann = await connect(server, { principal: caller('ann', readPermission) })
      boss = await connect(server, { principal: caller('boss', readPermission, peoplePermission) })
      const imported = await ann.callTool('import-csv', { url: host.url('n\n42\n'), name: 'mine' })
      expect(imported.isError).not.toBe(true)
    })
    afterAll(async () => {
      await ann.close()
      await boss.close()
      await server.close()
      const left = await databases.ask('select 1 from pg_stat_activity where datname like $1', [
        `${new URL(databases.all).pathname.slice(1)}%`,
      ])
      // The one that asks.
      expect(left).toHaveLength(1)
      await databases.drop()
      await host.close()
      await rm(data, { recursive: true })
    })

    const query = async (client: TestClient, sql: string): Promise<Answer> => {
      const answer = await client.callTool('query-dataset', { sql })
      if (answer.isError === true) throw new Error(JSON.stringify(answer.content))
      return answer.structuredContent as Answer
    }

    it.each([
      'SELECT * FROM pg_class',
      'SELECT * FROM pg_catalog.pg_class',
      'SELECT * FROM pg_stat_activity',
      'SELECT * FROM information_schema.schemata',
      'WITH pg_class AS (SELECT 1) SELECT * FROM pg_class',
      'SELECT (SELECT count(*) FROM pg_namespace)',
      'SELECT * FROM data_desk_catalog.datasets',
      'SELECT * FROM data_desk_catalog.imports',
      'SELECT * FROM other.data_desk.airports',
      'SELECT * FROM pg_temp.airports',
      "SELECT 'data_desk.people'::regclass",
      "SELECT CAST('people' AS pg_catalog.regclass)",
      "SELECT to_regclass('people')",
      "SELECT regclass('people')",
      'SELECT ((SELECT 1::oid)).regclass',
      'SELECT 16384::regnamespace',
      "SELECT ARRAY['people']::regclass[]",
      'SELECT NULL::data_desk_catalog.datasets',
      "SELECT has_table_privilege('people', 'select')",
      'SELECT pg_get_userbyid(10)',
      'SELECT * FROM pg_show_all_settings()',
      'SELECT * FROM pg_stat_get_activity(NULL)',
      'SELECT pg_relation_size(1259)',
      'SELECT current_user',
      'SELECT session_user, current_schema',
      'SELECT current_database()',
      'SELECT version()',
      "SELECT set_config('role', 'none', true)",
      "SELECT pg_read_file('/etc/passwd')",
      "SELECT * FROM query_to_xml('select 1', true, true, '')",
      "SELECT * FROM dblink('x', 'select 1') AS t(a int)",
      "SELECT lo_import('/etc/passwd')",
      'SELECT pg_sleep(60)',
      'SELECT (1).pg_sleep',
      'SELECT pg_terminate_backend(1)',
      'SELECT * FROM people FOR UPDATE',
      'SELECT * INTO x FROM airports',
      'WITH x AS (DELETE FROM airports RETURNING *) SELECT * FROM x',
      'COPY airports TO PROGRAM $$cat$$',
      'SET ROLE none',
      'RESET ROLE',
      'SELECT 1; RESET ROLE',
      'COMMIT',
      'SHOW ALL',
      'DO $$ BEGIN END $$',
      'CREATE TEMP TABLE x (a int)',
      'SELECT 1) AS q; SELECT (2',
      'SELECT 1) AS q, (SELECT * FROM pg_authid',
      'SELECT 1 -- \n) AS q --',
      "SELECT 1 /* ' */ ) --",
    ])('refuses %s', async (sql) => {
      for (const client of [ann, boss]) {
        const { code, text } = refusalIn(await client.callTool('query-dataset', { sql }))
        expect(['not_read_only', 'sql_error']).toContain(code)
        expect(text).not.toMatch(new RegExp(`Alan|127\\.0\\.0|${importSchemaPrefix}`))
      }
    })

    it.each([
      'SELECT * FROM people',
      'SELECT * FROM data_desk.people',
      'SELECT NULL::people',
      'SELECT * FROM airports, LATERAL (SELECT * FROM people) p',
      'SELECT people.name FROM airports',
      'TABLE people',
    ])('has no people for readers: %s', async (sql) => {
      const { text } = refusalIn(await ann.callTool('query-dataset', { sql }))
      expect(text).not.toMatch(/Alan|George/)
      const tables = await query(ann, 'SELECT table_name FROM information_schema.tables')
      expect(JSON.stringify(tables.rows)).not.toContain('people')
    })

    it('lets the role of statements read datasets only, whatever gets through the parser', async () => {
      const [schema] = await databases.ask(
        `select schemaname as name from pg_tables where schemaname like '${importSchemaPrefix}%'`,
      )
      expect(schema).toBeUndefined()
      const { code } = refusalIn(
        await boss.callTool('import-csv', { url: host.url('a,b\n1\n'), name: 'broken' }),
      )
      expect(code).toBe('csv_malformed')
      await boss.callTool('import-csv', { url: host.url('n\n1\n'), name: 'mine' })
      const [made] = await databases.ask(
        `select schemaname as name, tablename from pg_tables where schemaname like '${importSchemaPrefix}%'`,
      )
      const role = `${new URL(databases.all).pathname.slice(1)}_data_desk_reader`
      const may = async (sql: string): Promise<string> =>
        databases.ask(sql, []).then(
          () => 'done',
          (error: unknown) => String((error as { code?: string }).code),
        )
      const asRole = (sql: string): string => `do $do$ begin set local role "${role}"; ${sql}; end $do$`
      expect(await may(asRole('perform * from data_desk.people'))).toBe('done')
      expect(await may(asRole(`perform * from "${String(made?.['name'])}".mine`))).toBe('42501')
      expect(await may(asRole('perform * from data_desk_catalog.imports'))).toBe('42501')
      expect(await may(asRole('delete from data_desk.people'))).toBe('42501')
      expect(await may(asRole('create table data_desk.x (a int)'))).toBe('42501')
      expect(await may(asRole('create schema x'))).toBe('42501')
      // A right that a query was given went with it.
      expect((await query(boss, 'SELECT n FROM mine')).rows).toEqual([{ n: 1 }])
      expect(await may(asRole(`perform * from "${String(made?.['name'])}".mine`))).toBe('42501')
    })

    it('answers a caller whose queries over imports come at once', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => query(ann, 'SELECT n FROM mine')))
      expect(answers.map(({ rows }) => rows)).toEqual(Array.from({ length: 8 }, () => [{ n: 42 }]))
    })

    it('makes every value JSON', async () => {
      const { rows } = await query(
        boss,
        `SELECT 9007199254740993 AS big, 12 AS small, 1.50::numeric(4,2) AS price, 12345678901234567.89::numeric AS exact,
          DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:30:00.5' AS moment,
          TIMESTAMPTZ '2024-02-29 12:30:00+02' AS instant, 'NaN'::float8 AS nan, 'infinity'::numeric AS endless,
          'abc'::bytea AS bytes, ARRAY[1, NULL, 9007199254740993] AS list, ARRAY[[1, 2], [3, 4]] AS lists,
          row(1, 'x') AS pair, INTERVAL '90 minutes' AS span, '{"a":[1]}'::json AS json, NULL AS missing,
          'infinity'::date AS never, TIME '01:02:03' AS clock, true AS yes, '"x"'::jsonb AS text,
          ARRAY[TIMESTAMPTZ '2024-02-29 12:30:00+02'] AS instants, int4range(1, 3) AS span2`,
      )
      expect(rows[0]).toEqual({
        big: '9007199254740993',
        small: 12,
        price: 1.5,
        exact: '12345678901234567.89',
        day: '2024-02-29',
        moment: '2024-02-29T12:30:00.5',
        instant: '2024-02-29T10:30:00Z',
        nan: null,
        endless: null,
        bytes: 'YWJj',
        list: [1, null, '9007199254740993'],
        lists: [
          [1, 2],
          [3, 4],
        ],
        pair: { f1: 1, f2: 'x' },
        span: '01:30:00',
        json: { a: [1] },
        missing: null,
        never: 'infinity',
        clock: '01:02:03',
        yes: true,
        text: 'x',
        instants: ['2024-02-29T10:30:00Z'],
        span2: '[1,3)',
      })
    })

    it('stops what runs too long', async () => {
      const sql = 'SELECT count(*) FROM generate_series(1, 1000000000000)'
      expect(refusalIn(await boss.callTool('query-dataset', { sql })).code).toBe('query_timeout')
      expect((await query(boss, 'SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    })

    it('cancels a query in the database', async () => {
      const running = async (): Promise<number> =>
        (
          await databases.ask(
            `select 1 from pg_stat_activity where application_name = 'data-desk' and state = 'active' and query like '%holdfast_1'
             and datname = current_database()`,
          )
        ).length
      const cancel = new AbortController()
      const sql = 'SELECT count(*) FROM generate_series(1, 1000000000001)'
      const call = boss.callTool('query-dataset', { sql }, { signal: cancel.signal }).catch(() => 'ended')
      await expect.poll(running).toBe(1)
      cancel.abort()
      await expect.poll(running, { interval: 10, timeout: 700 }).toBe(0)
      await call
    })

    it('drops imports when they have expired, and what others left behind', async () => {
      await boss.callTool('import-csv', { url: host.url('n\n1\n'), name: 'old' })
      const schemas = async (): Promise<number> =>
        (await databases.ask(`select 1 from pg_namespace where nspname like '${importSchemaPrefix}%'`)).length
      expect(await schemas()).toBe(2)
      now += 3_700_000
      expect(refusalIn(await boss.callTool('query-dataset', { sql: 'SELECT * FROM old' })).code).toBe(
        'sql_error',
      )
      await boss.callTool('import-csv', { url: host.url('n\n1\n'), name: 'new' })
      await expect.poll(schemas).toBe(1)
      // One that a killed server left.
      await databases.ask(`create schema ${importSchemaPrefix}left`)
      await databases.ask(
        `insert into data_desk_catalog.imports values ('${importSchemaPrefix}left', now() - interval '1 minute')`,
      )
      const desk = await openPostgresDesk({ address: databases.all, as: 'database' })
      expect(await schemas()).toBe(1)
      await desk.close()
    })

    it('is loaded again only where a file has changed', async () => {
      const lines: string[] = []
      const load = (maxRows?: number): Promise<void> =>
        loadDatabases({
          ...loadOf(databases),
          data,
          ...(maxRows !== undefined && { maxRows }),
          onProgress: (line) => lines.push(line),
        })
      await load()
      expect(lines.map((line) => line.replace(/[\d.]+ s$/, ''))).toEqual([
        expect.stringContaining(': 4 datasets, 4 of them as they were, '),
        expect.stringContaining('_readers: 3 datasets, 3 of them as they were, '),
      ])
      await databases.ask('create table data_desk.stray (a int)')
      lines.length = 0
      await load(10)
      expect(lines[0]).toBe('dropped stray: no dataset any more')
      expect((await query(boss, 'SELECT count(*) AS n FROM flights')).rows).toEqual([{ n: 10 }])
      expect((await query(boss, 'SELECT count(*) AS n FROM people')).rows).toEqual([{ n: 3 }])
    })
  })

  describe('a database that cannot be served', () => {
    it('stops the start with one sentence that says what to run', async () => {
      const data = await smallData()
      const databases = await testDatabases(url)
      const opened = (address: string, without?: ReadonlySet<string>): Promise<unknown> =>
        openPostgresDesk({ address, as: 'database', ...(without !== undefined && { without }) })
      const run = /run "npm run data-desk:load" with this DATABASE_URL\.$/
      try {
        await expect(opened(databases.all)).rejects.toThrow(/^There is no database/)
        await expect(opened(databases.readers, peopleDatasets)).rejects.toThrow(/without people/)
        await expect(opened(databases.readers, peopleDatasets)).rejects.toThrow(run)
        const [target] = loadOf(databases).targets
        if (target !== undefined) await loadDatabases({ targets: [target], data, onProgress: () => {} })
        await expect(opened(databases.all, peopleDatasets)).rejects.toThrow(/holds people/)
        await databases.ask('delete from data_desk_catalog.datasets')
        await expect(opened(databases.all)).rejects.toThrow(/holds no datasets yet/)
        await databases.ask('drop schema data_desk_catalog cascade')
        await expect(opened(databases.all)).rejects.toThrow(run)
      } finally {
        await databases.drop()
        await rm(data, { recursive: true })
      }
    })
  })
}
