import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { describeGeneratedQueries, propertyTime } from '../../../test/security/sql/generated-properties.js'
import { mutatedQueries, nearSql, queries } from '../../../test/security/sql/generated-queries.js'
import { openSqliteShop, type SqliteShop } from '../../../test/security/sql/sqlite-shop.js'
import { checkReadOnly } from './check-read-only.js'

const check = async (statement: string): Promise<boolean> =>
  (await checkReadOnly(statement, { dialect: 'sqlite' })).ok

/** Each stands where an expression can stand. */
const forbidden = [
  "load_extension('x')",
  'purge(1)',
  "writefile('/tmp/x', 'a')",
  '(select 1 from pragma_optimize)',
  '(1 in sqlite_dbpage)',
  "(select raise(abort, 'x'))",
  "(select 1 from fsdir('/'))",
]

describeGeneratedQueries({
  dialect: 'sqlite',
  forbidden,
  commands: ['delete from orders', 'vacuum', 'pragma user_version = 1', 'begin'],
})

describe('SQLite: what is allowed', () => {
  let shop: SqliteShop
  beforeAll(() => {
    shop = openSqliteShop()
  })
  afterAll(() => shop.close())

  it(
    'changes nothing when it runs, whatever the text',
    async () => {
      const before = shop.fingerprint()
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(mutatedQueries, mutatedQueries, mutatedQueries, nearSql, queries()),
          async (statement) => {
            if (!(await check(statement))) return
            try {
              shop.run(statement)
            } catch {
              // Most name columns that are not there.
            }
            expect([statement, shop.fingerprint()]).toEqual([statement, before])
          },
        ),
        { numRuns: fuzzRuns(600) },
      )
    },
    propertyTime,
  )
})
