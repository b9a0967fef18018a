import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CsvHost, startCsvHost } from '../../test/csv-host.js'
import { type CallerDesk, type Desk, openDesk } from '../data/desk.js'
import { QueryRefusal } from '../data/refusal.js'

let desk: Desk
let host: CsvHost

async function importAs(caller: string, name: string, text: string): Promise<void> {
  await desk.forCaller(caller).importCsv({ url: host.url(text), name, fetch })
}

beforeAll(async () => {
  desk = await openDesk({ only: (file) => file === 'lookup_people.csv' })
  host = await startCsvHost()
  await importAs('alice', 'sales', 'amount,top_secret\n1,from alice\n')
  await importAs('alice', 'salaries', 'name,top_secret\nAnna,from alice\n')
  await importAs('bob', 'sales', 'amount,region\n7,from bob\n8,from bob\n')
})
afterAll(async () => {
  desk.close()
  await host.close()
})

/** What a statement gives, or how it is refused, as one text. */
async function outcome(reader: CallerDesk, sql: string): Promise<string> {
  try {
    return JSON.stringify(await reader.query(sql))
  } catch (error) {
    if (!(error instanceof QueryRefusal)) throw error
    return JSON.stringify([error.code, error.message, error.hint])
  }
}

describe('each caller', () => {
  it('has its own table of a name', async () => {
    expect((await desk.forCaller('alice').query('FROM sales')).rows).toEqual([
      { amount: 1, top_secret: 'from alice' },
    ])
    expect((await desk.forCaller('bob').query('SELECT sum(sales.amount) AS sum FROM sales')).rows).toEqual([
      { sum: 15 },
    ])
  })

  it('joins it with the datasets of all', async () => {
    const sql = 'SELECT count(*) AS n FROM people JOIN sales ON true JOIN main.people AS more ON true'
    expect((await desk.forCaller('bob').query(sql)).rows).toEqual([{ n: 9 * 2 * 9 }])
  })

  it('finds it wherever datasets are listed', async () => {
    const bob = desk.forCaller('bob')
    expect([...bob.datasets.keys()]).toEqual(['people', 'sales'])
    for (const sql of ['SHOW TABLES', 'SELECT table_name AS name FROM information_schema.tables']) {
      expect((await bob.query(sql)).rows).toEqual([{ name: 'people' }, { name: 'sales' }])
    }
    expect(await outcome(bob, 'FROM sale')).toContain('sales')
    expect(await outcome(bob, 'SELECT regio FROM sales')).toContain('region')
    expect((await bob.describe('sales'))?.columns.map(({ name }) => name)).toEqual(['amount', 'region'])
    expect((await bob.query('DESCRIBE sales')).rows).toHaveLength(2)
    expect((await bob.query('SUMMARIZE sales')).rows).toHaveLength(2)
    expect((await bob.query('FROM "SALES"')).rows).toHaveLength(2)
    expect(bob.near('sale')).toEqual(['sales'])
  })

  it('does not find what others have', async () => {
    for (const caller of ['bob', 'carol', '', 'ALICE', 'alice ']) {
      const reader = desk.forCaller(caller)
      expect(reader.datasets.has('salaries')).toBe(false)
      expect(reader.imported.has('salaries')).toBe(false)
      expect(await reader.describe('salaries')).toBeUndefined()
      expect(reader.near('salaries')).not.toContain('salaries')
    }
    expect([...desk.datasets.keys()]).toEqual(['people'])
    expect(await desk.describe('sales')).toBeUndefined()
  })
})

/** Ways to name a table. @ stands for one that another caller has, and for one that nobody has. */
const naming = [
  'SELECT * FROM @',
  'FROM "@"',
  "FROM '@'",
  'FROM main.@',
  'FROM memory.@',
  'FROM memory.main.@',
  'FROM temp.@',
  'FROM temp.main.@',
  'FROM "temp"."main"."@"',
  'FROM pg_temp.@',
  'FROM system.main.@',
  'FROM alice.@',
  'FROM people, @',
  'FROM people JOIN @ ON true',
  'SELECT (SELECT count(*) FROM @)',
  'SELECT 1 WHERE EXISTS (FROM temp.@)',
  'WITH x AS (FROM @) FROM x',
  'WITH x AS (FROM temp.@) FROM x',
  'WITH RECURSIVE @ AS (SELECT 1 UNION ALL FROM temp.main.@) FROM @',
  'FROM (PIVOT @ ON name IN (1) USING count(*))',
  'FROM (UNPIVOT temp.@ ON name)',
  'SELECT 1 UNION ALL SELECT count(*) FROM @',
  'SELECT * FROM people ORDER BY (SELECT count(*) FROM @)',
  'FROM people, LATERAL (FROM @)',
  'FROM people POSITIONAL JOIN @',
  'SELECT @ FROM people',
  'SELECT @.* FROM people',
  'SELECT @.top_secret FROM people',
  'TABLE @',
  'DESCRIBE @',
  'DESCRIBE temp.@',
  'DESC @',
  'SHOW @',
  'SHOW TABLES FROM @',
  'SUMMARIZE @',
  'SUMMARIZE temp.main.@',
  'FROM (DESCRIBE @)',
  'FROM (SUMMARIZE @)',
  'FROM (SHOW @)',
  "FROM query_table('@')",
  "FROM query_table(['@'])",
  "FROM query('FROM @')",
  "FROM pragma_table_info('@')",
  "FROM pragma_storage_info('@')",
  "FROM pragma_show('@')",
  "PRAGMA table_info('@')",
  "PRAGMA storage_info('@')",
  "FROM seq_scan('@')",
  "SELECT '@'::regclass",
  "SELECT col_description('@', 1)",
  "FROM json_execute_serialized_sql(json_serialize_sql('FROM @'))",
  'EXPLAIN FROM @',
  'COPY @ TO STDOUT',
  'CREATE VIEW v AS FROM @',
  'DROP TABLE @',
  'DELETE FROM temp.@',
  "SELECT * FROM people WHERE name = '@'",
  'WITH @ AS (SELECT 1 AS n) FROM @',
]

/** Ways to ask what there is. */
const listing = [
  'SHOW TABLES',
  'SHOW ALL TABLES',
  'SHOW DATABASES',
  'SHOW',
  'SHOW TABLES FROM temp',
  'SHOW TABLES FROM temp.main',
  'DESCRIBE',
  'DESC',
  'FROM (SHOW TABLES)',
  'FROM (SHOW ALL TABLES)',
  'FROM (DESCRIBE)',
  'FROM information_schema.tables',
  'FROM information_schema.columns',
  'FROM "information_schema"."columns"',
  'FROM system.information_schema.tables',
  'FROM temp.information_schema.tables',
  'FROM information_schema.schemata',
  'FROM information_schema.table_constraints',
  'FROM duckdb_tables',
  'FROM duckdb_tables()',
  'FROM duckdb_columns',
  'FROM duckdb_columns()',
  'FROM duckdb_views()',
  'FROM duckdb_constraints()',
  'FROM duckdb_schemas()',
  'FROM duckdb_databases()',
  'FROM duckdb_dependencies()',
  'FROM duckdb_temporary_files()',
  'FROM duckdb_memory()',
  'FROM duckdb_prepared_statements()',
  'FROM duckdb_variables()',
  'FROM duckdb_logs()',
  'FROM sqlite_master',
  'FROM sqlite_temp_master',
  'FROM sqlite_schema',
  'FROM pg_catalog.pg_class',
  'FROM pg_class',
  'FROM pg_tables',
  'FROM pg_catalog.pg_attribute',
  'FROM pg_catalog.pg_description',
  'FROM pg_temp.pg_class',
  'FROM pragma_database_size()',
  'PRAGMA show_tables',
  'PRAGMA show_tables_expanded',
  'PRAGMA database_list',
  'CALL pragma_show_tables()',
  'FROM pragma_show_tables()',
  'FROM pragma_show_tables_expanded()',
  'SELECT current_query()',
  "SELECT * FROM glob('*')",
  'FROM salarie',
  'FROM temp.salarie',
  'SELECT salarie FROM people',
  'SELECT top_secre FROM people',
  'SELECT COLUMNS(c -> true) FROM people',
]

/** Carol has no connection of her own; what names one of his tables Bob asks on his. */
const readers = [
  ['carol', ''],
  ['bob', ''],
  ['bob', ' /* sales */'],
] as const

describe.each(readers)('%s asks%s, and', (caller, comment) => {
  it.each(naming)('learns nothing from %s', async (sql) => {
    const reader = desk.forCaller(caller)
    const hers = await outcome(reader, sql.replaceAll('@', 'salaries') + comment)
    const nobodys = await outcome(reader, sql.replaceAll('@', 'zalariez') + comment)
    expect(hers.replaceAll('salaries', 'zalariez')).toBe(nobodys)
    expect(hers).not.toMatch(/from alice|Anna/)
  })

  it.each(listing)('is not shown another’s table by %s', async (sql) => {
    const shown = await outcome(desk.forCaller(caller), sql + comment)
    expect(shown).not.toMatch(/salaries|from alice|Anna|"top_secret/)
  })
})

it('shows what a caller is importing to nobody else', async () => {
  let finish = (): void => {}
  const url = host.url((response) => {
    response.write(`amount,top_secret\n${'1,from alice\n'.repeat(50_000)}`)
    finish = () => response.end()
  })
  const importing = desk.forCaller('alice').importCsv({ url, name: 'later', fetch })
  while (!(await outcome(desk.forCaller('alice'), 'SHOW TABLES')).includes('(importing)'));
  for (const caller of ['bob', 'carol']) {
    for (const sql of ['SHOW TABLES', 'FROM information_schema.columns']) {
      const shown = await outcome(desk.forCaller(caller), sql)
      expect(shown).toContain('people')
      expect(shown).not.toMatch(/top_secret|later|importing/)
    }
  }
  for (const caller of ['alice', 'bob', 'carol']) {
    expect(await outcome(desk.forCaller(caller), 'FROM "(importing)" /* sales */')).toContain('no dataset')
  }
  finish()
  await importing
  expect(await outcome(desk.forCaller('alice'), 'SHOW TABLES')).toMatch(/^(?!.*importing).*later/)
})
