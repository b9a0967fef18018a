import { DuckDBPreparedStatement } from '@duckdb/node-api'
import type { Server } from 'holdfast'
import { connect, type TestClient, type ToolCallResult } from 'holdfast/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDataDesk } from '../server.js'
import type { Services } from '../services.js'

// The tools over what is really large: three million flights.
const files = new Set(['flights-3m.parquet', 'airports.csv'])
let server: Server<Services>
let client: TestClient

beforeAll(async () => {
  server = await createDataDesk({ only: (file) => files.has(file) })
  client = await connect(server)
})
afterAll(async () => {
  await client.close()
  await server.close()
})

function errorOf(result: ToolCallResult): Record<string, unknown> {
  expect(result.isError).toBe(true)
  return result._meta?.['dev.holdfast/error'] as Record<string, unknown>
}

function line(name: string): number | undefined {
  return server.stats().bounded.find((one) => one.name === name)?.size
}

interface Found {
  readonly code: string
  readonly found: boolean
  readonly flights?: number
  readonly routes?: readonly { readonly destination: string; readonly flights: number }[]
  readonly near?: readonly { readonly code: string }[]
}

async function routes(codes: readonly string[], limit?: number): Promise<readonly Found[]> {
  const { structuredContent } = await client.callTool('routes-of-airports', {
    codes,
    ...(limit !== undefined && { limit }),
  })
  return (structuredContent as { readonly airports: readonly Found[] }).airports
}

describe('routes-of-airports', () => {
  it('says where most flights lead', async () => {
    const [found] = await routes(['ord'], 3)
    expect(found).toMatchObject({
      code: 'ord',
      found: true,
      name: "Chicago O'Hare International",
      city: 'Chicago',
      routes: [
        { name: expect.any(String), averageDelay: expect.any(Number), distance: expect.any(Number) },
        {},
        {},
      ],
    })
    const sql = `SELECT destination, count(*) AS flights, round(avg(delay), 1) AS "averageDelay" FROM flights WHERE origin = 'ORD'
      GROUP BY destination ORDER BY flights DESC, destination LIMIT 3`
    const { structuredContent } = await client.callTool('query-dataset', { sql })
    expect(found?.routes).toMatchObject((structuredContent as { rows: object[] }).rows)
  })

  it('asks the database once for all codes, and once more for all that are not known', async () => {
    const { structuredContent } = await client.callTool('query-dataset', {
      sql: 'SELECT DISTINCT origin FROM flights ORDER BY origin LIMIT 49',
    })
    const codes = (structuredContent as { rows: { origin: string }[] }).rows.map(({ origin }) => origin)
    const executed = vi.spyOn(DuckDBPreparedStatement.prototype, 'stream')
    const found = await routes([...codes, codes[0] ?? ''])
    expect(found.map(({ code }) => code)).toEqual([...codes, codes[0]])
    expect(found.every((one) => one.found && (one.routes?.length ?? 0) > 0)).toBe(true)
    expect(found.at(-1)).toEqual(found[0])
    expect(executed).toHaveBeenCalledTimes(1)
    executed.mockClear()
    const mixed = await routes([...codes.slice(0, 20), ...Array.from({ length: 30 }, (_, n) => `?${n}`)])
    expect(mixed.filter((one) => one.found)).toHaveLength(20)
    expect(executed).toHaveBeenCalledTimes(2)
  })

  it('has an outcome for each code: suggestions where it is not known, nothing where none are', async () => {
    const found = await routes(['LAZ', 'chicago', "' OR 1=1 --", 'qqqq', '00M'])
    expect(found.map((one) => [one.found, one.near?.map(({ code }) => code)])).toEqual([
      [false, ['LAX', 'LAS', 'LAN']],
      [false, ['ORD', 'MDW']],
      [false, []],
      [false, []],
      // A place without flights in the data.
      [true, undefined],
    ])
    expect(found.at(-1)).toMatchObject({ flights: 0, routes: [] })
    for (const codes of [[], Array.from({ length: 51 }, () => 'ORD'), ['']]) {
      expect(errorOf(await client.callTool('routes-of-airports', { codes }))).toMatchObject({
        code: 'invalid_arguments',
      })
    }
  })
})

describe('profile-dataset', () => {
  it('profiles a sample of many rows, and says so', async () => {
    const { structuredContent } = await client.callTool('profile-dataset', { name: 'Flights' })
    const profile = structuredContent as {
      columns: { name: string; mean?: number; top?: { value: string; count: number }[] }[]
      correlations: object[]
    }
    expect(profile).toMatchObject({
      rows: 3_000_000,
      sampledRows: 200_000,
      notes: [expect.stringContaining('at random')],
    })
    const { structuredContent: exact } = await client.callTool('query-dataset', {
      sql: 'SELECT avg(delay) AS delay, avg(distance) AS distance, corr(delay, distance) AS r FROM flights',
    })
    const [row] = (exact as { rows: [{ delay: number; distance: number; r: number }] }).rows
    const columns = new Map(profile.columns.map((column) => [column.name, column]))
    // Five standard errors.
    expect(Math.abs((columns.get('delay')?.mean ?? Number.NaN) - row.delay)).toBeLessThan(0.4)
    expect(Math.abs((columns.get('distance')?.mean ?? Number.NaN) - row.distance)).toBeLessThan(7)
    expect(profile.correlations).toMatchObject([
      { columns: ['delay', 'distance'], r: expect.closeTo(row.r, 1) },
    ])
    expect(columns.get('origin')?.top?.[0]?.value).toBe('ORD')
  })

  it('ends with its call while it reads and while it computes, and leaves nobody waiting', async () => {
    for (const after of ['Looking at all rows', 'Column']) {
      const cancel = new AbortController()
      const seen = client.notifications.length
      const call = client.callTool(
        'profile-dataset',
        { name: 'flights' },
        { signal: cancel.signal, meta: { progressToken: after } },
      )
      call.catch(() => {})
      const begun = (): boolean =>
        client.notifications.slice(seen).some(({ params }) => String(params['message']).startsWith(after))
      await expect.poll(begun, { timeout: 10_000, interval: 1 }).toBe(true)
      cancel.abort(new Error('left'))
      await expect(call).rejects.toThrow('left')
      await expect.poll(() => line('queries')).toBe(0)
    }
    const again = await client.callTool('profile-dataset', { name: 'airports' })
    expect(again.structuredContent).toMatchObject({ rows: 3376, sampledRows: 3376, notes: [] })
  })
})

describe('export-dataset', () => {
  it('tells how far it is, and lets others ask meanwhile', async () => {
    const seen = client.notifications.length
    const exporting = client.callTool(
      'export-dataset',
      { name: 'flights', format: 'csv', limit: 100_000 },
      { meta: { progressToken: 'e' } },
    )
    const told = () => client.notifications.slice(seen)
    await expect.poll(() => told().length, { timeout: 10_000, interval: 1 }).toBeGreaterThan(0)
    expect(line('exports')).toBe(1)
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => client.callTool('query-dataset', { sql: 'SELECT 42 AS n' })),
    )
    expect(answers.map(({ isError }) => isError ?? false)).toEqual(new Array(6).fill(false))
    expect((await exporting).structuredContent).toMatchObject({ rows: 100_000, truncated: true })
    expect(told().at(-1)?.params).toMatchObject({
      progress: 100_000,
      total: 100_000,
      message: '100000 of 100000 rows of flights',
    })
  })

  it('ends with its call, and keeps nothing of it', async () => {
    const before = line('spilled results')
    const cancel = new AbortController()
    const seen = client.notifications.length
    const call = client.callTool(
      'export-dataset',
      { name: 'flights', format: 'ndjson', limit: 1_000_000 },
      { signal: cancel.signal, meta: { progressToken: 'c' } },
    )
    call.catch(() => {})
    await expect
      .poll(() => client.notifications.length - seen, { timeout: 10_000, interval: 1 })
      .toBeGreaterThan(0)
    cancel.abort(new Error('left'))
    await expect(call).rejects.toThrow('left')
    await expect.poll(() => line('exports')).toBe(0)
    await expect.poll(() => line('spilled results')).toBe(before)
  })
})
