import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { checkReadOnly } from './check-read-only.js'
import { isTooDeep } from './postgres-depth.js'

const limit = 2_000
const longest = 65_000

/** What makes the tree of an expression deeper: text before it and text behind it. */
const shapes = [
  ['(select ', ')'],
  ['(select * from (select ', ') a)'],
  ['(with a as (select 1) select ', ' from a)'],
  ['exists(select ', ')'],
  ['abs(', ')'],
  ['count(*) filter (where ', ')'],
  ['sum(1) over (partition by ', ')'],
  ['array[', ']'],
  ['row(', ')'],
  ['a[', ']'],
  ['cast(', ' as int)'],
  ['case when ', ' then 1 end'],
  ['case ', ' when 1 then 1 end'],
  ['case when 1 then 1 else ', ' end'],
  ['coalesce(1, ', ')'],
  ['json_object(1: ', ')'],
  ['xmlelement(name a, ', ')'],
  ['1 in (', ')'],
  ['1 + (', ')'],
  ['(1 or ', ') and 1'],
  ['not ', ''],
  ['- ', ''],
  ['', ' + 1'],
  ['', '+a'],
  ['', '::int'],
  ['', " || 'a'"],
  ['', ' collate c'],
  ['', ' isnull'],
  ['', ' is null'],
  ['', ' is json'],
  ['', ' at time zone b'],
  ['', ' at local'],
  ['', ' operator(+) 1'],
  ['', ' ^ a'],
  ['(', '+1)'],
] as const
const statements = [
  ['select 1', ' union select 1'],
  ['select 1', ' intersect all select 1'],
  ['select * from a', ' join b on c'],
  ['select * from a', ' natural left join b'],
  ['select * from a', ' cross join (select 1) b'],
] as const

/** The longest of the texts, by the number that they are made from, that is not yet too deep. */
function deepest(make: (count: number) => string): string {
  let low = 1
  let high = 40_000
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const text = make(middle)
    if (text.length <= longest && !isTooDeep(text, limit)) low = middle
    else high = middle - 1
  }
  return make(low)
}

const nest = (parts: readonly (readonly [string, string])[], count: number): string => {
  const used = Array.from({ length: count }, (_, index) => parts[index % parts.length] ?? ['', ''])
  return `select ${used.map(([before]) => before).join('')}1${used
    .toReversed()
    .map(([, behind]) => behind)
    .join('')}`
}

/** The parser may find a mistake or have too little memory of its own; it must not be hurt. */
async function expectUnhurt(statement: string): Promise<void> {
  const verdict = await checkReadOnly(statement, { dialect: 'postgres' })
  const reason = verdict.ok ? '' : verdict.reason
  expect([statement.slice(0, 200), reason]).toEqual([
    statement.slice(0, 200),
    expect.not.stringMatching(/too deeply|too much|failed before/),
  ])
}

describe('the deepest statement that reaches the parser', () => {
  it.each(shapes)('does not hurt it: %s … %s', async (before, behind) => {
    await expectUnhurt(deepest((count) => nest([[before, behind]], count)))
  })

  it.each(statements)('does not hurt it: %s%s', async (first, unit) => {
    await expectUnhurt(deepest((count) => first + unit.repeat(count)))
  })

  it(
    'does not hurt it, whatever it is mixed from',
    async () => {
      const mixture = fc.array(fc.constantFrom(...shapes), { minLength: 2, maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(mixture, async (parts) => expectUnhurt(deepest((count) => nest(parts, count)))),
        { numRuns: fuzzRuns(25) },
      )
    },
    fuzzRuns(60_000),
  )
})

describe('what is deep', () => {
  it.each([
    ['brackets', nest([['(', ')']], limit)],
    ['a sum', `select 1${'+1'.repeat(limit)}`],
    ['unions', `select 1${' union select 1'.repeat(limit)}`],
    ['a sum of brackets', `select 1${' + (a)'.repeat(limit)}`],
    ['brackets that are not closed', `select ${'('.repeat(limit + 1)}`],
    ['a sum behind an open text', `select E'\\'' ${'+1'.repeat(limit)}`],
    ['a sum behind a comment', `select 1 /* /* ' */ */ ${'+1'.repeat(limit)}`],
    ['a sum behind a dollar quote', `select $a$ ' $a$ ${'+1'.repeat(limit)}`],
    ['a sum behind a backslash', `select '\\' ${'+1'.repeat(limit)}`],
    ['a sum behind a name', `select "'" ${'+1'.repeat(limit)}`],
  ])('is known: %s', (_label, statement) => {
    expect(isTooDeep(statement, limit)).toBe(true)
  })

  it.each([
    ['a long list', `select 1 in (${Array.from({ length: 9_000 }, (_, index) => -index).join(', ')})`],
    ['many rows', `values ${Array.from({ length: 6_000 }, (_, index) => `(${index}, -1)`).join(',')}`],
    ['many alternatives', `select 1 where ${Array.from({ length: 4_000 }, () => 'a = 1').join(' or ')}`],
    ['many columns', `select ${Array.from({ length: 4_000 }, () => 'sum(a + b)').join(', ')}`],
    ['many cases', `select case ${'when a = 1 then 2 '.repeat(3_000)} end`],
    ['operators in a text', `select '${'+ ( ['.repeat(9_000)}'`],
    ['operators in a comment', `select 1 -- ${'+ ( ['.repeat(9_000)}`],
    ['operators in a dollar quote', `select $a$ ${'+ ( ['.repeat(9_000)} $a$`],
    ['a hundred unions', `select 1 + 2${' union all select a + b from c join d on e = f'.repeat(100)}`],
  ])('is not what is only long: %s', async (_label, statement) => {
    expect(isTooDeep(statement, limit)).toBe(false)
    expect(await checkReadOnly(statement, { dialect: 'postgres' })).toEqual({ ok: true })
  })
})
