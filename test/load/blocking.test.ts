import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, inject, it } from 'vitest'
import type { Service, ServiceCall } from '../../src/contracts/service.js'
import { duckdb } from '../../src/services/duckdb/index.js'
import { postgres } from '../../src/services/postgres/index.js'
import { sqlite } from '../../src/services/sqlite/index.js'
import { run, testCall } from '../pools/service-world.js'

const databaseUrl = inject('databaseUrl')
/** `npm run load:blocking` takes longer, and shows what it measured. */
const long = process.env['MODE'] === 'load'
const runsMs = long ? 5000 : 500

/** How late the event loop was while something ran, ms. */
async function lateness(during: Promise<unknown>): Promise<{ p99: number; most: number }> {
  const delays = monitorEventLoopDelay({ resolution: 10 })
  delays.enable()
  await during
  delays.disable()
  return { p99: delays.percentile(99) / 1e6, most: delays.max / 1e6 }
}

interface Asked {
  query(statement: string): Promise<unknown>
}

/** Runs a statement that never ends for as long as its call lasts, and compares with the same process at rest. */
async function measure<Value>(
  what: string,
  service: Service<Value, Asked>,
  statement: string,
): Promise<void> {
  const running = await run(service)
  try {
    const seen = (call: ServiceCall): Asked => running.as(call)
    await seen(testCall()).query('SELECT 1')
    const idle = await lateness(pause(runsMs))
    const before = performance.now()
    let endedAfter = 0
    const call = testCall({ within: runsMs })
    const asked = seen(call)
      .query(statement)
      .catch(() => {
        endedAfter = performance.now() - before
      })
    const busy = await lateness(asked)
    if (long) {
      process.stderr.write(
        `${what}: event loop late by ${idle.p99.toFixed(1)} ms (p99) at rest, ${busy.p99.toFixed(1)} ms with a statement of ${(endedAfter / 1000).toFixed(2)} s, ${busy.most.toFixed(1)} ms at most\n`,
      )
    }
    expect(endedAfter).toBeGreaterThan(runsMs * 0.9)
    expect(busy.p99 - idle.p99).toBeLessThan(50)
  } finally {
    await running.stop()
  }
}

it('a statement of SQLite that never ends keeps nobody waiting', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-blocking-'))
  try {
    const file = join(folder, 'data.db')
    await (await run(sqlite({ file, readOnly: false }))).stop()
    await measure(
      'sqlite',
      sqlite({ file, readers: 1 }),
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n',
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 60_000)

if (databaseUrl !== undefined) {
  it('nor does one of PostgreSQL, which is over there when its call ends', async () => {
    await measure(
      'postgres',
      postgres({ url: databaseUrl }),
      'SELECT count(*) FROM generate_series(1, 1000000000000)',
    )
  }, 60_000)
}

it('nor does one of DuckDB', async () => {
  await measure('duckdb', duckdb({ threads: 1 }), 'SELECT count(*) FROM range(1000000000000)')
}, 60_000)

it('rows are made of what DuckDB has without keeping others waiting', async () => {
  const rows = long ? 200_000 : 40_000
  const running = await run(duckdb({ maxRows: rows, maxBytes: 200_000_000, threads: 1 }))
  try {
    const statement = `SELECT ${Array.from({ length: 20 }, (_, index) => `i + ${index} AS c${index}`).join(', ')}
      FROM range(${rows}) r(i)`
    const idle = await lateness(pause(runsMs))
    let turns = 0
    let isOver = false
    const turn = (): void => {
      turns += 1
      if (!isOver) setImmediate(turn)
    }
    turn()
    const busy = await lateness(running.as(testCall()).query(statement))
    isOver = true
    // Others have a turn between any two portions of 2,048 rows that DuckDB gives; how long one takes depends on who else computes.
    expect(turns).toBeGreaterThan(rows / 2048)
    if (!long) return
    process.stderr.write(
      `duckdb, ${rows} rows: event loop late by ${idle.p99.toFixed(1)} ms (p99) at rest, ${busy.p99.toFixed(1)} ms\n`,
    )
    expect(busy.p99 - idle.p99).toBeLessThan(50)
  } finally {
    await running.stop()
  }
}, 60_000)
