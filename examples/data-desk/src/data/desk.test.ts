import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Desk, openDesk } from './desk.js'

const endless = 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t'
const wide = "SELECT repeat('x', 5000) AS text FROM range(1000)"

describe('the bundled data', () => {
  const lines: string[] = []
  let desk: Desk
  beforeAll(async () => {
    desk = await openDesk({ onProgress: (line) => lines.push(line) })
  })
  afterAll(() => desk.close())

  it('has three million flights, the people, and one table per tabular file', async () => {
    expect(desk.datasets.get('flights')).toMatchObject({ rows: 3_000_000, file: 'flights-3m.parquet' })
    expect(desk.datasets.get('people')).toMatchObject({ rows: 9, file: 'lookup_people.csv' })
    expect([...desk.datasets.keys()]).toEqual(
      expect.arrayContaining([
        'airports',
        'movies',
        'stocks',
        'weather',
        'flights_2k',
        'sp500_2000',
        'london_centroids',
      ]),
    )
    expect(desk.datasets.size).toBe(61)
    expect(new Set([...desk.datasets.values()].map(({ file }) => file)).size).toBe(61)
  })

  it('says what was skipped, and why', () => {
    const skipped = lines.filter((line) => line.startsWith('skipped '))
    expect(skipped).toHaveLength(12)
    expect(skipped).toContain('skipped world-110m.json: TopoJSON map, not a table')
    expect(skipped).toContain('skipped earthquakes.json: GeoJSON map, not a table')
    expect(skipped.every((line) => !line.includes('could not be read'))).toBe(true)
  })

  it('keeps the zeros of codes, and mixed titles as text', async () => {
    expect((await desk.query('SELECT zip_code FROM zipcodes ORDER BY 1', 1)).rows).toEqual([
      { zip_code: '00501' },
    ])
    expect(desk.datasets.get('movies')?.columns[0]).toEqual({ name: 'Title', type: 'VARCHAR' })
  })

  it('describes every dataset', async () => {
    for (const name of desk.datasets.keys()) {
      const description = await desk.describe(name)
      expect(description?.sample.length).toBeGreaterThan(0)
      expect(description?.columns.every(({ nullShare }) => nullShare >= 0 && nullShare <= 1)).toBe(true)
      JSON.stringify(description)
    }
    expect(await desk.describe('nothing')).toBeUndefined()
  })

  it('describes columns exactly', async () => {
    const description = await desk.describe('people')
    expect(description?.columns).toEqual([
      { name: 'name', type: 'VARCHAR', nullShare: 0, approxDistinct: 9, min: 'Alan', max: 'Will' },
      { name: 'age', type: 'BIGINT', nullShare: 0, approxDistinct: expect.any(Number), min: 21, max: 63 },
      {
        name: 'height',
        type: 'BIGINT',
        nullShare: 0,
        approxDistinct: expect.any(Number),
        min: 160,
        max: 182,
      },
    ])
  })

  it('returns at most the rows asked for, and says that there are more', async () => {
    const cut = await desk.query('SELECT * FROM flights', 7)
    expect([cut.rows.length, cut.truncatedBy]).toEqual([7, 'rows'])
    const exact = await desk.query('SELECT * FROM people', 9)
    expect([exact.rows.length, exact.truncatedBy]).toEqual([9, undefined])
    expect((await desk.query('SELECT * FROM flights', 1_000_000)).rows).toHaveLength(1000)
  })

  it('returns a bounded number of bytes', async () => {
    const result = await desk.query(wide, 1000)
    expect(result.truncatedBy).toBe('bytes')
    expect(JSON.stringify(result.rows).length).toBeLessThanOrEqual(256 * 1024)
    const cells = await desk.query("SELECT repeat('x', 20000) AS text")
    expect(cells.cutCells).toBe(1)
    expect(String(cells.rows[0]?.['text'])).toContain('x... [cut]')
    const columns = Array.from({ length: 30 }, (_, n) => `repeat('x', 9999) AS c${n}`).join(', ')
    await expect(desk.query(`SELECT ${columns}`)).rejects.toMatchObject({ code: 'result_too_large' })
  })

  it('finds near names', () => {
    expect(desk.near('airprots')).toContain('airports')
    expect(desk.near('movie')[0]).toBe('movies')
    expect(desk.near('qqqqqqqqqq')).toEqual([])
  })

  it('makes every value JSON', async () => {
    const sql = `SELECT 9007199254740993 AS big, 12 AS small, 1.50::DECIMAL(4,2) AS price,
      12345678901234567.89::DECIMAL(20,2) AS exact, DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:30:00.5' AS moment,
      TIMESTAMPTZ '2024-02-29 12:30:00+02' AS instant, 'NaN'::DOUBLE AS nan, 'infinity'::DOUBLE AS endless,
      'abc'::BLOB AS bytes, [1, NULL] AS list, {'a': 1} AS struct, MAP {'k': 1} AS map,
      INTERVAL 90 MINUTE AS span, '{"a":[1]}'::JSON AS json, NULL AS missing, 'infinity'::DATE AS never,
      TIME '01:02:03' AS clock, 170141183460469231731687303715884105727::HUGEINT AS huge`
    const { rows } = await desk.query(sql)
    expect(JSON.parse(JSON.stringify(rows[0]))).toEqual({
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
      list: [1, null],
      struct: { a: 1 },
      map: [{ key: 'k', value: 1 }],
      span: '01:30:00',
      json: { a: [1] },
      missing: null,
      never: 'infinity',
      clock: '01:02:03',
      huge: '170141183460469231731687303715884105727',
    })
  })

  it('bounds every kind of value before it leaves the database', async () => {
    const sql = `SELECT range(1000000) AS list, [range(10000)] AS lists, {'a': [repeat('x', 1000000)], 'b': 1} AS struct,
      MAP {'k': repeat('x', 1000000)} AS map, repeat('x', 1000000)::BLOB AS bytes, NULL::STRUCT(a VARCHAR) AS missing,
      row(1, 'x') AS pair, [{'a': [[1, 2, 3, 4, 5]]}] AS deep, 'x' AS text, list_value(1, 2)::INT[2] AS array`
    const { rows, cutCells, columns } = await desk.query(`${sql}; -- end`)
    const row = JSON.parse(JSON.stringify(rows[0]))
    expect(row.list).toHaveLength(1000)
    expect(row.lists[0]).toHaveLength(100)
    expect(row.struct).toEqual({ a: [`${'x'.repeat(100)}... [cut]`], b: 1 })
    expect(row.map).toEqual([{ key: 'k', value: `${'x'.repeat(100)}... [cut]` }])
    expect(Buffer.from(row.bytes, 'base64')).toHaveLength(10_000)
    expect([row.missing, row.text, row.array, Object.values(row.pair)]).toEqual([null, 'x', [1, 2], [1, 'x']])
    expect(row.deep).toEqual([{ a: [[1, 2, 3]] }])
    expect(cutCells).toBe(6)
    expect(columns.map(({ type }) => type).slice(0, 3)).toEqual([
      'BIGINT[]',
      'BIGINT[][]',
      'STRUCT("a" VARCHAR[], "b" INTEGER)',
    ])
  })

  it('keeps the order of rows', async () => {
    const { rows } = await desk.query('SELECT name FROM people ORDER BY height DESC, name', 3)
    expect(rows).toEqual([{ name: 'Fred' }, { name: 'Rick' }, { name: 'Alan' }])
  })

  it('tells columns of one name apart', async () => {
    const { rows } = await desk.query('SELECT 1 AS a, 2 AS a')
    expect(Object.values(rows[0] ?? {})).toEqual([1, 2])
    const odd = await desk.query('SELECT 1 AS "__proto__", 2 AS "constructor"')
    expect(JSON.stringify(odd.rows)).toBe('[{"__proto__":1,"constructor":2}]')
  })
})

describe('a desk with one connection', () => {
  let desk: Desk
  beforeAll(async () => {
    desk = await openDesk({
      only: (file) => file === 'lookup_people.csv',
      queryTimeoutMs: 1000,
      waitMs: 100,
      connections: 1,
    })
  })
  afterAll(() => desk.close())

  it('stops a statement at its time limit, and the connection stays usable', async () => {
    const start = performance.now()
    await expect(desk.query(endless)).rejects.toMatchObject({ code: 'query_timeout' })
    expect(performance.now() - start).toBeLessThan(5000)
    expect((await desk.query('SELECT 42 AS n')).rows).toEqual([{ n: 42 }])
  })

  it('interrupts a cancelled statement, and the connection stays usable', async () => {
    const controller = new AbortController()
    const running = desk.query(endless, 1, controller.signal)
    setImmediate(() => controller.abort())
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    await expect(desk.query('SELECT 1', 1, controller.signal)).rejects.toMatchObject({ code: 'cancelled' })
    expect((await desk.query('SELECT 42 AS n')).rows).toEqual([{ n: 42 }])
    expect(desk.state()).toEqual({ idle: 1, waiting: 0 })
  })

  it('lets a bounded number wait for a bounded time', async () => {
    const controller = new AbortController()
    const running = desk.query(endless, 1, controller.signal)
    const waiting = Array.from({ length: 33 }, () => desk.query('SELECT 1'))
    const outcomes = await Promise.allSettled(waiting)
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      Array.from({ length: 33 }, () => 'desk_busy'),
    )
    controller.abort()
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    expect((await desk.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })
})

describe('a directory of one’s own', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'data-desk-'))
    const write = (file: string, text: string): Promise<void> => writeFile(join(directory, file), text)
    await write('Sales Report (2024).csv', 'id,code\n1,007\n2,12\n')
    await write('2024-sales.csv', 'a;b\n1;2\n')
    await write('order.tsv', 'a\tb\n1\tx\n')
    await write("it's[1]*.csv", 'a\n5\n')
    await write('events.json', '{"a":1}\n{"a":2}\n')
    await write('same.csv', 'a\n1\n')
    await write('same.json', '[{"a":2},{"a":3}]')
    await write('lookup_people.csv', 'a\n1\n')
    await write('numbers.json', '[1, 2, 3]')
    await write('broken.json', '[{"a": ')
    await write('broken.parquet', 'PAR0 nothing of the sort')
    await write('one.json', '{"a": {"b": 1}}')
    await write('empty.csv', '')
    await write('notes.txt', 'hello')
    await write('.hidden.csv', 'a\n1\n')
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('serves what is tabular under names of its own, and says what it skipped', async () => {
    const lines: string[] = []
    const desk = await openDesk({ data: directory, onProgress: (line) => lines.push(line), connections: 1 })
    try {
      const names = [...desk.datasets.keys()]
      expect(names).toEqual([
        '2024_sales',
        'events',
        'it_s_1',
        'lookup_people',
        'order',
        'sales_report_2024',
        'same',
        'same_json',
      ])
      expect(desk.datasets.get('order')?.sql).toBe('"order"')
      expect(desk.datasets.get('2024_sales')?.sql).toBe('"2024_sales"')
      expect(desk.datasets.get('same')?.sql).toBe('same')
      for (const { sql, name } of desk.datasets.values()) {
        expect((await desk.query(`SELECT * FROM ${sql}`)).rows.length).toBe(desk.datasets.get(name)?.rows)
      }
      expect((await desk.query('FROM sales_report_2024')).rows).toEqual([
        { id: 1, code: '007' },
        { id: 2, code: '12' },
      ])
      const skipped = lines.filter((line) => line.startsWith('skipped')).map((line) => line.split(':')[0])
      expect(skipped.sort()).toEqual(
        ['broken.json', 'broken.parquet', 'empty.csv', 'notes.txt', 'numbers.json', 'one.json'].map(
          (f) => `skipped ${f}`,
        ),
      )
      expect(lines.join('\n')).not.toContain(directory)
    } finally {
      desk.close()
    }
  })

  it('is one sentence when there is no such directory, or no table in it', async () => {
    await expect(openDesk({ data: join(directory, 'none') })).rejects.toThrow(/cannot be read \(ENOENT\)\.$/)
    await expect(openDesk({ data: directory, only: () => false })).rejects.toThrow(/holds no CSV/)
  })
})
