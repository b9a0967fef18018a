import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Desk, openDesk } from './desk.js'
import { QueryRefusal } from './refusal.js'

const files = new Set(['airports.csv', 'lookup_people.csv', 'movies.json', 'weekly-weather.json'])
let desk: Desk

beforeAll(async () => {
  desk = await openDesk({ only: (file) => files.has(file) })
})
afterAll(() => desk.close())

async function refusalOf(sql: string): Promise<QueryRefusal> {
  try {
    await desk.query(sql)
  } catch (error) {
    if (error instanceof QueryRefusal) return error
    throw error
  }
  throw new Error(`This was answered: ${sql}`)
}

const notReadOnly = [
  "ATTACH '/tmp/x.db'",
  "ATTACH ':memory:' AS other",
  'DETACH memory',
  'USE memory',
  "COPY airports TO '/tmp/x.csv'",
  "COPY (SELECT 1) TO '/dev/stdout'",
  "COPY airports FROM '/etc/passwd'",
  "EXPORT DATABASE '/tmp/y'",
  'INSTALL httpfs',
  'LOAD httpfs',
  "FORCE INSTALL 'x'",
  'PRAGMA database_list',
  'PRAGMA enable_profiling',
  "PRAGMA table_info('airports')",
  'SET threads = 8',
  'SET enable_external_access = true',
  'RESET enable_external_access',
  'SET VARIABLE x = 1',
  'CALL pragma_version()',
  'CALL enable_logging()',
  'INSERT INTO airports SELECT * FROM airports',
  "UPDATE airports SET name = 'x'",
  'DELETE FROM airports',
  'TRUNCATE airports',
  'MERGE INTO airports USING airports b ON true WHEN MATCHED THEN DELETE',
  'CREATE TABLE t (a INT)',
  'CREATE TEMP TABLE t (a INT)',
  'CREATE VIEW v AS SELECT 1',
  'CREATE MACRO m() AS 1',
  'CREATE SEQUENCE s',
  "CREATE SECRET (TYPE s3, KEY_ID 'a')",
  'DROP TABLE airports',
  'ALTER TABLE airports ADD COLUMN z INT',
  "COMMENT ON TABLE airports IS 'x'",
  'BEGIN',
  'COMMIT',
  'CHECKPOINT',
  'VACUUM',
  'ANALYZE',
  'PREPARE p AS SELECT 1',
  'EXECUTE p',
  'EXPLAIN ANALYZE SELECT 1',
  'PIVOT airports ON state USING count(*)',
  'SELECT 1; DROP TABLE airports',
  'SELECT 1; SELECT 2',
  '/* SELECT 1 */ DELETE FROM airports',
  '-- SELECT\nDROP TABLE airports',
  "SELECT * FROM '/etc/passwd'",
  "SELECT * FROM '/etc/passwd.csv'",
  "SELECT * FROM 'http://127.0.0.1:9/x.parquet'",
  "SELECT * FROM read_csv('/etc/passwd')",
  "SELECT * FROM read_csv_auto(['/etc/passwd'])",
  "SELECT * FROM read_text('/etc/passwd')",
  "SELECT * FROM read_blob('/etc/passwd')",
  "SELECT * FROM read_json('/etc/passwd')",
  "SELECT * FROM read_ndjson_objects('/etc/passwd')",
  "SELECT * FROM read_parquet('http://127.0.0.1:9/x')",
  "SELECT * FROM parquet_metadata('/etc/passwd')",
  "SELECT * FROM sniff_csv('/etc/passwd')",
  "SELECT * FROM glob('/etc/*')",
  "DESCRIBE SELECT * FROM read_csv('/etc/passwd')",
  "SUMMARIZE SELECT * FROM read_csv('/etc/passwd')",
  "WITH x AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x",
  "SELECT (SELECT content FROM read_text('/etc/passwd'))",
  "SELECT 1 WHERE EXISTS (FROM glob('/etc/*'))",
  "FROM (PIVOT (FROM glob('/etc/*')) ON file IN ('a') USING count(*))",
  "SELECT 1 UNION ALL SELECT count(*) FROM glob('/etc/*')",
  "SELECT 1 ORDER BY (SELECT count(*) FROM glob('/etc/*'))",
  "SELECT 1 LIMIT (SELECT count(*) FROM glob('/etc/*'))",
  "SELECT list_transform([1], lambda x: (SELECT getenv('HOME')))",
  "SELECT getenv('HOME')",
  "SELECT ('HOME').getenv()",
  "SELECT current_setting('secret_directory')",
  "SELECT system.main.current_setting('temp_directory')",
  "SELECT getvariable('x')",
  'SELECT * FROM duckdb_settings()',
  'SELECT * FROM duckdb_secrets()',
  'SELECT * FROM duckdb_extensions()',
  'SELECT * FROM duckdb_databases',
  'SELECT * FROM pragma_database_list',
  'SELECT * FROM sqlite_master',
  'SELECT * FROM pg_catalog.pg_settings',
  'SELECT * FROM system.main.duckdb_views',
  'SELECT * FROM information_schema.character_sets',
  'SELECT * FROM enable_profiling()',
  'SELECT * FROM enable_logging()',
  'SELECT * FROM checkpoint()',
  'SELECT * FROM force_checkpoint()',
  "SELECT * FROM query('SELECT 1')",
  "SELECT * FROM query_table('airports')",
  "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
  "SELECT write_log('x')",
  "SELECT nextval('s')",
  'SELECT setseed(0.5)',
  'SELECT sleep_ms(60000)',
  'SELECT pg_sleep(60)',
  "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000))",
  "SELECT error('x')",
  'SELECT * FROM arrow_scan(1, 2, 3)',
  'SELECT __internal_decompress_string(255::UTINYINT)',
  "SELECT variant_bytes_to_variant('x'::BLOB)",
  "SELECT finalize('x')",
  'SELECT current_query()',
  'SHOW DATABASES',
  'WITH duckdb_settings AS (SELECT 1) SELECT * FROM duckdb_views',
  'SELECT * FROM (WITH duckdb_views AS (SELECT 1) FROM duckdb_views), duckdb_views',
  "VALUES (current_setting('home_directory'))",
]

describe('what is not a read of the datasets', () => {
  it.each(notReadOnly)('%s', async (sql) => {
    const refusal = await refusalOf(sql)
    expect([refusal.message, refusal.code]).toEqual([refusal.message, 'not_read_only'])
    expect(refusal.message).not.toMatch(/\/(etc|tmp|root|home|dev)\b/)
    expect(refusal.message.endsWith('.')).toBe(true)
  })

  it('names the part that is not allowed', async () => {
    expect((await refusalOf('DROP TABLE airports')).message).toContain('DROP')
    expect((await refusalOf("SELECT * FROM read_csv('x')")).message).toContain('read_csv()')
    expect((await refusalOf('FROM duckdb_views')).message).toContain('duckdb_views')
    expect((await refusalOf('SELECT 1; SELECT 2')).message).toContain('2 statements')
  })

  it('leaves the data as it was, and everything still works', async () => {
    const { rows } = await desk.query('SELECT count(*) AS n FROM airports')
    expect(rows).toEqual([{ n: 3376 }])
    expect(desk.state()).toEqual({ idle: 3, waiting: 0 })
  })
})

const mistakes: [sql: string, message: RegExp, hint: RegExp][] = [
  ['SELECT nam FROM airports', /"nam" not found/, /name/],
  ['SELECT airports.nam FROM airports', /"nam"/, /name/],
  ['SELECT * FROM airprots', /no dataset named "airprots"/, /airports/],
  ['SELECT uper(name) FROM airports', /no function named "uper"/, /upper/],
  ['SELEC 1', /syntax error/, /DuckDB SQL/],
  ['SELECT * FROM airports WHERE', /syntax error/, /DuckDB SQL/],
  ["SELECT CAST('abc' AS INT)", /Could not convert/, /^$/],
  ['SELECT name, count(*) FROM airports', /GROUP BY/, /^$/],
  ['SELECT ?', /parameters/, /values/],
  ['', /empty/, /^$/],
  [';', /empty/, /^$/],
  ['-- nothing', /empty/, /^$/],
  ['SELECT 1\0; DROP TABLE airports', /NUL/, /^$/],
  [`SELECT ${'1,'.repeat(20_000)}1`, /20000 are allowed/, /^$/],
  ['WITH x AS (DELETE FROM airports RETURNING *) FROM x', /CTE needs a SELECT/, /./],
  ['SELECT * INTO x FROM airports', /SELECT INTO/, /./],
]

describe('SQL mistakes', () => {
  it.each(mistakes)('%s', async (sql, message, hint) => {
    const refusal = await refusalOf(sql)
    expect(refusal.code).toBe('sql_error')
    expect(refusal.message).toMatch(message)
    expect(refusal.message).not.toMatch(/\n|LINE \d/)
    expect(refusal.hint ?? '').toMatch(hint)
  })

  it('is refused or answered, but never ends the process, when nested deeply', async () => {
    const deep = `SELECT ${'('.repeat(4000)}1${')'.repeat(4000)}`
    const sums = `SELECT 1${' + 1'.repeat(4000)}`
    const selects = `${'SELECT * FROM ('.repeat(800)}SELECT 1${')'.repeat(800)}`
    for (const sql of [deep, sums, selects]) {
      const outcome = await desk.query(sql).then(
        () => 'answered',
        (error: unknown) => (error instanceof QueryRefusal ? error.code : error),
      )
      expect(['answered', 'sql_error', 'result_too_large']).toContain(outcome)
    }
  })
})

const reads: [sql: string, rows: number][] = [
  ['SELECT 1;', 1],
  ['SELECT 1;;', 1],
  ['/* c */ SELECT 1 -- end', 1],
  ['WITH big AS (SELECT * FROM airports WHERE latitude > 60) SELECT count(*) FROM big', 1],
  ['WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) FROM t', 5],
  ['FROM people', 9],
  ['VALUES (1), (2)', 2],
  ['TABLE people', 9],
  ['DESCRIBE people', 3],
  ['SUMMARIZE people', 3],
  ['SHOW TABLES', 4],
  ["SELECT 'DROP TABLE airports; --' AS text", 1],
  ['SELECT * FROM main.people', 9],
  ['SELECT * FROM memory.main.people', 9],
  ['SELECT * FROM PEOPLE', 9],
  ['SELECT table_name FROM information_schema.tables', 4],
  ['SELECT name, row_number() OVER (ORDER BY age), lag(age) OVER (ORDER BY age) FROM people', 9],
  ['SELECT name FROM people QUALIFY rank() OVER (ORDER BY height DESC) <= 2', 2],
  ['FROM (PIVOT people ON age IN (25, 32) USING count(*))', 9],
  ['SELECT unnest([1, 2, 3]), {a: 1}, MAP {1: 2}, [x + 1 FOR x IN [1, 2]]', 3],
  ['SELECT random() < 2, now() IS NOT NULL, uuid() IS NOT NULL, current_date IS NOT NULL', 1],
  ["SELECT strftime(DATE '2024-01-02', '%Y'), extract(year FROM DATE '2024-01-02'), INTERVAL 3 DAY", 1],
  ["SELECT regexp_extract('a1', '\\d'), 'a' ILIKE 'A', trim(' x '), position('a' IN 'ba')", 1],
  ['SELECT * FROM range(5), generate_series(1, 2)', 10],
  [
    'SELECT quantile_cont(age, 0.5), stddev(height), corr(age, height), approx_count_distinct(name) FROM people',
    1,
  ],
  ['SELECT * EXCLUDE (name) REPLACE (age + 1 AS age) FROM people', 9],
  ["SELECT COLUMNS(c -> c LIKE 'a%') FROM people", 9],
  ['SELECT record.high FROM weekly_weather', 10],
  ['SELECT "Title" FROM movies WHERE "Title" = \'300\'', 1],
  ['SELECT * FROM people p JOIN people q USING (name) ASOF JOIN people r ON p.age >= r.age', 9],
]

describe('what is a read', () => {
  it.each(reads)('%s', async (sql, rows) => {
    expect((await desk.query(sql)).rows).toHaveLength(rows)
  })
})
