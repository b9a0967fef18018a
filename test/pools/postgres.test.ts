import { sql } from 'holdfast/security'
import type { Database } from 'holdfast/services/postgres'
import { describe, expect, inject, it } from 'vitest'
import { ToolError } from '../../src/errors/tool-error.js'
import { statementTimeout } from '../../src/services/postgres/statement-timeout.js'
import { databaseWorld, proxiedWorld } from './database-world.js'
import { testCall } from './service-world.js'

const url = inject('databaseUrl')

const codeOf = (error: unknown): string =>
  ToolError.is(error) ? error.code : error instanceof Error ? error.message : String(error)
const outcome = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'ok', codeOf)
const ms = async (work: Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work
  return performance.now() - began
}

describe('the time of a statement', () => {
  it.each([
    [29_800, undefined, 32_768],
    [20_000, undefined, 32_768],
    [0, undefined, 256],
    [29_800, 5000, 5000],
    [Number.POSITIVE_INFINITY, undefined, 0],
    [Number.POSITIVE_INFINITY, 5000, 5000],
    [10 ** 12, undefined, 2 ** 31 - 1],
  ])('gives a statement of a call with %s ms left and a limit of %s the time %s', (left, limit, expected) => {
    expect(statementTimeout(left, limit)).toBe(expected)
  })
})

if (url !== undefined) {
  describe('a database', () => {
    it('serves two hundred callers on ten connections', async () => {
      const { db, watcher } = await databaseWorld(url, { max: 10 })
      let isOver = false
      const seen: number[] = []
      const watching = (async () => {
        while (!isOver) seen.push(await watcher.count())
      })()
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, at) =>
          db.as(testCall()).query<{ at: number }>('select $1::int as at, pg_sleep(0.01)', [at]),
        ),
      )
      isOver = true
      await watching
      expect(answers.map(({ rows }) => rows[0]?.at)).toEqual(Array.from({ length: 200 }, (_, at) => at))
      expect(Math.max(...seen)).toBeLessThanOrEqual(10)
      expect(db.stats()[0]).toMatchObject({ name: 'resources (orders)', size: 10, limit: 10 })
      await db.stop()
      await expect.poll(() => watcher.count()).toBe(0)
    })

    it('binds values, takes the tag, notes each query, and runs one statement only', async () => {
      const { db } = await databaseWorld(url)
      const call = testCall()
      const orders = db.as(call)
      const name = "'; drop table x; --"
      expect((await orders.query(sql`select ${name} as name, ${[1, 2]}::int[] as list`)).rows).toEqual([
        { name, list: [1, 2] },
      ])
      expect((await orders.query('select 9007199254740993 as big, 1 as small')).rows).toEqual([
        { big: '9007199254740993', small: 1 },
      ])
      const named = await orders.query("select 1 as a, 'x'::text as a where false")
      expect(named).toMatchObject({
        rows: [],
        columns: [
          { name: 'a', typeId: 23 },
          { name: 'a', typeId: 25 },
        ],
      })
      await expect(orders.query('select 1; select 2')).rejects.toMatchObject({ code: '42601' })
      await expect(orders.query(sql`select 1`, [1])).rejects.toThrow('has its values with it')
      expect(call.noted).toHaveLength(4)
    })

    it('refuses what the protocol cannot carry, and keeps its connection', async () => {
      const { db } = await databaseWorld(url, { max: 1 })
      const orders = db.as(testCall())
      const pid = 'select pg_backend_pid() as pid'
      const before = (await orders.query(pid)).rows
      const many = Array.from({ length: 65_537 }, () => 1)
      await expect(orders.query('select 1\0 as one')).rejects.toThrow('the character NUL')
      await expect(orders.query('select $1::int', many)).rejects.toThrow('65535 values')
      await expect(orders.stream('select $1::int', many).next()).rejects.toThrow(TypeError)
      expect((await orders.query(pid)).rows).toEqual(before)
    })

    it('has no time left for a statement when its call has none, also in the database', async () => {
      const { db } = await databaseWorld(url)
      const call = testCall({ within: 700 })
      const { rows } = await db.as(call).query("select current_setting('statement_timeout') as time")
      expect(rows).toEqual([{ time: '1024ms' }])
      expect(await outcome(db.as(call).query('select pg_sleep(20)'))).toBe('deadline')
      const limited = await databaseWorld(url, { statementTimeout: 200 })
      expect(await outcome(limited.db.as(testCall()).query('select pg_sleep(20)'))).toBe('timed_out')
    })

    it('answers in time when it is exhausted', async () => {
      const { db, watcher } = await databaseWorld(url, { max: 2, maxWaiting: 2, acquireTimeout: 150 })
      const calls = Array.from({ length: 2 }, () => testCall())
      const slow = calls.map((call) => outcome(db.as(call).query('select pg_sleep(20)')))
      await expect.poll(() => watcher.running()).toHaveLength(2)
      const all = Array.from({ length: 6 }, () => db.as(testCall()).query('select 1'))
      const errors = await Promise.all(all.map((one) => one.catch((error: unknown) => error as ToolError)))
      for (const error of errors as ToolError[]) {
        expect(error.code).toBe('pool_exhausted')
        expect(error.details.data).toMatchObject({ pool: 'orders', size: 2, inUse: 2 })
      }
      const waited = (errors as ToolError[]).map(
        ({ details }) => (details.data as { waitedMs: number }).waitedMs,
      )
      expect(waited.filter((each) => each === 0)).toHaveLength(4)
      expect(db.degraded()).toMatch(/exhausted/)
      for (const call of calls) call.end()
      expect(await Promise.all(slow)).toEqual(['cancelled', 'cancelled'])
    })

    it('names who keeps a connection, and takes it away when its call is over', async () => {
      const { db, watcher } = await databaseWorld(url, { max: 1, leak: 100 })
      const call = testCall({ name: 'forgetful' })
      const rows = db.as(call).stream('select generate_series(1, 10)', [], { batch: 1 })
      await rows.next()
      await expect
        .poll(() => db.log.map(({ message }) => message).join())
        .toContain('"forgetful" has kept one')
      expect(db.log[0]?.fields['borrowedAt']).toContain('postgres.test')
      // A stream hears the end of its call by itself.
      call.end()
      expect(await outcome(db.as(testCall()).query('select 1'))).toBe('ok')
      expect(await outcome(rows.next())).toBe('cancelled')
      expect(await watcher.count()).toBe(1)
    })
  })

  describe('a transaction', () => {
    const table = `holdfast_pools_${process.pid}`
    const withTable = async (work: (db: Database, count: () => Promise<number>) => Promise<void>) => {
      const { db, watcher } = await databaseWorld(url)
      await watcher.run(`create table ${table} (id int unique deferrable initially deferred)`)
      try {
        await work(db.as(testCall()), async () =>
          Number((await watcher.run(`select count(*) from ${table}`))[0]?.['count']),
        )
      } finally {
        await watcher.run(`drop table ${table}`)
      }
      expect(db.as(testCall()).usage()).toMatchObject({ inUse: 0, size: 1 })
    }

    it('is kept when its work returns, and undone when it throws, when it fails unheeded, and at commit', async () => {
      await withTable(async (orders, count) => {
        await orders.transaction(async (tx) => {
          await tx.query(`insert into ${table} values ($1)`, [1])
          await tx.query(`insert into ${table} values ($1)`, [2])
        })
        expect(await count()).toBe(2)
        const thrown = orders.transaction(async (tx) => {
          await tx.query(`insert into ${table} values (3)`)
          throw new Error('no')
        })
        await expect(thrown).rejects.toThrow('no')
        const unheeded = orders.transaction(async (tx) => {
          await tx.query(`insert into ${table} values (4)`)
          await tx.query('select 1 / 0').catch(() => undefined)
        })
        await expect(unheeded).rejects.toThrow('was rolled back')
        const refused = orders.transaction((tx) => tx.query(`insert into ${table} values (1)`))
        await expect(refused).rejects.toMatchObject({ code: '23505' })
        const reading = orders.transaction((tx) => tx.query(`insert into ${table} values (5)`), {
          readOnly: true,
          isolation: 'serializable',
        })
        await expect(reading).rejects.toMatchObject({ code: '25006' })
        expect(await count()).toBe(2)
      })
    })

    it('is undone when its call ends, although its work does not listen', async () => {
      await withTable(async (_orders, count) => {
        const { db, watcher } = await databaseWorld(url)
        const call = testCall()
        let late: (() => Promise<string>) | undefined
        const never = db.as(call).transaction(async (tx) => {
          await tx.query(`insert into ${table} values (6)`)
          late = () => outcome(tx.query('select 1'))
          await new Promise(() => undefined)
        })
        await expect.poll(() => late).toBeDefined()
        call.end()
        await expect(never).rejects.toThrow('cancelled')
        expect(await late?.()).toBe('cancelled')
        expect(await watcher.running()).toEqual([])
        expect(await count()).toBe(0)
      })
    })

    it('that was begun by hand does not reach the next', async () => {
      const { db } = await databaseWorld(url, { max: 1 })
      const mine = 'select pg_backend_pid() as pid'
      const [careless] = (await db.as(testCall()).query(mine)).rows
      await db.as(testCall({ name: 'careless' })).query('begin')
      expect((await db.as(testCall()).query(mine)).rows).not.toEqual([careless])
      expect(db.log[0]?.message).toContain('"careless" left a transaction open')
    })
  })

  describe('a stream', () => {
    it('reads as fast as it is read, gives back its connection at an early end, and ends with its call', async () => {
      const { db, watcher } = await databaseWorld(url, { max: 1 })
      const orders = db.as(testCall())
      const million = 'select at from generate_series(1, $1::int) as at'
      const seen: number[] = []
      for await (const { at } of orders.stream<{ at: number }>(million, [1_000_000], { batch: 10 })) {
        seen.push(at)
        if (seen.length === 25) break
      }
      expect(seen).toEqual(Array.from({ length: 25 }, (_, at) => at + 1))
      let count = 0
      for await (const _row of orders.stream(million, [1001])) count += 1
      expect(count).toBe(1001)
      const call = testCall()
      const ended = (async () => {
        for await (const _row of db.as(call).stream(`${million}, pg_sleep(0.02)`, [10_000], { batch: 1 })) {
          if (!call.signal.aborted) call.end()
        }
      })()
      expect(await outcome(ended)).toBe('cancelled')
      expect(await outcome(orders.query('select 1'))).toBe('ok')
      expect(await watcher.running()).toEqual([])
      await expect(orders.stream('delete from nothing').next()).rejects.toMatchObject({ code: '42601' })
    })
  })

  describe('the end of a call', () => {
    it('ends its query in the database, and the connection serves the next', async () => {
      const { db, watcher } = await databaseWorld(url, { max: 1 })
      const [{ pid } = {}] = (await db.as(testCall()).query('select pg_backend_pid() as pid')).rows
      const call = testCall()
      const slow = outcome(db.as(call).query('select pg_sleep(20)'))
      await expect.poll(() => watcher.running()).toEqual(['select pg_sleep(20)'])
      call.end()
      expect(await slow).toBe('cancelled')
      expect(await watcher.running()).toEqual([])
      expect((await db.as(testCall()).query('select pg_backend_pid() as pid')).rows).toEqual([{ pid }])
    })

    it('never ends the query of whoever comes next, whenever it comes', async () => {
      const { db } = await databaseWorld(url, { max: 1 })
      for (let round = 0; round < 150; round += 1) {
        const call = testCall()
        const first = outcome(db.as(call).query('select pg_sleep($1)', [(round % 5) / 1000]))
        const next = outcome(db.as(testCall()).query('select pg_sleep(0.003)'))
        setTimeout(() => call.end(), (round % 30) / 5)
        expect(['ok', 'cancelled']).toContain(await first)
        expect(await next).toBe('ok')
      }
    })

    it('never ends the query of whoever comes next, when the cancel is late', async () => {
      const { db, watcher, proxy } = await proxiedWorld(url, { max: 1 })
      const letGo = proxy.holdCancels()
      const call = testCall()
      const first = outcome(db.as(call).query('select pg_sleep(0.2)'))
      await expect.poll(() => watcher.running()).toHaveLength(1)
      call.end()
      await expect.poll(() => proxy.cancels).toBe(1)
      const next = outcome(db.as(testCall()).query('select pg_sleep(0.4)'))
      // It was done before the cancel came.
      expect(await first).toBe('ok')
      await expect.poll(() => watcher.running()).toContain('select pg_sleep(0.4)')
      letGo()
      expect(await next).toBe('ok')
    })

    it('never ends the query of whoever comes next, when it comes while the connection is made clean', async () => {
      const { db, watcher, proxy } = await proxiedWorld(url, { max: 1 })
      const letGo = proxy.holdCancels()
      const call = testCall()
      const first = db.as(call).transaction(async (tx) => {
        await tx.query('select 1')
        // Its rollback is under way by then.
        setImmediate(() => call.end())
        throw new Error('no')
      })
      const next = outcome(db.as(testCall()).query('select pg_sleep(0.4)'))
      await expect(first).rejects.toThrow()
      expect(call.signal.aborted).toBe(true)
      await expect.poll(() => watcher.running()).toContain('select pg_sleep(0.4)')
      letGo()
      expect(await next).toBe('ok')
    })

    it('closes the connection when no cancel arrives', async () => {
      const { db, watcher, proxy } = await proxiedWorld(url, { max: 1 })
      proxy.holdCancels()
      const call = testCall({ within: 300 })
      const slow = outcome(db.as(call).query('select pg_sleep(20)'))
      expect(await slow).toBe('deadline')
      expect(await outcome(db.as(testCall()).query('select 1'))).toBe('ok')
      // The time limit of the statement ends there what nothing else reached.
      await expect.poll(() => watcher.running(), { timeout: 3000 }).toEqual([])
    })

    it('costs nothing when it comes while the call still waits', async () => {
      const { db } = await databaseWorld(url, { max: 1 })
      const [busy, waiting] = [testCall(), testCall()]
      const slow = outcome(db.as(busy).query('select pg_sleep(20)'))
      const queued = outcome(db.as(waiting).query('select 1'))
      waiting.end()
      expect(await queued).toBe('cancelled')
      busy.end()
      expect(await slow).toBe('cancelled')
      expect(db.as(testCall()).usage()).toMatchObject({ size: 1, inUse: 0, waiting: 0 })
    })
  })

  describe('a database that ends connections', () => {
    it('is connected to again, whether they were idle or not', async () => {
      const { db, watcher } = await databaseWorld(url, { max: 3 })
      const three = Array.from({ length: 3 }, () => db.as(testCall()).query('select pg_sleep(0.05)'))
      await Promise.all(three)
      await watcher.terminate()
      await expect.poll(() => db.as(testCall()).usage().size).toBeLessThanOrEqual(1)
      expect(await outcome(db.as(testCall()).query('select 1'))).toBe('ok')
      const slow = db.as(testCall({ repeatable: false })).query('select pg_sleep(20)')
      const error = slow.catch((thrown: unknown) => thrown as ToolError)
      await expect.poll(() => watcher.running()).toHaveLength(1)
      await watcher.terminate()
      expect(await error).toMatchObject({ code: 'backend_unavailable', details: { retryable: true } })
      expect(((await error) as ToolError).details.hint).toContain('Look whether it was done')
      expect(await outcome(db.as(testCall()).query('select 1'))).toBe('ok')
    })

    it('is asked once more where the call may be repeated, and never where not', async () => {
      const { db } = await databaseWorld(url)
      const suicide = 'select pg_terminate_backend(pg_backend_pid())'
      for (const [repeatable, times] of [
        [true, 2],
        [false, 1],
      ] as const) {
        const call = testCall({ repeatable })
        expect(await outcome(db.as(call).query(suicide))).toBe('backend_unavailable')
        expect(call.noted).toHaveLength(times)
      }
      expect(await outcome(db.as(testCall()).query('select 1'))).toBe('ok')
    })

    it('is refused in time while it restarts under load, and served again without a restart of ours', async () => {
      const { db, proxy, watcher } = await proxiedWorld(url, { max: 5 })
      const tally = new Map<string, number>()
      let isOver = false
      let slowest = 0
      const load = Array.from({ length: 20 }, async () => {
        while (!isOver) {
          const asked = outcome(db.as(testCall({ within: 2000 })).query('select pg_sleep(0.002)'))
          slowest = Math.max(slowest, await ms(asked))
          const what = await asked
          tally.set(what, (tally.get(what) ?? 0) + 1)
          // Who is refused comes back, but not in a loop without a turn for others.
          if (what !== 'ok') await new Promise((resolve) => setTimeout(resolve, 5))
        }
      })
      await expect.poll(() => tally.get('ok') ?? 0).toBeGreaterThan(50)
      proxy.shut()
      await expect.poll(() => tally.get('backend_unavailable') ?? 0).toBeGreaterThan(100)
      expect(db.degraded()).toMatch(/cannot be reached/)
      proxy.open()
      const before = tally.get('ok') ?? 0
      await expect.poll(() => tally.get('ok') ?? 0, { timeout: 10_000 }).toBeGreaterThan(before + 50)
      isOver = true
      await Promise.all(load)
      expect([...tally.keys()].sort()).toEqual(['backend_unavailable', 'ok'])
      expect(slowest).toBeLessThan(2500)
      expect(db.degraded()).toBeUndefined()
      expect(db.log.map(({ level }) => level)).toEqual(['error', 'info'])
      await db.stop()
      await expect.poll(() => watcher.count()).toBe(0)
    })
  })

  it('nothing of a database is left when it stops, also when a call still uses it', async () => {
    const { db, watcher } = await databaseWorld(url, { stopTimeout: 100 })
    const call = testCall()
    const slow = outcome(db.as(call).query('select pg_sleep(20)'))
    await expect.poll(() => watcher.running()).toHaveLength(1)
    // As a server does before it stops what it stands on.
    call.end()
    await db.stop()
    expect(await slow).toBe('cancelled')
    await expect.poll(() => watcher.count()).toBe(0)
    expect(await outcome(db.as(testCall()).query('select 1'))).toBe('shutting_down')
  })
}
