import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, loader, type ServerOptions } from 'holdfast'
import { duckdb } from 'holdfast/services/duckdb'
import { type Database, postgres } from 'holdfast/services/postgres'
import { sqlite } from 'holdfast/services/sqlite'
import { cells } from 'holdfast/testing'
import { Client } from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { keepingLogger, open, textOf } from '../protocol/support.js'

const databaseUrl = inject('databaseUrl')
/** A cancel comes as a message, or as the end of its request. */
const ways = [
  ...cells({ transports: ['stdio', 'http'], revisions: ['2025-11-25'] }),
  ...cells({ transports: ['http'], revisions: ['2026-07-28'] }),
]

function serverWith<Services extends NonNullable<ServerOptions['services']>>(services: Services) {
  const logger = keepingLogger()
  const server = createServer({ name: 'pools', version: '1.0.0', logger, services })
  onTestFinished(() => server.close({ timeoutMs: 0 }))
  return { server, logger }
}

if (databaseUrl !== undefined) {
  /** What the database says of the connections of one test. */
  async function watching(): Promise<{
    readonly applicationName: string
    ask(): Promise<readonly { state: string; query: string }[]>
  }> {
    const applicationName = `holdfast-test-${randomUUID()}`
    const client = new Client({ connectionString: databaseUrl })
    await client.connect()
    onTestFinished(() => client.end())
    return {
      applicationName,
      ask: async () =>
        (
          await client.query<{ state: string; query: string }>(
            'SELECT state, query FROM pg_stat_activity WHERE application_name = $1',
            [applicationName],
          )
        ).rows,
    }
  }

  describe.each(ways)('postgres() in a server: $name', (cell) => {
    it('a query is gone from the database when its client cancels, and when its time is over', async () => {
      const { applicationName, ask } = await watching()
      const { server } = serverWith({ db: postgres({ url: databaseUrl, applicationName, max: 3 }) })
      const sleeping = async (): Promise<number> =>
        (await ask()).filter(({ query, state }) => query.includes('pg_sleep') && state === 'active').length
      server.tool('sleep', { description: 'Sleeps.' }, async (_args, ctx) => {
        await ctx.services.db.query('SELECT pg_sleep(60)')
        return 'slept'
      })
      server.tool('sleep-briefly', { description: 'Sleeps.', timeout: '300ms' }, async (_args, ctx) => {
        await ctx.services.db.query('SELECT pg_sleep(60)')
        return 'slept'
      })
      const client = await open(cell, server)
      const gone = new AbortController()
      const call = client.callTool('sleep', {}, { id: 71, signal: gone.signal })
      call.catch(() => undefined)
      await expect.poll(sleeping).toBe(1)
      if (cell.revision === '2026-07-28' && cell.transport === 'http') gone.abort()
      else await client.notify('notifications/cancelled', { requestId: 71 })
      await expect.poll(sleeping).toBe(0)
      const late = await client.callTool('sleep-briefly')
      expect(late['_meta']).toMatchObject({ 'dev.holdfast/error': { code: 'timed_out' } })
      await expect.poll(sleeping).toBe(0)
      await server.close()
      expect(await ask()).toEqual([])
    })
  })

  describe('postgres() in a server', () => {
    const [memory] = cells({ transports: ['memory'], revisions: ['2025-11-25'] })
    if (memory === undefined) throw new Error('There is no such cell.')

    it('two hundred calls share ten connections, which are there in stats and gone after the end', async () => {
      const { applicationName, ask } = await watching()
      const { server } = serverWith({ orders: postgres({ url: databaseUrl, applicationName, max: 10 }) })
      server.tool('count', { description: 'Counts.' }, async (_args, ctx) => {
        const { rows } = await ctx.services.orders.query('SELECT pg_sleep(0.01), 7 AS n')
        return String(rows[0]?.['n'])
      })
      const client = await open(memory, server)
      let most = 0
      let over = false
      const look = (async () => {
        while (!over) most = Math.max(most, (await ask()).length)
      })()
      const answers = await Promise.all(Array.from({ length: 200 }, () => client.callTool('count')))
      over = true
      await look
      expect(new Set(answers.map(textOf))).toEqual(new Set(['7']))
      expect(most).toBeLessThanOrEqual(10)
      expect(server.stats().bounded).toContainEqual(
        expect.objectContaining({ name: 'resources (orders)', limit: 10 }),
      )
      expect(server.health()).toMatchObject({ status: 'ok', checks: [{ name: 'orders', status: 'ok' }] })
      await server.close()
      expect(await ask()).toEqual([])
    })

    it('a call that asks one by one is warned of, one that loads is a query', async () => {
      const { applicationName } = await watching()
      const { server, logger } = serverWith({ db: postgres({ url: databaseUrl, applicationName }) })
      const double = loader(async (keys: readonly number[], { services }: { services: { db: Database } }) => {
        const { rows } = await services.db.query<{ n: number; twice: number }>(
          'SELECT n, n * 2 AS twice FROM unnest($1::int[]) AS n',
          [keys],
        )
        return new Map(rows.map(({ n, twice }) => [n, twice]))
      })
      server.tool('one-by-one', { description: 'Asks.' }, async (_args, ctx) => {
        for (let n = 0; n < 12; n += 1) await ctx.services.db.query('SELECT $1::int * 2', [n])
        return 'done'
      })
      server.tool('together', { description: 'Loads.' }, async (_args, ctx) =>
        String(await Promise.all(Array.from({ length: 12 }, (_, n) => ctx.load(double, n)))),
      )
      const client = await open(memory, server)
      expect(textOf(await client.callTool('together'))).toBe('0,2,4,6,8,10,12,14,16,18,20,22')
      expect(logger.records.filter(({ level }) => level === 'warn')).toEqual([])
      await client.callTool('one-by-one')
      expect(logger.records).toMatchObject([
        { level: 'warn', fields: { name: 'one-by-one', query: 'SELECT $1::int * 2' } },
      ])
    })

    it('a server whose database is away says so in one sentence', async () => {
      const { server } = serverWith({
        db: postgres({ url: 'postgres://app:hunter2secret@127.0.0.1:1/orders' }),
      })
      const error = await server.start().then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      expect(error?.message).toBe(
        '"db" must be there when the server starts: connect ECONNREFUSED 127.0.0.1:1.',
      )
    })
  })
}

describe.each(ways)('embedded databases in a server: $name', (cell) => {
  it('are typed, and their statements end with the call', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-in-server-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const { server } = serverWith({
      facts: duckdb({ setup: (run) => run('CREATE TABLE facts AS SELECT range AS n FROM range(10)') }),
      notes: sqlite({ file: join(folder, 'notes.db'), readOnly: false }),
    })
    server.tool('both', { description: 'Asks both.' }, async (_args, { services }) => {
      await services.notes.execute('CREATE TABLE IF NOT EXISTS notes (text)')
      const [fact] = await services.facts.query('SELECT count(*) AS n FROM facts')
      const [note] = await services.notes.query('SELECT count(*) AS n FROM notes')
      return `${String(fact?.['n'])} ${String(note?.['n'])}`
    })
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
    server.tool('endless', { description: 'Never ends.', timeout: '300ms' }, async (_args, { services }) => {
      await Promise.all([
        services.notes.query(endless),
        services.facts.query('SELECT count(*) FROM range(1000000000000)'),
      ])
      return 'never'
    })
    const client = await open(cell, server)
    expect(textOf(await client.callTool('both'))).toBe('10 0')
    const late = await client.callTool('endless')
    expect(late['_meta']).toMatchObject({ 'dev.holdfast/error': { code: 'timed_out' } })
    expect(textOf(await client.callTool('both'))).toBe('10 0')
  })
})
