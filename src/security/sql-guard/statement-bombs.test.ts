import { describe, expect, it } from 'vitest'
import { checkReadOnly } from './check-read-only.js'

/** A label, and a statement. */
type Case = readonly [label: string, statement: string]

const size = 65_000
const dialects = ['postgres', 'sqlite'] as const

/** As many of `open` and `close` around `middle` as fit. */
function nested(before: string, open: string, middle: string, close: string, after = ''): string {
  const room = size - before.length - middle.length - after.length
  const count = Math.floor(room / (open.length + close.length))
  return before + open.repeat(count) + middle + close.repeat(count) + after
}
const repeated = (before: string, unit: string, after = ''): string => nested(before, unit, '', '', after)

/** Statements of 65 KB that are as deep, as long or as slow to read as a shape can be. */
const bombs: readonly Case[] = [
  ['brackets', nested('select ', '(', '1', ')')],
  ['open brackets', repeated('select ', '(')],
  ['open square brackets', repeated('select ', 'a[')],
  ['closed brackets', repeated('select 1', ')')],
  ['brackets around SELECT', nested('', '(', 'select 1', ')')],
  ['subqueries', nested('select ', '(select ', '1', ')')],
  ['subqueries in FROM', nested('select * from ', '(select * from ', 't', ') a')],
  ['EXISTS', nested('select ', 'exists(select ', '1', ')')],
  ['IN', nested('select ', '1 in (', '1', ')')],
  ['WITH', nested('', 'with a as (', 'select 1', ') select 1')],
  ['calls', nested('select ', 'abs(', '1', ')')],
  ['calls with many arguments', nested('select ', 'coalesce(1,2,', '1', ')')],
  ['arrays', nested('select ', 'array[', '1', ']')],
  ['subscripts', nested('select ', 'a[', '1', ']')],
  ['CASE', nested('select ', 'case when 1 then ', '1', ' end')],
  ['CASE in ELSE', nested('select ', 'case when 1 then 1 else ', '1', ' end')],
  ['CASE in CASE', nested('select ', 'case ', '1', ' when 1 then 1 end')],
  ['joins in brackets', nested('select * from ', '(', 'a', ' join b on true)')],
  ['grouping sets', nested('select 1 group by grouping sets (', 'rollup(', 'a', ')', ')')],
  ['JSON constructors', nested('select ', 'json_object(1:', '1', ')')],
  ['XML constructors', nested('select ', 'xmlelement(name a,', '1', ')')],
  ['sums in brackets', nested('select ', '(', '1', '+1)')],
  ['ANDs in brackets', nested('select ', '(', '1', ' or 1) and 1')],
  ['CAST', nested('select ', 'cast(', '1', ' as int)')],
  ['NOT', repeated('select ', 'not ', '1')],
  ['minus signs', repeated('select ', '- ', '1')],
  ['minus signs without spaces', repeated('select ', '+-', '1')],
  ['tildes', repeated('select ', '~', '1')],
  ['exclamation marks', repeated('select 1 ', '!')],
  ['a long sum', repeated('select 1', '+1')],
  ['a long sum of columns', repeated('select a', '+a')],
  ['a long text', repeated('select a', "||'b'")],
  ['casts', repeated('select 1', '::int')],
  ['collations', repeated('select a', ' collate c')],
  ['IS NULL', repeated('select a', ' is null')],
  ['ISNULL', repeated('select a', ' isnull')],
  ['AT TIME ZONE', repeated('select a', ' at time zone b')],
  ['named operators', repeated('select a', ' operator(+)a')],
  ['JSON arrows', repeated('select a', "->'b'")],
  ['fields', repeated('select (a)', '.b')],
  ['ANDs', repeated('select 1', ' and 1')],
  ['ORs', repeated('select a', ' or a')],
  ['UNION', repeated('select 1', ' union select 1')],
  ['UNION ALL', repeated('select 1', ' union all select 1')],
  ['UNION ALL without SELECT', repeated('values(1)', ' except values(1)')],
  ['joins', repeated('select * from a', ' join b on true')],
  ['natural joins', repeated('select * from a', ' natural join b')],
  ['columns', repeated('select a', ',a')],
  ['tables', repeated('select * from a', ',b')],
  ['rows', repeated('values (1)', ',(1)')],
  ['windows', repeated('select 1', ',sum(1) over ()')],
  ['statements', repeated('', 'select 1;')],
  ['semicolons', repeated('select 1', ';')],
  ['open comments', repeated('', '/*')],
  ['nested comments', nested('select 1 ', '/*', '', '*/')],
  ['comments', repeated('select 1 ', '/**/')],
  ['line comments', repeated('select 1 ', '--\n')],
  ['quotes', repeated('select ', "'")],
  ['double quotes', repeated('select "', '""', '"')],
  ['dollar signs', repeated('select ', '$')],
  ['dollar tags', repeated('select ', '$a$')],
  ['dollar tags that do not close', repeated('select ', '$a')],
  ['texts', repeated('select ', "'a'\n")],
  ['escapes', repeated("select E'", '\\', "'")],
  ['a long name', repeated('select ', 'a')],
  ['a long quoted name of a function', repeated('select "', 'a', '"()')],
  ['a long number', repeated('select ', '9')],
  ['digits with separators', repeated('select 1', '_1')],
  ['parameters', repeated('select $1', ',$1')],
  ['spaces', repeated('select', ' ', '1')],
  ['dots', repeated('select a', '.a')],
  ['backticks', repeated('select ', '`')],
  ['square brackets', repeated('select ', '[')],
  ['emoji', repeated("select '", '👩‍👩‍👧', "'").slice(0, 20_000)],
]

describe.each(dialects)('a bomb for %s', (dialect) => {
  it.each(bombs)('is decided on within a second: %s', async (_label, statement) => {
    await checkReadOnly('select 1', { dialect })
    // The processor's time, because what else runs on the machine is not the parser's.
    const started = process.cpuUsage()
    const verdict = await checkReadOnly(statement, { dialect })
    expect(process.cpuUsage(started).user / 1_000).toBeLessThan(1_000)
    expect(typeof verdict.ok).toBe('boolean')
  })

  it('leaves the parser as it was', async () => {
    // Without a limit of depth, some dozens of these take the whole stack of WebAssembly.
    for (const [, statement] of bombs) await checkReadOnly(statement, { dialect })
    const deep = `select ${'('.repeat(90)}1${')'.repeat(90)}${' + 1'.repeat(500)}`
    expect(await checkReadOnly(deep, { dialect })).toEqual({ ok: true })
    expect(await checkReadOnly('select 1', { dialect })).toEqual({ ok: true })
    expect(await checkReadOnly('delete from t', { dialect })).toMatchObject({ ok: false })
  }, 120_000)

  it('hides no write behind it', async () => {
    for (const [label, statement] of bombs) {
      const behind = await checkReadOnly(`${statement}; delete from t`, { dialect })
      expect([label, behind.ok]).toEqual([label, false])
    }
  }, 120_000)
})
