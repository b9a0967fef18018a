import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { checkReadOnly } from '../../../src/security/sql-guard/check-read-only.js'
import { loadRecipe, type Recipe, roleCommands } from './recipe.js'
import { openWorld, type World } from './world.js'

// docs/sql.md on a real PostgreSQL: each of its three layers stops what the others let pass.

const twoStatements = 'commit; delete from app.order_items'
const escalation = 'set transaction read write'
const slow = 'select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b'
const endless = 'select * from generate_series(1, 1000000) as n'
/** A call of app.purge(customers), which no parser can tell from a column. */
const field = 'select c.purge from app.customers c'

describe('docs/sql.md', () => {
  it.each([twoStatements, escalation, 'select pg_sleep(60)', "copy (select 1) to program 'true'"])(
    'has a first layer that needs no database: %s',
    async (statement) => {
      expect(await checkReadOnly(statement, { dialect: 'postgres' })).toMatchObject({ ok: false })
    },
  )

  it.each([field, slow, endless])('has a first layer that lets pass: %s', async (statement) => {
    expect(await checkReadOnly(statement, { dialect: 'postgres' })).toEqual({ ok: true })
  })

  it('names the role and the database only as words of their own', () => {
    expect(roleCommands('shop_1', 'reader_1')).not.toMatch(/\b(shop|reader)\b/)
  })
})

const databaseUrl = inject('databaseUrl')

if (databaseUrl !== undefined) {
  describe('the layers of docs/sql.md', () => {
    let world: World
    let recipe: Recipe
    beforeAll(async () => {
      recipe = await loadRecipe()
      world = await openWorld(databaseUrl)
    })
    afterAll(async () => world.close())

    const items = async (): Promise<number> => {
      const { rows } = await world.owner.query<{ n: number }>('select count(*)::int as n from order_items')
      return rows[0]?.n ?? 0
    }

    it('answer a query, with values', async () => {
      const { rows, truncated } = await recipe.query(
        world.readers,
        'select name from customers where id = $1',
        [1],
      )
      expect(rows).toEqual([{ name: 'Grant' }])
      expect(truncated).toBe(false)
    })

    it('answer EXPLAIN and SHOW, which have no cursor', async () => {
      const plan = await recipe.query(world.readers, 'explain (costs off) select * from orders')
      expect(plan.rows[0]).toEqual({ 'QUERY PLAN': 'Seq Scan on orders' })
      const shown = await recipe.query(world.readers, 'show transaction_read_only')
      expect(shown.rows).toEqual([{ transaction_read_only: 'on' }])
    })

    it('stop with the first: its sentence is what the caller gets', async () => {
      await expect(recipe.query(world.readers, twoStatements)).rejects.toThrow(
        'There are 2 statements; only one is allowed.',
      )
      await expect(recipe.query(world.readers, 'select pg_sleep(60)')).rejects.toThrow(
        'The function "pg_sleep" is not allowed.',
      )
    })

    it('without the extended protocol, an escape from the read-only transaction would write', async () => {
      const client = await world.owners.connect()
      const before = await items()
      await client.query('begin read only')
      await client.query('commit; begin; delete from app.order_items where quantity = 200')
      const after = await client.query('select count(*)::int as n from app.order_items')
      await client.query('rollback')
      client.release()
      expect(after.rows).toEqual([{ n: before - 1 }])
      expect(await items()).toBe(before)
    })

    it('with the extended protocol, the second layer alone stops the same, for the owner', async () => {
      const before = await items()
      await expect(recipe.readOnly(world.owners, twoStatements, [])).rejects.toThrow('multiple commands')
      await expect(recipe.readOnly(world.owners, 'delete from app.order_items', [])).rejects.toThrow(
        'cannot execute DELETE in a read-only transaction',
      )
      expect(await items()).toBe(before)
    })

    it('the second stops a function that the first takes for a column, for the owner', async () => {
      const before = await items()
      await expect(recipe.query(world.owners, field)).rejects.toThrow(
        'cannot execute DELETE in a read-only transaction',
      )
      expect(await items()).toBe(before)
    })

    it('the third stops it too, outside of any transaction', async () => {
      await world.readers.query('set default_transaction_read_only = off')
      await expect(world.readers.query(field)).rejects.toThrow('permission denied for function purge')
    })

    it('the second stops what is slow and what does not end', async () => {
      await expect(recipe.query(world.readers, slow)).rejects.toThrow('statement timeout')
      const { rows, truncated } = await recipe.query(world.readers, endless)
      expect(rows).toHaveLength(1_000)
      expect(truncated).toBe(true)
    })

    it('the third stops what the second lets pass', async () => {
      const refused = [
        "copy (select 1) to program 'true'",
        "copy app.orders to '/tmp/holdfast-sql-recipe'",
        "select pg_read_file('PG_VERSION')",
        'select * from pg_authid',
      ]
      for (const statement of refused) {
        await expect(recipe.readOnly(world.readers, statement, [])).rejects.toThrow(
          /permission denied|must be superuser/,
        )
      }
      // And this is what the second layer is worth without it.
      const { rows } = await recipe.readOnly(world.owners, "select pg_read_file('PG_VERSION') as v", [])
      expect(rows).toHaveLength(1)
    })

    it.each([
      'delete from orders',
      "update customers set name = 'x'",
      'insert into "Select" values (1)',
      'truncate orders',
      'drop table orders',
      'create table app.x (a int)',
      'create table public.x (a int)',
      'create temp table x (a int)',
      "create function app.f() returns int language sql as 'select 1'",
      'alter role current_user superuser',
      'lock table orders in access exclusive mode',
      'select distance(1, 2)',
      'set role postgres',
    ])('the third stops on its own: %s', async (statement) => {
      const client = await world.readers.connect()
      try {
        await client.query('begin')
        await client.query(escalation)
        await expect(client.query(statement)).rejects.toThrow(/permission denied|must be|no schema/)
      } finally {
        await client.query('rollback')
        client.release()
      }
    })

    it('leave connections as they were', async () => {
      for (const statement of [slow, 'select 1 / 0', 'select nothing', 'select 1']) {
        await recipe.readOnly(world.readers, statement, []).catch(() => undefined)
      }
      const { rows } = await world.readers.query('select count(*)::int as n from pg_cursors')
      expect(rows).toEqual([{ n: 0 }])
      expect(world.readers.waitingCount).toBe(0)
    })
  })
}
