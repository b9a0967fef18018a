import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { servicePlan } from '../../src/contracts/service.js'
import { StartError } from '../../src/errors/start-error.js'
import { sql } from '../../src/security/sql-guard/sql-tag.js'
import { type Duckdb, DuckdbError, duckdb, type OpenDuckdb } from '../../src/services/duckdb/index.js'
import { type Running, run, testCall } from './service-world.js'

const endless = 'SELECT count(*) FROM range(1000000000000)'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-duckdb-'))
  await writeFile(join(folder, 'orders.csv'), 'id,total\n1,1.5\n2,2.5\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => new Error('It was done.'),
    (error: Error) => error,
  )
}

async function withDatabase<Value>(
  options: Parameters<typeof duckdb>[0],
  work: (service: Running<Duckdb, OpenDuckdb>) => Promise<Value>,
): Promise<Value> {
  const service = await run(duckdb(options))
  try {
    return await work(service)
  } finally {
    await service.stop()
  }
}

const setup = async (run: (statement: string) => Promise<void>): Promise<void> => {
  await run('CREATE TABLE items AS SELECT i AS id, i * 0.5 AS price FROM range(5000) r(i)')
}

describe('duckdb', () => {
  let service: Running<Duckdb, OpenDuckdb>
  const inUse = () => service.value.pool.usage().inUse
  beforeAll(async () => {
    service = await run(
      duckdb({
        maxRows: 1000,
        maxBytes: 64 * 1024,
        memoryLimit: 256 * 1024 * 1024,
        async setup(run) {
          await setup(run)
          await run(`CREATE TABLE orders AS FROM read_csv('${join(folder, 'orders.csv')}')`)
          await run('INSERT INTO items SELECT ?, ?', [5000, 1])
        },
      }),
    )
  })
  afterAll(() => service.stop())

  it('answers in rows and in a stream', async () => {
    const call = testCall()
    const database = service.as(call)
    expect(await database.query('SELECT * FROM orders ORDER BY id')).toEqual([
      { id: 1, total: 1.5 },
      { id: 2, total: 2.5 },
    ])
    expect(await database.query(sql`SELECT total FROM orders WHERE id = ${2}`)).toEqual([{ total: 2.5 }])
    expect(await database.query('SELECT total FROM orders WHERE id = $id', { id: 1 })).toEqual([
      { total: 1.5 },
    ])
    let next = 0
    for await (const { id } of database.stream<{ id: number }>('SELECT id FROM items ORDER BY id')) {
      expect(id).toBe(next)
      next += 1
    }
    expect([next, call.noted.length, inUse()]).toEqual([5001, 4, 0])
  })

  it('keeps values as they are', async () => {
    const database = service.as(testCall())
    const blob = Uint8Array.from([0, 1, 255])
    const when = new Date('2026-07-28T12:00:00.000Z')
    const given = [null, true, 7, 2 ** 40, 1.5, 2n ** 62n, 'ä\u0000🦄', blob, when]
    const names = given.map((_, index) => `? AS c${index}`)
    const [row] = await database.query(`SELECT ${names.join(', ')}`, given)
    expect(Object.values(row ?? {})).toEqual([...given.slice(0, -1), '2026-07-28T12:00:00'])
    const [typed] = await database.query(`SELECT 1::HUGEINT AS a, 1.10::DECIMAL(5, 2) AS b,
      12345678901234567.89::DECIMAL(20, 2) AS c, DATE '2026-01-02' AS d, TIMESTAMPTZ '2026-01-02 03:04:05+02' AS e,
      [1, NULL] AS f, {'x': [DATE '2026-01-02']} AS g, MAP {'k': 1::BIGINT} AS h, INTERVAL 1 DAY AS i, TIME '01:02:03' AS j,
      [1, 2]::INT[2] AS k, union_value(u := 1) AS l, 'nan'::DOUBLE AS m, 1 AS "__proto__"`)
    expect(Object.entries(typed ?? {})).toEqual(
      Object.entries({
        ...{ a: 1, b: 1.1, c: '12345678901234567.89', d: '2026-01-02', e: '2026-01-02T01:04:05Z' },
        ...{ f: [1, null], g: { x: ['2026-01-02'] }, h: [{ key: 'k', value: 1 }], i: '1 day', j: '01:02:03' },
        ...{ k: [1, 2], l: 1, m: Number.NaN, ['__proto__']: 1 },
      }),
    )
    for (const wrong of [undefined, {}, [1], new Date(Number.NaN), Symbol('s')]) {
      expect(await failureOf(database.query('SELECT ?', [wrong as never]))).toBeInstanceOf(TypeError)
    }
    expect((await failureOf(database.query('SELECT ?, ?', [1]))).message).toContain('takes 2 values')
  })

  it.each([
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "COPY items TO '/tmp/holdfast.csv'",
    "EXPORT DATABASE '/tmp/holdfast'",
    'INSTALL httpfs',
    'LOAD httpfs',
    "ATTACH '/tmp/holdfast.db' AS other",
    "ATTACH ':memory:' AS other",
    'DETACH memory',
    "SET memory_limit = '1TB'",
    'SET enable_external_access = true',
    'RESET lock_configuration',
    "PRAGMA memory_limit = '1TB'",
    'SET VARIABLE x = 1',
    'USE memory',
    'BEGIN',
    'ROLLBACK',
    'CHECKPOINT',
    'PREPARE q AS SELECT 1',
    'CREATE TABLE other (a INT)',
    'CREATE TEMP TABLE other (a INT)',
    'CREATE SECRET s (TYPE s3)',
    'INSERT INTO items VALUES (1, 1)',
    'DROP TABLE items',
    'SELECT 1; DROP TABLE items',
    'EXPLAIN ANALYZE INSERT INTO items VALUES (1, 1)',
    '',
  ])('refuses %j', async (statement) => {
    expect(await failureOf(service.as(testCall()).query(statement))).toBeInstanceOf(DuckdbError)
    expect(await service.as(testCall()).query('SELECT count(*) AS n FROM items')).toEqual([{ n: 5001 }])
    expect([existsSync('/tmp/holdfast.csv'), existsSync('/tmp/holdfast')]).toEqual([false, false])
  })

  it('interrupts the statement of a call that has ended', async () => {
    for (const end of ['cancel', 'deadline']) {
      const call = testCall({ within: end === 'deadline' ? 150 : 60_000 })
      const asked = failureOf(service.as(call).query(endless))
      await expect.poll(inUse).toBe(1)
      if (end === 'cancel') call.end()
      expect((await asked).message).toMatch(/cancelled|deadline/)
      // It is idle for DuckDB, not only for the pool: who gets it next is answered.
      await expect.poll(inUse).toBe(0)
      expect(service.value.pool.usage().size).toBe(1)
      expect(await service.as(testCall()).query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    }
  })

  it('never interrupts the next statement', async () => {
    for (let round = 0; round < 100; round += 1) {
      const call = testCall()
      const asked = failureOf(service.as(call).query('SELECT sum(price) FROM items WHERE id < ?', [round]))
      // At a different place each time: while it waits, prepares, runs, and is read.
      for (let turn = 0; turn < round % 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      call.end()
      const next = service.as(testCall()).query('SELECT ? AS round, count(*) AS n FROM items', [round])
      await asked
      expect(await next).toEqual([{ round, n: 5001 }])
    }
    // The last one gives its connection back when DuckDB is done with it, which is after its caller was told.
    await expect.poll(inUse).toBe(0)
  })

  it('bounds results in rows and bytes, before they are made', async () => {
    const database = service.as(testCall())
    expect(await database.query('SELECT id FROM items LIMIT 1000')).toHaveLength(1000)
    for (const [statement, limit, unit] of [
      ['SELECT id FROM items LIMIT 1001', 1000, 'rows'],
      ["SELECT repeat('x', 1000) AS x FROM items LIMIT 100", 64 * 1024, 'bytes'],
      ["SELECT repeat('x', 30000000) AS x", 64 * 1024, 'bytes'],
      ['SELECT list(i) AS x FROM range(3000000) r(i)', 64 * 1024, 'bytes'],
      ["SELECT {'a': [list(i)]} AS x FROM range(3000000) r(i)", 64 * 1024, 'bytes'],
      ["SELECT [repeat('x', 40000), repeat('x', 40000)] AS x", 64 * 1024, 'bytes'],
      ["SELECT MAP {'a': repeat('x', 70000)} AS x", 64 * 1024, 'bytes'],
    ] as const) {
      expect(await failureOf(database.query(statement)), statement).toMatchObject({
        code: 'result_too_large',
        details: { data: { limit, unit } },
      })
    }
    expect(await failureOf(database.query('SELECT id FROM items', [], { maxRows: 10 }))).toMatchObject({
      details: { data: { limit: 10 } },
    })
    expect(
      await failureOf(database.query("SELECT list(repeat('x', 1000) || i) FROM range(1000000) r(i)")),
    ).toBeInstanceOf(DuckdbError)
  })

  it.each([Number.NaN, -1, 1.5, '5' as never])('refuses %s as the most rows', async (maxRows) => {
    const asked = service.as(testCall()).query('SELECT id FROM items LIMIT 3', [], { maxRows })
    expect(await failureOf(asked)).toBeInstanceOf(TypeError)
    await expect.poll(inUse).toBe(0)
  })

  it('streams no faster than it is read, and frees its connection however that ends', async () => {
    const wide = "SELECT i, repeat('x', 500) AS wide FROM range(100000000) r(i)"
    let seen = 0
    for await (const row of service.as(testCall()).stream(wide)) {
      seen += Number(row['i'] === seen)
      if (seen === 20_000) break
    }
    // All of it would be 50 GB, and the limit is 256 MB.
    expect([seen, inUse()]).toEqual([20_000, 0])
    const call = testCall()
    const failure = await failureOf(
      (async () => {
        for await (const _ of service.as(call).stream(wide)) call.end()
      })(),
    )
    expect(failure.message).toBe('cancelled')
    await expect.poll(inUse).toBe(0)
    // Who stops asking, without a word, has its connection taken with its call.
    const silent = testCall()
    const rows = service.as(silent).stream(wide)
    await rows.next()
    expect(inUse()).toBe(1)
    silent.end()
    await expect.poll(inUse).toBe(0)
    expect((await failureOf(rows.next())).message).toBe('cancelled')
  })
})

describe('duckdb under load', () => {
  it('serves 200 callers with two connections', () =>
    withDatabase({ setup, maxWaiting: 200, acquireTimeout: '15s' }, async (service) => {
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          service.as(testCall()).query('SELECT ? AS given, count(*) AS n FROM items', [index]),
        ),
      )
      expect(answers.flat()).toEqual(Array.from({ length: 200 }, (_, given) => ({ given, n: 5000 })))
      expect(service.stats()).toMatchObject([
        { size: 2, limit: 2 },
        { size: 0, limit: 200, dropped: 0 },
      ])
    }))

  it('says in time that it is exhausted, and leaves threads for others', () =>
    withDatabase({ maxWaiting: 1, acquireTimeout: 50 }, async (service) => {
      const holders = [testCall(), testCall()]
      const held = holders.map((call) => failureOf(service.as(call).query(endless)))
      await expect.poll(() => service.value.pool.usage().inUse).toBe(2)
      const waiting = failureOf(service.as(testCall()).query('SELECT 1'))
      const refused = failureOf(service.as(testCall()).query('SELECT 1'))
      for (const failure of [await refused, await waiting]) {
        expect(failure).toMatchObject({
          code: 'pool_exhausted',
          details: { retryable: true, data: { pool: 'given', size: 2, inUse: 2 } },
        })
      }
      expect(await readFile(join(folder, 'orders.csv'), 'utf8')).toContain('total')
      expect(service.degraded()).toContain('exhausted')
      for (const call of holders) call.end()
      await Promise.all(held)
    }))

  it('ends what runs when it stops', async () => {
    const service = await run(duckdb({ connections: 1 }))
    const asked = failureOf(service.as(testCall()).query('SELECT count(*) FROM range(20000000000)'))
    await expect.poll(() => service.value.pool.usage().inUse).toBe(1)
    await service.value.pool.close(50)
    expect(await asked).toBeInstanceOf(Error)
    await service.stop()
  })
})

it('duckdb has time for its end: for what calls still hold, and for its connections after that', () => {
  expect(duckdb()[servicePlan].stopTimeoutMs).toBeGreaterThan(5000 + 6000)
})

describe('duckdb in a file', () => {
  it('is written, closed off, and read again', async () => {
    const path = join(folder, 'kept.duckdb')
    const writing = await run(duckdb({ path, readOnly: false, setup }))
    const database = writing.as(testCall())
    expect(await database.execute('DELETE FROM items WHERE id >= ?', [10])).toEqual({ changes: 4990 })
    expect(await failureOf(database.execute(`COPY items TO '${join(folder, 'out.csv')}'`))).toBeInstanceOf(
      DuckdbError,
    )
    expect(await failureOf(database.execute('SET threads = 1'))).toBeInstanceOf(DuckdbError)
    const call = testCall()
    const cancelled = failureOf(
      writing.as(call).execute('INSERT INTO items SELECT i, i FROM range(10000000000) r(i)'),
    )
    await expect.poll(() => writing.value.pool.usage().inUse).toBe(1)
    call.end()
    expect((await cancelled).message).toBe('cancelled')
    await expect.poll(() => writing.value.pool.usage().inUse).toBe(0)
    expect(await database.query('SELECT count(*) AS n FROM items')).toEqual([{ n: 10 }])
    await writing.stop()
    await withDatabase({ path }, async (reading) => {
      expect(await reading.as(testCall()).query('SELECT count(*) AS n FROM items')).toEqual([{ n: 10 }])
    })
  })

  it('cannot start with a file that is none, nor with a set-up that fails', async () => {
    const failure = await failureOf(run(duckdb({ path: join(folder, 'orders.csv') })))
    expect(StartError.is(failure), failure.message).toBe(true)
    const failed = failureOf(run(duckdb({ setup: (run) => run('SELECT nothing') })))
    expect((await failed).message).toContain('nothing')
  })

  it.each([
    [{ path: '' }, '"path"'],
    [{ connections: 0 }, '"connections"'],
    [{ memoryLimit: 1 }, '"memoryLimit"'],
    [{ sandbox: 'yes' as never }, '"sandbox"'],
    [{ setup: 'SELECT 1' as never }, '"setup"'],
  ])('refuses %j', (options, what) => {
    expect(() => duckdb(options)).toThrow(what)
  })
})
