import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { mutatedQueries, nearSql, queries } from '../../../test/security/sql/generated-queries.js'
import { openSqliteShop, type SqliteShop } from '../../../test/security/sql/sqlite-shop.js'
import { checkReadOnly } from './check-read-only.js'

/** In milliseconds; a longer run gets more. */
const time = fuzzRuns(60_000)

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

describe('SQLite: a generated query', () => {
  it(
    'is allowed',
    async () => {
      await fc.assert(
        fc.asyncProperty(queries(), async (statement) => {
          expect([statement, await check(statement)]).toEqual([statement, true])
        }),
        { numRuns: fuzzRuns(300) },
      )
    },
    time,
  )

  it(
    'is refused with a forbidden part, wherever that stands',
    async () => {
      const withPart = fc.constantFrom(...forbidden).chain((part) => queries(fc.constant(part)))
      await fc.assert(
        fc.asyncProperty(withPart, async (statement) => {
          expect([statement, await check(statement)]).toEqual([statement, false])
        }),
        { numRuns: fuzzRuns(300) },
      )
    },
    time,
  )

  it(
    'is refused with a write behind or before it',
    async () => {
      const write = fc.constantFrom('delete from orders', 'vacuum', 'pragma user_version = 1', 'begin')
      await fc.assert(
        fc.asyncProperty(queries(), write, fc.boolean(), async (query, command, first) => {
          const statement = first ? `${command};${query}` : `${query}\n;${command}`
          expect([statement, await check(statement)]).toEqual([statement, false])
        }),
        { numRuns: fuzzRuns(200) },
      )
    },
    time,
  )
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
    time,
  )
})
