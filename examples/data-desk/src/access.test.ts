import { type Authenticator, anonymous, type Principal, type Server } from 'holdfast'
import { cells, type TestClient } from 'holdfast/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { issueTokens, peoplePermission, readPermission, type Tokens } from './access.js'
import { createDataDesk } from './server.js'
import type { Services } from './services.js'

const files = new Set(['airports.csv', 'lookup_people.csv', 'flights-3m.parquet'])
/** Names that stand in no other dataset. */
const secrets = ['Alan', 'George', 'Fred']
let server: Server<Services>
let tokens: Tokens

beforeAll(async () => {
  tokens = await issueTokens()
  const only = (file: string): boolean => files.has(file)
  server = await createDataDesk({ only, auth: tokens.auth, permissions: true })
})
afterAll(() => server.close())

const principalOf = async (auth: Authenticator, token: string): Promise<Principal> => {
  const header = (name: string): string | undefined =>
    name === 'authorization' ? `Bearer ${token}` : undefined
  const result = await auth.authenticate({ transport: 'stdio', header })
  return result.ok ? result.principal : anonymous
}

type Who = 'reader' | 'people'

describe.each(cells({ revisions: ['2025-11-25', '2026-07-28'] }))('datasets about persons, $name', (cell) => {
  async function connectAs(who: Who): Promise<TestClient> {
    const client = await cell.connect(server, {
      ...(cell.transport === 'http'
        ? { headers: { authorization: `Bearer ${tokens[who]}` } }
        : { principal: await principalOf(tokens.auth, tokens[who]) }),
    })
    onTestFinished(() => client.close())
    return client
  }

  it('are seen, described and queried with the permission', async () => {
    const client = await connectAs('people')
    const listed = await client.callTool('list-datasets')
    expect(JSON.stringify(listed)).toContain('"people"')
    expect((await client.callTool('describe-dataset', { name: 'people' })).isError).not.toBe(true)
    const { structuredContent } = await client.callTool('query-dataset', {
      sql: 'SELECT name FROM people ORDER BY name',
    })
    expect(JSON.stringify(structuredContent)).toContain('Alan')
    await client.readResource('data://people/schema')
    const profile = await client.callTool('profile-dataset', { name: 'people' })
    expect(JSON.stringify(profile.structuredContent)).toContain('Alan')
    const { structuredContent: exported } = await client.callTool('export-dataset', {
      name: 'people',
      format: 'csv',
    })
    const { uri } = exported as { readonly uri: string }
    expect(JSON.stringify(await client.readResource(uri))).toContain('Alan')
    // The file is theirs alone, whoever else knows where it is.
    const reader = await connectAs('reader')
    await expect(reader.readResource(uri)).rejects.toThrow('There is no resource')
    const routes = await client.callTool('routes-of-airports', { codes: ['ABE'] })
    expect(routes.structuredContent).toMatchObject({ airports: [{ found: true }] })
  })

  it('are not profiled, exported or routed to without it', async () => {
    const client = await connectAs('reader')
    const missing = async (tool: string, name: string): Promise<string> => {
      const result = await client.callTool(tool, {
        name,
        ...(tool === 'export-dataset' && { format: 'csv' }),
      })
      expect(result).toMatchObject({
        isError: true,
        _meta: { 'dev.holdfast/error': { code: 'dataset_not_found' } },
      })
      return JSON.stringify(result).replaceAll(name, '')
    }
    for (const tool of ['profile-dataset', 'export-dataset']) {
      // A dataset that is hidden and one that was never there are told in the same words.
      for (const name of ['people', 'PEOPLE', 'lookup_people']) {
        expect(await missing(tool, name)).toBe(await missing(tool, 'zzzzzz'))
      }
      expect(await missing(tool, 'peopl')).not.toContain('people')
    }
    const { structuredContent } = await client.callTool('routes-of-airports', { codes: ['people', 'ABE'] })
    expect(structuredContent).toMatchObject({ airports: [{ found: false, near: [] }, { found: true }] })
  })

  it.each([
    'SELECT * FROM people',
    'SELECT * FROM "people"',
    'SELECT * FROM PEOPLE',
    'SELECT * FROM main.people',
    'SELECT * FROM memory.main.people',
    'FROM people',
    'TABLE people',
    'WITH p AS (SELECT * FROM people) SELECT * FROM p',
    'SELECT (SELECT max(name) FROM people)',
    'SELECT * FROM airports WHERE city IN (SELECT name FROM people)',
    'SELECT * FROM airports UNION ALL BY NAME SELECT * FROM people',
    'SELECT * FROM airports, LATERAL (SELECT * FROM people)',
    'SELECT * FROM /* */ people -- ',
    "SELECT * FROM query('SELECT * FROM people')",
    "SELECT * FROM query_table('people')",
    'DESCRIBE people',
    'SUMMARIZE people',
    'SHOW TABLES',
    'SHOW ALL TABLES',
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM information_schema.columns',
    'SELECT * FROM duckdb_tables()',
    "SELECT * FROM pragma_table_info('people')",
    "SELECT * FROM 'lookup_people.csv'",
    "SELECT * FROM read_csv('lookup_people.csv')",
    'EXPLAIN SELECT * FROM people',
    'PIVOT people ON name',
    'SELECT * FROM peopl',
    'SELECT "people"',
    'SELECT people.name FROM airports',
  ])('are not there without it: %s', async (sql) => {
    const client = await connectAs('reader')
    for (const [name, args] of [
      ['query-dataset', { sql }],
      ['format-rows', { sql, format: 'csv' }],
    ] as const) {
      const answer = JSON.stringify(await client.callTool(name, args))
      for (const secret of secrets) expect(answer).not.toContain(secret)
      // What a caller wrote itself may come back; a name that it did not write must not.
      if (!/people/i.test(sql)) expect(answer).not.toMatch(/people/i)
      // An answer that has rows must not be about them.
      expect(answer).not.toMatch(/"height"|lookup_people\.csv","rows"/)
    }
  })

  it('are in no list, schema, completion and suggestion without it', async () => {
    const client = await connectAs('reader')
    const answers = await Promise.all([
      client.callTool('list-datasets'),
      client.callTool('describe-dataset', { name: 'peple' }),
      client.callTool('describe-dataset', { name: 'peop' }),
      client.request('resources/list'),
      client.request('completion/complete', {
        ref: { type: 'ref/resource', uri: 'data://{name}/schema' },
        argument: { name: 'name', value: '' },
      }),
      client.request('completion/complete', {
        ref: { type: 'ref/prompt', name: 'explore-dataset' },
        argument: { name: 'dataset', value: 'p' },
      }),
      client.request('prompts/get', { name: 'explore-dataset', arguments: { dataset: 'peopl' } }),
    ])
    for (const answer of answers) expect(JSON.stringify(answer)).not.toMatch(/people/)
    await expect(client.readResource('data://people/schema')).rejects.toThrow('There is no resource')
    const { isError } = await client.callTool('describe-dataset', { name: 'people' })
    expect(isError).toBe(true)
  })
})

describe('a desk that asks for tokens', () => {
  it('shows nothing to whom it does not know', async () => {
    const [memory, http] = cells({ transports: ['memory', 'http'], revisions: ['2026-07-28'] })
    const stranger = await memory?.connect(server)
    expect(await stranger?.request('tools/list')).toMatchObject({ tools: [] })
    expect((await stranger?.callTool('list-datasets'))?.isError).toBe(true)
    await stranger?.close()
    const client = await http?.connect(server)
    await expect(client?.request('tools/list')).rejects.toMatchObject({ httpStatus: 401 })
    await client?.close()
  })

  it('makes tokens that say what they grant', async () => {
    const [reader, people] = await Promise.all(
      [tokens.reader, tokens.people].map((token) => principalOf(tokens.auth, token)),
    )
    expect([...(reader?.permissions ?? [])]).toEqual([readPermission])
    expect([...(people?.permissions ?? [])]).toEqual([readPermission, peoplePermission])
  })

  it('refuses a secret that can be guessed', async () => {
    await expect(issueTokens('secret')).rejects.toThrow(/secret/)
  })
})
