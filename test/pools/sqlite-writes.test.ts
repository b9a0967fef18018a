import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ToolError } from '../../src/errors/tool-error.js'
import { SqliteError, sqlite, type WritableSqlite } from '../../src/services/sqlite/index.js'
import { failureOf, readersOf } from './processes.js'
import { type Running, run, testCall } from './service-world.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-sqlite-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('sqlite that writes', () => {
  let service: Running<WritableSqlite>
  beforeAll(async () => {
    service = await run(sqlite({ file: join(folder, 'written.db'), readOnly: false, readers: 1 }))
    await service.as(testCall()).execute('CREATE TABLE t (id INTEGER PRIMARY KEY, v)')
  })
  afterAll(() => service.stop())
  const count = async (): Promise<unknown> =>
    (await service.as(testCall()).get('SELECT count(*) AS n FROM t'))?.['n']

  it('says what was changed', async () => {
    const database = service.as(testCall())
    await database.execute('DELETE FROM t')
    expect(await database.execute('INSERT INTO t (v) VALUES (?), (?)', [1, 2])).toEqual({
      ...{ changes: 2, lastInsertId: 2, rows: [] },
    })
    expect(await database.execute('UPDATE t SET v = v + 1 RETURNING id, v')).toMatchObject({
      changes: 2,
      rows: [
        { id: 1, v: 2 },
        { id: 2, v: 3 },
      ],
    })
    await expect(database.query('DELETE FROM t RETURNING id')).rejects.toThrow(SqliteError)
    await expect(database.execute('PRAGMA writable_schema = on')).rejects.toThrow('not allowed')
    await expect(database.execute("ATTACH DATABASE '/tmp/x.db' AS x")).rejects.toThrow('not allowed')
    await database.execute('CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT 1; SELECT 2; END')
    await database.execute('DROP TRIGGER g')
  })

  it('commits a transaction, and undoes one that fails or whose call ends', async () => {
    await service.as(testCall()).execute('DELETE FROM t')
    const database = service.as(testCall())
    const insert = (value: number) => ['INSERT INTO t (v) VALUES (?)', [value]] as const
    const read = await database.transaction(async (transaction) => {
      await Promise.all([1, 2, 3].map((value) => transaction.execute(...insert(value))))
      return transaction.get('SELECT sum(v) AS sum FROM t')
    })
    expect([read, await count()]).toEqual([{ sum: 6 }, 3])
    await expect(
      database.transaction(async (transaction) => {
        await transaction.execute(...insert(4))
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await count()).toBe(3)
    const call = testCall()
    const failure = await failureOf(
      service.as(call).transaction(async (transaction) => {
        await transaction.execute(...insert(5))
        call.end()
        await transaction.execute(...insert(6))
      }),
    )
    expect(failure.message).toBe('cancelled')
    await service.as(testCall()).execute(...insert(7))
    expect(await count()).toBe(4)
  })

  it('goes on in a transaction after a result that was too large', async () => {
    const small = await run(
      sqlite({ file: join(folder, 'written.db'), readOnly: false, readers: 1, maxRows: 5 }),
    )
    try {
      await small.as(testCall()).execute('DELETE FROM t')
      const left = await small.as(testCall()).transaction(async (transaction) => {
        await transaction.execute('INSERT INTO t (v) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9)')
        const failure = await failureOf(transaction.query('SELECT * FROM t'))
        expect(failure.code).toBe('result_too_large')
        await transaction.execute('DELETE FROM t WHERE id > 3')
        return transaction.get('SELECT count(*) AS n FROM t')
      })
      expect([left, await count()]).toEqual([{ n: 3 }, 3])
    } finally {
      await small.stop()
    }
  })

  it('has undone what a process did that was killed within a transaction', async () => {
    await service.as(testCall()).execute('DELETE FROM t')
    const before = readersOf()
    const failure = (await failureOf(
      service.as(testCall()).transaction(async (transaction) => {
        await transaction.execute('INSERT INTO t (v) VALUES (1)')
        for (const pid of before) process.kill(pid, 'SIGKILL')
        await transaction.execute('INSERT INTO t (v) VALUES (2)')
      }),
    )) as ToolError
    expect([failure.code, failure.details?.retryable]).toEqual(['backend_unavailable', false])
    await expect.poll(() => count().catch(() => undefined)).toBe(0)
    await service.as(testCall()).execute('INSERT INTO t (v) VALUES (3)')
    expect(await count()).toBe(1)
  })
})
