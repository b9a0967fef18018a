import { randomUUID } from 'node:crypto'
import { createServer, loader } from 'holdfast'
import pg from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { gate, open, testServer, textOf } from '../protocol/support.js'
import { cell, keys, runs } from './one-call.js'

const databaseUrl = inject('databaseUrl')

describe('ctx.load', () => {
  it('makes one batch of what a call asks for in one turn, each key once', async () => {
    const batches: (readonly number[])[] = []
    const square = loader(async (asked: readonly number[]) => {
      batches.push(asked)
      return asked.map((n) => n * n)
    })
    const { text } = await runs(async (_args, ctx) => {
      const values = await Promise.all(keys(1000, 50).map((n) => ctx.load(square, n)))
      const again = await ctx.load(square, 7)
      return `${values.length} ${values.reduce((sum: number, n) => sum + (n ?? 0), 0)} ${again}`
    })
    const sum = keys(1000, 50).reduce((total, n) => total + n * n, 0)
    expect(text).toBe(`1000 ${sum} 49`)
    expect(batches).toEqual([Array.from({ length: 50 }, (_, n) => n)])
  })

  it('keeps nothing from one call to another', async () => {
    let loads = 0
    const one = loader(async (asked: readonly string[], ctx) => {
      loads += 1
      return asked.map((key) => `${key} for ${ctx.principal.kind}`)
    })
    const { server } = testServer()
    server.tool('run', { description: 'Runs.' }, (_args, ctx) => ctx.load(one, 'x'))
    const client = await open(cell, server)
    for (let n = 0; n < 3; n += 1) expect(textOf(await client.callTool('run'))).toBe('x for anonymous')
    expect(loads).toBe(3)
  })

  it('takes values by key, and knows of keys without one', async () => {
    const byKey = loader(async (asked: readonly string[]) => {
      const found = asked
        .filter((key) => key !== 'none')
        .map((key): [string, string] => [key, key.toUpperCase()])
      return new Map(found.toReversed())
    })
    const { text } = await runs(async (_args, ctx) =>
      String(await Promise.all(['a', 'none', 'b'].map((key) => ctx.load(byKey, key)))),
    )
    expect(text).toBe('A,,B')
  })

  it('refuses a batch whose values cannot be told apart by key', async () => {
    const short = loader(async function orders(asked: readonly number[]) {
      return asked.slice(1)
    })
    const { text, logged } = await runs(async (_args, ctx) => String(await ctx.load(short, 1)))
    expect(text).toMatch(/^The tool "run" failed for a reason of its own/)
    expect(String(Object(logged[0]?.fields['error']).message)).toContain(
      'The loader "orders" must give a value for each of its 1 keys, in their order, or a Map by key; it gave 0 values.',
    )
  })

  it('fails one key alone, and tries what failed again', async () => {
    let loads = 0
    const flaky = loader(async (asked: readonly string[]) => {
      loads += 1
      return asked.map((key) => (key === 'bad' && loads === 1 ? new Error('bad key') : `${key} ${loads}`))
    })
    const { text } = await runs(async (_args, ctx) => {
      const [good, bad] = await Promise.allSettled([ctx.load(flaky, 'good'), ctx.load(flaky, 'bad')])
      return `${good.status} ${bad.status} ${await ctx.load(flaky, 'bad')} ${await ctx.load(flaky, 'good')}`
    })
    expect(text).toBe('fulfilled rejected bad 2 good 1')
  })

  it('splits batches that are too large, and tells objects apart as it is told to', async () => {
    const sizes: number[] = []
    const small = loader(
      async (asked: readonly { readonly id: number }[]) => {
        sizes.push(asked.length)
        return asked.map(({ id }) => id)
      },
      { maxBatch: 20, keyOf: ({ id }) => id },
    )
    const { text } = await runs(async (_args, ctx) => {
      const values = await Promise.all(keys(200, 50).map((id) => ctx.load(small, { id })))
      return String(values.length)
    })
    expect(text).toBe('200')
    expect(sizes).toEqual([20, 20, 10])
  })

  it('shows what calls keep in stats', async () => {
    const same = loader(async (asked: readonly number[]) => asked)
    const { server } = testServer()
    const { opened, open: go } = gate<undefined>()
    server.tool('run', { description: 'Runs.' }, async (_args, ctx) => {
      await Promise.all(keys(30, 30).map((key) => ctx.load(same, key)))
      await opened
      return 'done'
    })
    const client = await open(cell, server)
    const call = client.callTool('run')
    const held = () => server.stats().bounded.find(({ name }) => name === 'keys loaded by calls')?.size
    await expect.poll(held).toBe(30)
    go(undefined)
    await call
  })

  it.each([
    [undefined, {}, 'loader() takes the function that loads a batch'],
    [
      async () => [],
      { name: 'x', maxBatch: 0 },
      'The loader "x": "maxBatch" must be a whole number from 1, received 0',
    ],
  ])('refuses %s with %j', (batch, options, sentence) => {
    expect(() => loader(batch as () => Promise<never[]>, options)).toThrow(sentence)
  })
})

if (databaseUrl !== undefined) {
  describe('ctx.load and PostgreSQL', () => {
    it('1,000 loads of 50 keys are one query of 50 keys, as the database counts', async () => {
      const client = new pg.Client({ connectionString: databaseUrl })
      await client.connect()
      onTestFinished(() => client.end())
      // A function that counts its calls and their keys where the query runs: in the database.
      const schema = `load_${randomUUID().replaceAll('-', '')}`
      await client.query(`CREATE SCHEMA ${schema}`)
      onTestFinished(async () => void (await client.query(`DROP SCHEMA ${schema} CASCADE`)))
      await client.query(`CREATE TABLE ${schema}.seen (keys int)`)
      await client.query(
        `CREATE TABLE ${schema}.orders AS SELECT n AS id, 'order ' || n AS name FROM generate_series(0, 49) n`,
      )
      await client.query(
        `CREATE FUNCTION ${schema}.orders_by(ids int[]) RETURNS SETOF ${schema}.orders LANGUAGE sql AS
         $$ INSERT INTO ${schema}.seen VALUES (cardinality(ids)); SELECT * FROM ${schema}.orders WHERE id = ANY (ids) $$`,
      )
      const orderById = loader(async (ids: readonly number[]) => {
        const { rows } = await client.query<{ id: number; name: string }>(
          `SELECT id, name FROM ${schema}.orders_by($1::int[])`,
          [ids],
        )
        return new Map(rows.map((row) => [row.id, row.name]))
      })
      const { text } = await runs(async (_args, ctx) => {
        const names = await Promise.all(keys(1000, 50).map((id) => ctx.load(orderById, id)))
        return `${names.length} ${names[51]}`
      })
      expect(text).toBe('1000 order 1')
      const { rows } = await client.query(`SELECT keys FROM ${schema}.seen`)
      expect(rows).toEqual([{ keys: 50 }])
    })
  })
}

describe('ctx.noteQuery', () => {
  it('warns once of a tool that asks the same over and over, in development', async () => {
    const run = async (development: boolean) => {
      const { server, logged } = testServer({ development })
      server.tool('run', { description: 'Runs.' }, (_args, ctx) => {
        for (let n = 0; n < 25; n += 1) ctx.noteQuery('SELECT * FROM orders WHERE id = $1')
        for (let n = 0; n < 9; n += 1) ctx.noteQuery('SELECT 1')
        return 'done'
      })
      const client = await open(cell, server)
      for (let n = 0; n < 3; n += 1) await client.callTool('run')
      return logged.filter(({ level }) => level === 'warn')
    }
    const [warning, ...more] = await run(true)
    expect(warning?.message).toContain('"run" asked the same 10 times in one call')
    expect(warning?.fields).toMatchObject({ name: 'run', query: 'SELECT * FROM orders WHERE id = $1' })
    expect(more).toEqual([])
    expect(await run(false)).toEqual([])
  })
})

it('a loader that needs a service is taken only where there is one', () => {
  const server = createServer({
    name: 'typed',
    version: '1.0.0',
    services: { db: { find: (id: number) => `row ${id}` } },
  })
  const byId = loader(
    async (ids: readonly number[], { services }: { services: { db: { find(id: number): string } } }) =>
      ids.map((id) => services.db.find(id)),
  )
  server.tool('run', { description: 'Runs.' }, async (_args, ctx) => {
    const row: string | undefined = await ctx.load(byId, 1)
    return row
  })
  const other = createServer({ name: 'typed', version: '1.0.0', services: { cache: 1 } })
  // @ts-expect-error: there is no db
  other.tool('run', { description: 'Runs.' }, async (_args, ctx) => ctx.load(byId, 1))
})
