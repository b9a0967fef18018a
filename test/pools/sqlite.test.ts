import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/contracts/clock.js'
import { servicePlan } from '../../src/contracts/service.js'
import { StartError } from '../../src/errors/start-error.js'
import { ToolError } from '../../src/errors/tool-error.js'
import { sql } from '../../src/security/sql-guard/sql-tag.js'
import { type Sqlite, sqlite } from '../../src/services/sqlite/index.js'
import { cpuOf, failureOf, isAlive, readersOf, residentMegabytes } from './processes.js'
import { type Running, run, testCall } from './service-world.js'

const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT i FROM n'

let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-sqlite-'))
  file = join(folder, 'data.db')
  const writing = await run(sqlite({ file, readOnly: false }))
  const database = writing.as(testCall())
  await database.execute('CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL)')
  await database.execute(
    `${many.replace('SELECT i FROM n', '')}
     INSERT INTO items SELECT i, 'item ' || i, i * 0.5 FROM n`,
    [5000],
  )
  await writing.stop()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function withReaders<Value>(
  options: Partial<Parameters<typeof sqlite>[0]>,
  work: (service: Running<Sqlite>) => Promise<Value>,
): Promise<Value> {
  const service = await run(sqlite({ file, ...options }))
  try {
    return await work(service)
  } finally {
    await service.stop()
    expect(readersOf()).toEqual([])
  }
}

describe('sqlite', () => {
  it('answers in rows, one row, and a stream', () =>
    withReaders({}, async (service) => {
      const call = testCall()
      const database = service.as(call)
      expect(await database.query('SELECT id, name FROM items WHERE id < ? ORDER BY id', [3])).toEqual([
        { id: 1, name: 'item 1' },
        { id: 2, name: 'item 2' },
      ])
      expect(await database.get('SELECT price FROM items WHERE id = :id', { id: 7 })).toEqual({ price: 3.5 })
      expect(await database.get('SELECT 1 FROM items WHERE id = -1')).toBeUndefined()
      expect(await database.get(sql`SELECT name FROM items WHERE id = ${9}`)).toEqual({ name: 'item 9' })
      let count = 0
      for await (const row of database.stream<{ id: number }>('SELECT id FROM items ORDER BY id')) {
        count += 1
        expect(row.id).toBe(count)
      }
      expect([count, call.noted.length]).toEqual([5000, 5])
    }))

  it('keeps values as they are', () =>
    withReaders({}, async (service) => {
      const database = service.as(testCall())
      const blob = Uint8Array.from([0, 1, 255]).subarray(1)
      const when = new Date('2026-07-28T12:00:00.000Z')
      const given = [
        null,
        1,
        1.5,
        2n ** 62n,
        -(2n ** 63n),
        'ä🦄',
        true,
        blob,
        when,
        Infinity,
        new Uint8Array(0),
      ]
      const names = given.map((_, index) => `c${index}`)
      const row = await database.get(`SELECT ${names.map((name) => `? AS ${name}`).join(', ')}`, given)
      expect(Object.values(row ?? {})).toEqual([
        ...[null, 1, 1.5, 2n ** 62n, -(2n ** 63n), 'ä🦄', 1, blob, when.toISOString(), Infinity],
        new Uint8Array(0),
      ])
      expect(await database.get('SELECT typeof(?) AS a, typeof(?) AS b, 3 / ? AS c', [2, 2.5, 2])).toEqual({
        ...{ a: 'integer', b: 'real', c: 1 },
      })
      for (const wrong of [undefined, {}, Number.NaN, 2n ** 63n, new Date(Number.NaN), Symbol('s'), 'a\0b']) {
        expect(await failureOf(database.get('SELECT ?', [wrong as never]))).toBeInstanceOf(TypeError)
      }
      expect((await failureOf(database.get('SELECT ?, ?', [1]))).message).toContain('takes 2 values')
    }))

  it('ends the statement of a call that has ended, and goes on', () =>
    withReaders({ readers: 1 }, async (service) => {
      const call = testCall()
      const before = readersOf()
      expect(before).toHaveLength(1)
      const asked = failureOf(service.as(call).query(endless))
      await expect.poll(() => service.stats()[0]?.size).toBe(1)
      await expect.poll(() => cpuOf(before[0] ?? 0)).toBeGreaterThan(2)
      call.end()
      expect((await asked).message).toBe('cancelled')
      await expect.poll(() => readersOf().includes(before[0] ?? 0)).toBe(false)
      expect(await service.as(testCall()).get('SELECT 1 AS one')).toEqual({ one: 1 })
    }))

  it('ends it at the deadline, too', () =>
    withReaders({ readers: 1 }, async (service) => {
      const [first] = readersOf()
      expect((await failureOf(service.as(testCall({ within: 80 })).query(endless))).message).toBe('deadline')
      await expect.poll(() => readersOf().includes(first ?? 0)).toBe(false)
    }))

  it('keeps its process when the statement is over soon after its call', () =>
    withReaders({ readers: 1 }, async (service) => {
      const before = readersOf()
      for (let round = 0; round < 20; round += 1) {
        const call = testCall()
        const asked = failureOf(service.as(call).query('SELECT * FROM items LIMIT 10'))
        await Promise.resolve()
        call.end()
        await asked
        expect(await service.as(testCall()).get('SELECT ? AS round', [round])).toEqual({ round })
      }
      expect(readersOf()).toEqual(before)
    }))

  it('loses one call to a process that is killed, and replaces it', () =>
    withReaders({ readers: 1 }, async (service) => {
      const [pid = 0] = readersOf()
      const asked = failureOf(service.as(testCall()).query(endless))
      await expect.poll(() => cpuOf(pid)).toBeGreaterThan(2)
      process.kill(pid, 'SIGKILL')
      const failure = (await asked) as ToolError
      expect(ToolError.is(failure)).toBe(true)
      expect([failure.code, failure.details.retryable]).toEqual(['backend_unavailable', true])
      expect(await service.as(testCall()).get('SELECT 1 AS one')).toEqual({ one: 1 })
      expect(readersOf()).not.toContain(pid)
    }))

  it('replaces a process that was killed while nobody used it', () =>
    withReaders({ readers: 1 }, async (service) => {
      const [pid = 0] = readersOf()
      process.kill(pid, 'SIGKILL')
      await expect.poll(() => readersOf().filter((child) => child !== pid)).toHaveLength(1)
      expect(await service.as(testCall()).get('SELECT 1 AS one')).toEqual({ one: 1 })
    }))

  it('goes on when Ctrl+C reaches its processes, as it reaches all of a terminal', () =>
    withReaders({ readers: 1 }, async (service) => {
      const [pid = 0] = readersOf()
      const rows = service.as(testCall()).query(`SELECT count(*) AS n FROM (${many})`, [300_000])
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(pid, signal)
      expect(await rows).toEqual([{ n: 300_000 }])
      expect(await service.as(testCall()).get('SELECT 1 AS one')).toEqual({ one: 1 })
      expect(readersOf()).toEqual([pid])
    }))

  it('serves 200 callers with two processes', () =>
    withReaders({ maxWaiting: 200, acquireTimeout: '15s' }, async (service) => {
      let most = 0
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const row = await service.as(testCall()).get('SELECT ? AS given, count(*) AS n FROM items', [index])
          most = Math.max(most, readersOf().length)
          return row
        }),
      )
      expect(answers).toEqual(Array.from({ length: 200 }, (_, given) => ({ given, n: 5000 })))
      expect(most).toBeLessThanOrEqual(2)
    }))

  it('says in time that it is exhausted', () =>
    withReaders({ readers: 1, maxWaiting: 1, acquireTimeout: 50 }, async (service) => {
      const holder = testCall()
      const held = failureOf(service.as(holder).query(endless))
      const waiting = failureOf(service.as(testCall()).query('SELECT 1'))
      const refused = failureOf(service.as(testCall()).query('SELECT 1'))
      for (const failure of [await refused, await waiting]) {
        expect(failure).toMatchObject({
          code: 'pool_exhausted',
          details: { retryable: true, data: { pool: 'given', size: 1, inUse: 1 } },
        })
      }
      expect(service.degraded()).toContain('exhausted')
      holder.end()
      await held
    }))

  it('bounds results in rows and bytes', () =>
    withReaders({ readers: 1, maxRows: 1000, maxBytes: 64 * 1024 }, async (service) => {
      const database = service.as(testCall())
      expect(await database.query(many, [1000])).toHaveLength(1000)
      for (const [statement, values, limit, unit] of [
        [many, [1001], 1000, 'rows'],
        ["SELECT name || printf('%1000s', '') AS x FROM items LIMIT 100", [], 64 * 1024, 'bytes'],
        ['SELECT zeroblob(70000) AS x', [], 64 * 1024, 'bytes'],
      ] as const) {
        expect(await failureOf(database.query(statement, values))).toMatchObject({
          code: 'result_too_large',
          details: { data: { limit, unit } },
        })
      }
      expect(await failureOf(database.query(many, [11], { maxRows: 10 }))).toMatchObject({
        details: { data: { limit: 10 } },
      })
      const failure = await failureOf(database.get('SELECT ?', ['x'.repeat(64 * 1024)]))
      expect(failure).toBeInstanceOf(TypeError)
      // It is not even looked at, which would take this thread long.
      const text = `SELECT '${'x'.repeat(40_000_000)}'`
      expect((await failureOf(database.get(text))).message).toContain('A statement may have 65536 bytes')
      expect(await database.get('SELECT 1 AS one')).toEqual({ one: 1 })
    }))

  it.each([Number.NaN, -1, 1.5, '5' as never])('refuses %s as the most rows, and asks for none', (maxRows) =>
    withReaders({ readers: 1 }, async (service) => {
      const call = testCall({ within: 2000 })
      expect(await failureOf(service.as(call).query(many, [10], { maxRows }))).toBeInstanceOf(TypeError)
      expect(await service.as(testCall()).get('SELECT 1 AS one')).toEqual({ one: 1 })
    }),
  )

  it('streams no faster than it is read, and frees its reader however that ends', () =>
    withReaders({ readers: 1 }, async (service) => {
      const [pid = 0] = readersOf()
      const wide = `SELECT i, printf('%500s', i) AS wide FROM (${many})`
      let seen = 0
      for await (const row of service.as(testCall()).stream(wide, [10_000_000])) {
        seen += Number(row['i'] !== undefined)
        if (seen === 20_000) break
      }
      // Ten million such rows are 5 GB; what was not read was not made.
      expect(residentMegabytes(pid)).toBeLessThan(400)
      expect(readersOf()).toEqual([pid])
      const call = testCall()
      const failure = await failureOf(
        (async () => {
          for await (const _ of service.as(call).stream(many, [100_000])) call.end()
        })(),
      )
      expect(failure.message).toBe('cancelled')
      expect(await service.as(testCall()).get('SELECT 1 AS one')).toEqual({ one: 1 })
      expect(readersOf()).toEqual([pid])
    }))

  it('leaves no process behind when its server is killed', async () => {
    const program = fileURLToPath(new URL('../fixtures/pools/sqlite-owner.mjs', import.meta.url))
    const owner = spawn(process.execPath, [program, file, endless], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(owner, 'exit')
    await once(owner.stdout, 'data')
    const readers = readersOf(owner.pid)
    expect(readers).toHaveLength(2)
    // One of them is in the middle of a statement that never ends, and hears nothing of what happens to others.
    await expect.poll(() => readers.some((pid) => cpuOf(pid) > 5)).toBe(true)
    owner.kill('SIGKILL')
    await ended
    await expect.poll(() => readers.filter((pid) => isAlive(pid))).toEqual([])
  })

  it('has time for its end: for what calls still hold, and for its processes after that', () => {
    expect(sqlite({ file })[servicePlan].stopTimeoutMs).toBeGreaterThan(5000 + 6000)
  })

  it('leaves no process when its start is given up just when the first has started', async () => {
    const giveUp = new AbortController()
    const { signal } = giveUp
    const remove = signal.removeEventListener.bind(signal)
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      remove(...args)
      giveUp.abort(new Error('given up'))
    }
    const silent = { debug() {}, info() {}, warn() {}, error() {} }
    const host = { name: 'given', clock: systemClock, logger: silent, stats: { add() {} }, signal }
    await expect(sqlite({ file })[servicePlan].start({}, host)).rejects.toThrow('given up')
    await expect.poll(() => readersOf()).toEqual([])
  })

  it('cannot start with a file that is none', async () => {
    for (const name of ['missing.db', 'text.db']) {
      const failure = await failureOf(run(sqlite({ file: join(folder, name) })))
      expect(StartError.is(failure), failure.message).toBe(true)
      expect(failure.message).toContain(name)
    }
    expect(readersOf()).toEqual([])
  })

  it.each([
    [{ file: ':memory:' }, '"file"'],
    [{ file: 'file:x.db' }, '"file"'],
    [{ file: 'x.db', readers: 0 }, '"readers"'],
    [{ file: 'x.db', maxRows: 1.5 }, '"maxRows"'],
    [{ file: 'x.db', driver: 'sql.js' as never }, '"driver"'],
    [{ file: 'x.db', acquireTimeout: 'soon' as never }, '"acquireTimeout"'],
  ])('refuses %j', (options, what) => {
    expect(() => sqlite(options)).toThrow(what)
  })
})
