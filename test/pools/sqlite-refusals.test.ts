import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sqlite, SqliteError, sqlite } from '../../src/services/sqlite/index.js'
import { failureOf } from './processes.js'
import { type Running, run, testCall } from './service-world.js'

const Libsql = createRequire(import.meta.url)('libsql') as new (
  file: string,
) => {
  exec(text: string): void
  close(): void
}

/** libsql brings functions for files along, and is there whatever the version of Node; the first is what users get. */
describe.each([undefined, 'libsql'] as const)('sqlite against attacks, driver %s', (driver) => {
  let folder: string
  let service: Running<Sqlite>
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-sqlite-'))
    const file = join(folder, 'data.db')
    const writing = await run(sqlite({ file, readOnly: false }))
    await writing.as(testCall()).execute('CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)')
    await writing.as(testCall()).execute("INSERT INTO items (name) VALUES ('one'), ('two')")
    await writing.stop()
    const hostile = new Libsql(file)
    hostile.exec("CREATE VIEW files AS SELECT readfile('/etc/passwd') AS text")
    hostile.close()
    service = await run(sqlite({ file, readers: 1, ...(driver !== undefined && { driver }) }))
  })
  afterAll(async () => {
    await service.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it.each([
    "ATTACH DATABASE '/tmp/other.db' AS other",
    'attach database "/tmp/other.db" as other',
    '/* c */ -- c\n ;; ATTACH DATABASE :file AS other',
    "SELECT load_extension('/tmp/x.so')",
    'PRAGMA writable_schema = on',
    "VACUUM INTO '/tmp/copy.db'",
    'BEGIN',
    "INSERT INTO items (name) VALUES ('x')",
    "WITH a AS (SELECT 1) INSERT INTO items (name) SELECT 'x' FROM a",
    'CREATE TEMP TABLE t (a)',
    'DROP TABLE items',
    'SELECT 1; DROP TABLE items',
    "SELECT ';'; ATTACH DATABASE '/tmp/other.db' AS other",
    'SELECT writefile(1, 2)',
    "SELECT readfile('/etc/passwd')",
    'SELECT "readfile" /* ( */ (:path)',
    "SELECT [ReadFile]('/etc/passwd') FROM items",
    "SELECT * FROM fsdir('/etc')",
    "SELECT * FROM 'fsdir' WHERE path = '/etc'",
    'SELECT * FROM items, main.`fsdir` AS f WHERE f.path = 1',
    "SELECT fts3_tokenizer('simple')",
    'SELECT * FROM files',
    '',
    '-- nothing',
    'SELECT 1\0; DROP TABLE items',
  ])('refuses %j', async (statement) => {
    const failure = await failureOf(service.as(testCall()).query(statement))
    expect(failure).toBeInstanceOf(SqliteError)
    expect(await service.as(testCall()).get('SELECT count(*) AS n FROM items')).toEqual({ n: 2 })
  })

  it('refuses in SQLite itself what a reader may not do', async () => {
    const failure = await failureOf(
      service.as(testCall()).query('WITH a AS (SELECT 1) DELETE FROM items WHERE id IN a'),
    )
    expect((failure as SqliteError).code).toBe('SQLITE_READONLY')
  })
})
