import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkReadOnly } from '../../../src/security/sql-guard/check-read-only.js'
import { fuzzRuns } from '../../fuzz-runs.js'
import { mutatedQueries, nearSql, queries } from './generated-queries.js'

/** In milliseconds; a longer run gets more. */
export const propertyTime: number = fuzzRuns(60_000)

export interface GeneratedQueries {
  readonly dialect: 'postgres' | 'sqlite'
  /** Each stands where an expression can stand. */
  readonly forbidden: readonly string[]
  /** Statements that change something. */
  readonly commands: readonly string[]
}

/** What holds for generated queries whatever the dialect; what a database makes of them is each dialect's own. */
export function describeGeneratedQueries({ dialect, forbidden, commands }: GeneratedQueries): void {
  const allowed = async (statement: string): Promise<boolean> =>
    (await checkReadOnly(statement, { dialect })).ok
  const judged = (statements: fc.Arbitrary<string>, verdict: boolean, runs: number): Promise<void> =>
    fc.assert(
      fc.asyncProperty(statements, async (statement) => {
        expect([statement, await allowed(statement)]).toEqual([statement, verdict])
      }),
      { numRuns: fuzzRuns(runs) },
    )

  describe(`${dialect}: a generated query`, () => {
    it('is allowed', () => judged(queries(), true, 300), propertyTime)

    it(
      'is refused with a forbidden part, wherever that stands',
      () =>
        judged(
          fc.constantFrom(...forbidden).chain((part) => queries(fc.constant(part))),
          false,
          300,
        ),
      propertyTime,
    )

    it(
      'is refused with a command behind or before it',
      () => {
        const joined = fc
          .tuple(queries(), fc.constantFrom(...commands), fc.boolean())
          .map(([query, command, first]) => (first ? `${command};${query}` : `${query}\n;${command}`))
        return judged(joined, false, 200)
      },
      propertyTime,
    )

    it(
      'of any text, decides and does not throw',
      () =>
        fc.assert(
          fc.asyncProperty(
            fc.oneof(mutatedQueries, nearSql, fc.string({ unit: 'binary' }), fc.string()),
            async (statement) => {
              expect(typeof (await allowed(statement))).toBe('boolean')
            },
          ),
          { numRuns: fuzzRuns(1_000) },
        ),
      propertyTime,
    )
  })
}
