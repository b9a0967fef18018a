import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CsvHost, startCsvHost } from '../../test/csv-host.js'
import { ConnectionPool } from '../data/connection-pool.js'
import { type Desk, type DeskOptions, openDesk } from '../data/desk.js'
import { DuckdbImports } from './duckdb-imports.js'
import { importLimits } from './import-limits.js'
import { ImportedTables } from './imported-tables.js'

const hour = 3_600_000
const endless =
  'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t, sales'

let host: CsvHost
const desks: Desk[] = []
beforeAll(async () => {
  host = await startCsvHost()
})
afterAll(() => host.close())
afterEach(() => {
  for (const desk of desks.splice(0)) desk.close()
})

async function openSmall(options: DeskOptions = {}): Promise<Desk> {
  const desk = await openDesk({ only: (file) => file === 'lookup_people.csv', ...options })
  desks.push(desk)
  return desk
}

function importAs(desk: Desk, caller: string, name: string, text = 'a,b\n1,x\n'): Promise<unknown> {
  return desk.forCaller(caller).importCsv({ url: host.url(text), name, fetch })
}

/** An import that has begun, and how to end its file. */
async function begun(desk: Desk, caller: string, name: string, signal?: AbortSignal) {
  let response: ServerResponse | undefined
  let arrived = (): void => {}
  const asked = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const url = host.url((given) => {
    response = given
    given.write(`a,b\n${'2,y\n'.repeat(50_000)}`)
    arrived()
  })
  const importing = desk.forCaller(caller).importCsv({ url, name, fetch, ...(signal && { signal }) })
  importing.catch(() => {})
  await asked
  if (response === undefined) throw new Error('The host was not asked.')
  return { importing, response }
}

/** What imports hold: how many run, tables, bytes. */
function importLines(desk: Desk): ReturnType<Desk['stats']> {
  return desk.stats().filter(({ name }) => name.startsWith('import'))
}

function sizes(desk: Desk): number[] {
  return importLines(desk).map(({ size }) => size)
}

describe('a name', () => {
  it('is refused when it is taken by a dataset of all, or by the engine', async () => {
    const desk = await openSmall()
    for (const name of ['people', 'sqlite_master', 'duckdb_tables', 'pg_class']) {
      await expect(importAs(desk, 'a', name)).rejects.toMatchObject({ code: 'name_taken' })
    }
    expect(host.requests).toHaveLength(0)
  })

  it('that is a word of SQL is quoted where it is shown', async () => {
    const desk = await openSmall()
    expect(await importAs(desk, 'a', 'order')).toMatchObject({ name: 'order', sql: '"order"' })
    expect((await desk.forCaller('a').query('FROM "order"')).rows).toEqual([{ a: 1, b: 'x' }])
  })
})

describe('importing under a name again', () => {
  it('replaces the table at once, and not before the new one is complete', async () => {
    const desk = await openSmall()
    await importAs(desk, 'a', 'sales')
    const { importing, response } = await begun(desk, 'a', 'sales')
    expect((await desk.forCaller('a').query('FROM sales')).rows).toEqual([{ a: 1, b: 'x' }])
    response.end()
    await importing
    expect((await desk.forCaller('a').query('SELECT count(*) AS n FROM sales')).rows).toEqual([{ n: 50_000 }])
    expect(sizes(desk).slice(0, 2)).toEqual([0, 1])
  })

  it('keeps the table when it fails', async () => {
    const desk = await openSmall()
    await importAs(desk, 'a', 'sales')
    await expect(importAs(desk, 'a', 'sales', 'a,b\n1\n')).rejects.toMatchObject({ code: 'csv_malformed' })
    const { importing, response } = await begun(desk, 'a', 'sales')
    response.destroy()
    await expect(importing).rejects.toMatchObject({ code: 'download_failed' })
    expect((await desk.forCaller('a').query('FROM sales')).rows).toEqual([{ a: 1, b: 'x' }])
    expect((await desk.forCaller('a').query('SHOW TABLES')).rows).toEqual([
      { name: 'people' },
      { name: 'sales' },
    ])
  })
})

describe('the quota', () => {
  it('is five tables, any of which may be replaced', async () => {
    let now = 0
    const desk = await openSmall({ now: () => now })
    for (const name of ['e', 'd', 'c', 'b', 'a']) {
      await importAs(desk, 'one', name)
      now += 1000
    }
    await expect(importAs(desk, 'one', 'f')).rejects.toMatchObject({
      code: 'quota_reached',
      hint: expect.stringMatching(/\(a, b, c, d, e\).*1970-01-01T01:00:00.000Z/),
    })
    await importAs(desk, 'one', 'c')
    await importAs(desk, 'two', 'f')
    expect(sizes(desk)[1]).toBe(6)
  })

  it('of all callers together is a number of tables', async () => {
    const desk = await openSmall({ imports: { tables: 2 } })
    await importAs(desk, 'one', 'a')
    await importAs(desk, 'two', 'a')
    await expect(importAs(desk, 'three', 'a')).rejects.toMatchObject({ code: 'desk_full' })
    await importAs(desk, 'one', 'a')
    expect(importLines(desk)[1]).toEqual({
      name: 'imported tables',
      size: 2,
      limit: 2,
      unit: 'entries',
      dropped: 1,
    })
  })

  it('of all callers together is an amount of memory', async () => {
    const instance = await DuckDBInstance.create(':memory:', { temp_directory: '', memory_limit: '8MB' })
    const shared = await ConnectionPool.open(instance, { of: 'queries', size: 1, queue: 1, waitMs: 1000 })
    const storage = new DuckdbImports(instance, shared, 1000)
    const tables = new ImportedTables({
      storage,
      limits: importLimits,
      memoryBytes: 1000,
      reserved: new Set(),
      keywords: new Set(),
      now: Date.now,
    })
    const load = (caller: string, text: string): Promise<unknown> =>
      tables.import(caller, { url: host.url(text), name: 'x', fetch }, (records, signal) =>
        storage.load(caller, 'x', records, signal),
      )
    const lines = Array.from(
      { length: 200_000 },
      (_, n) => `${n * 7919},${(n * 7919).toString(36)} of many texts`,
    )
    // DuckDB's own limit comes first here, and leaves nothing behind.
    await expect(load('one', `a,b\n${lines.join('\n')}`)).rejects.toMatchObject({ code: 'desk_full' })
    expect(tables.stats().map(({ size }) => size)).toEqual([0, 0, 0])
    await load('one', `a,b\n${'1,x\n'.repeat(100)}`)
    await expect(load('two', 'a\n1\n')).rejects.toMatchObject({ code: 'desk_full' })
    await tables.close()
    shared.close()
    instance.closeSync()
  })

  it('is one import of a caller at a time, and three in all', async () => {
    const desk = await openSmall()
    const running = []
    for (const caller of ['a', 'b', 'c']) running.push(await begun(desk, caller, 'x'))
    await expect(importAs(desk, 'a', 'y')).rejects.toMatchObject({
      code: 'import_running',
      message: expect.stringMatching(/yours/),
    })
    await expect(importAs(desk, 'd', 'y')).rejects.toMatchObject({
      code: 'import_running',
      message: expect.stringMatching(/3 imports/),
    })
    expect(importLines(desk)[0]).toEqual({ name: 'imports', size: 3, limit: 3, unit: 'entries', dropped: 2 })
    for (const { response } of running) response.end()
    await Promise.all(running.map(({ importing }) => importing))
    await importAs(desk, 'd', 'y')
  })
})

describe('a table', () => {
  it('is gone after an hour, for its caller at once and for good soon after', async () => {
    let now = 1_000_000
    const desk = await openSmall({ now: () => now })
    const { expires } = await desk.forCaller('a').importCsv({ url: host.url('n\n1\n'), name: 'x', fetch })
    expect(expires).toBe(now + hour)
    now += hour - 1
    expect((await desk.forCaller('a').query('FROM x')).rows).toEqual([{ n: 1 }])
    now += 1
    const later = desk.forCaller('a')
    expect([...later.datasets.keys()]).toEqual(['people'])
    expect(await later.describe('x')).toBeUndefined()
    await expect(later.query('FROM x')).rejects.toMatchObject({
      code: 'sql_error',
      message: expect.stringMatching(/no dataset named/),
    })
    expect((await later.query('SHOW TABLES')).rows).toEqual([{ name: 'people' }])
    await importAs(desk, 'b', 'y')
    await vi.waitFor(() => expect(sizes(desk)[1]).toBe(1))
  })

  it('that has expired makes room, and can be imported again', async () => {
    let now = 0
    const desk = await openSmall({ now: () => now, imports: { tablesPerCaller: 1 } })
    await importAs(desk, 'a', 'x')
    now += hour
    await importAs(desk, 'a', 'y')
    await importAs(desk, 'a', 'y')
    now += hour
    await importAs(desk, 'a', 'y', 'n\n5\n')
    expect((await desk.forCaller('a').query('FROM y')).rows).toEqual([{ n: 5 }])
    await vi.waitFor(() => expect(sizes(desk)[1]).toBe(1))
  })
})

describe('ending', () => {
  it('a cancelled import stops its download and leaves nothing', async () => {
    const desk = await openSmall()
    const cancel = new AbortController()
    const { importing, response } = await begun(desk, 'a', 'x', cancel.signal)
    const closed = once(response, 'close')
    cancel.abort()
    await expect(importing).rejects.toMatchObject({ code: 'cancelled' })
    await closed
    expect(sizes(desk)).toEqual([0, 0, 0])
    await expect(
      desk.forCaller('a').importCsv({ url: host.url('n\n1\n'), name: 'x', fetch, signal: cancel.signal }),
    ).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('a refused file stops its download', async () => {
    const desk = await openSmall()
    let ended = (): void => {}
    const closed = new Promise<void>((resolve) => {
      ended = resolve
    })
    const url = host.url((response) => {
      response.on('close', ended)
      // As much as is read before the first line is judged, and no end.
      response.write(`a,b\n${'1,x\n'.repeat(16_384)}1\n${'1,x\n'.repeat(100)}`)
    })
    await expect(desk.forCaller('a').importCsv({ url, name: 'x', fetch })).rejects.toMatchObject({
      code: 'csv_malformed',
    })
    await closed
  })

  it('the desk ends its imports', async () => {
    const desk = await openSmall()
    const { importing, response } = await begun(desk, 'a', 'x')
    const closed = once(response, 'close')
    desk.close()
    await expect(importing).rejects.toMatchObject({
      code: 'cancelled',
      message: expect.stringMatching(/shutting down/),
    })
    await closed
    await expect(importAs(desk, 'a', 'x')).rejects.toMatchObject({ code: 'cancelled' })
    desks.splice(0)
  })
})

describe('queries over imports', () => {
  it('go on while their caller imports', async () => {
    const desk = await openSmall()
    await importAs(desk, 'a', 'sales')
    const { importing, response } = await begun(desk, 'a', 'more')
    for (let n = 0; n < 20; n += 1) {
      response.write('3,z\n'.repeat(5000))
      expect(
        (await desk.forCaller('a').query('SELECT a + people.age AS n FROM sales, people', 1)).rows,
      ).toHaveLength(1)
    }
    response.end()
    expect(await importing).toMatchObject({ rows: 150_000 })
  })

  it('wait for each other, and not for those of others', async () => {
    const desk = await openSmall()
    await importAs(desk, 'a', 'sales')
    await importAs(desk, 'b', 'sales')
    const stop = new AbortController()
    const running = desk.forCaller('a').query(endless, 1, stop.signal)
    const next = desk.forCaller('a').query('FROM sales')
    expect((await desk.forCaller('b').query('FROM sales')).rows).toHaveLength(1)
    expect((await desk.forCaller('a').query('FROM people')).rows).toHaveLength(9)
    expect(desk.state()).toEqual({ idle: 2, waiting: 0 })
    stop.abort()
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    expect((await next).rows).toEqual([{ a: 1, b: 'x' }])
    expect(desk.state()).toEqual({ idle: 3, waiting: 0 })
  })

  it('count among the queries that run at once', async () => {
    const desk = await openSmall({ connections: 1, waitMs: 100 })
    await importAs(desk, 'a', 'sales')
    const stop = new AbortController()
    const running = desk.forCaller('a').query(endless, 1, stop.signal)
    await vi.waitFor(() => expect(desk.state().idle).toBe(0))
    await expect(desk.query('FROM people')).rejects.toMatchObject({ code: 'desk_busy' })
    stop.abort()
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    expect(desk.state()).toEqual({ idle: 1, waiting: 0 })
  })

  it('leave their connection free when there is no place for them', async () => {
    const desk = await openSmall({ connections: 1, waitMs: 100 })
    await importAs(desk, 'a', 'sales')
    const stop = new AbortController()
    const running = desk.query(endless.replace(', sales', ''), 1, stop.signal)
    await expect(desk.forCaller('a').query('FROM sales')).rejects.toMatchObject({ code: 'desk_busy' })
    await importAs(desk, 'a', 'sales', 'n\n5\n')
    stop.abort()
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    expect((await desk.forCaller('a').query('FROM sales')).rows).toEqual([{ n: 5 }])
  })
})
