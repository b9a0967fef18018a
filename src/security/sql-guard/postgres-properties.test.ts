import fc from 'fast-check'
import { DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { describeGeneratedQueries, propertyTime } from '../../../test/security/sql/generated-properties.js'
import { mutatedQueries, nearSql, queries } from '../../../test/security/sql/generated-queries.js'
import { openWorld, type World } from '../../../test/security/sql/world.js'
import { checkReadOnly } from './check-read-only.js'

const check = async (statement: string): Promise<boolean> =>
  (await checkReadOnly(statement, { dialect: 'postgres' })).ok

/** Each stands where an expression can stand. */
const forbidden = [
  'pg_sleep(1)',
  "pg_catalog.pg_read_file('/etc/passwd')",
  "('/etc/passwd'::text).pg_read_file",
  'app.purge(o)',
  '(select 1 from orders for update)',
  '(select 1 into x)',
  '(with x as (delete from orders returning 1) select 1)',
  '(1 operator(app.+) 1)',
  "(select 1 from dblink('') as t(a int))",
  "nextval('app.orders_id_seq')",
  '(select 1 from pg_shadow)',
  "current_setting('app.secret')",
]

describeGeneratedQueries({
  dialect: 'postgres',
  forbidden,
  commands: ['delete from orders', 'commit', 'set role postgres', "copy a to program 'id'"],
})

/** `read_only_sql_transaction`, and the states of a transaction that a statement must not end or begin. */
const violations = ['25006', '25000', '25001', '25P01']

const databaseUrl = inject('databaseUrl')

if (databaseUrl !== undefined) {
  describe('PostgreSQL: what is allowed', () => {
    let world: World
    beforeAll(async () => {
      world = await openWorld(databaseUrl)
    })
    afterAll(async () => world.close())

    it(
      'is no violation of a read-only transaction, even for the owner, and is one statement',
      async () => {
        const { owner } = world
        await owner.query("set statement_timeout = '2s'")
        await fc.assert(
          fc.asyncProperty(
            fc.oneof(mutatedQueries, mutatedQueries, mutatedQueries, nearSql, queries()),
            async (statement) => {
              if (!(await check(statement))) return
              await owner.query('begin read only')
              try {
                const query = { text: statement, values: [], queryMode: 'extended' }
                await owner.query(query)
              } catch (error) {
                // Most name columns that are not there. What counts is what the server takes it for.
                const code = error instanceof DatabaseError ? error.code : undefined
                expect([statement, violations.includes(code ?? '')]).toEqual([statement, false])
                expect(String(error)).not.toContain('multiple commands')
              }
              await owner.query('rollback')
            },
          ),
          { numRuns: fuzzRuns(400) },
        )
      },
      propertyTime,
    )
  })
}
