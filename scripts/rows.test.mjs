import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { cellsIn, checkRows, idsIn, judge, REVISIONS, render } from './rows.mjs'
import { tree } from './temp-tree.mjs'

const rows = JSON.parse(readFileSync(new URL('../test/rows/rows.json', import.meta.url), 'utf8'))

const A01 = { id: 'AAA-01', revisions: ['2025-11-25', '2026-07-28'], over: ['stdio', 'http'] }
const A02 = { id: 'AAA-02', revisions: ['2026-07-28'], over: ['http'] }
const A03 = {
  id: 'AAA-03',
  revisions: ['2026-07-28'],
  over: ['http'],
  notServer: 'It asks for something else.',
}
const A04 = { id: 'AAA-04', revisions: ['2026-07-28'], over: ['http'], waits: 'The engine is still to come.' }

/** A report of tests, each with its titles from the outermost on and how it ended. */
function reportOf(...tests) {
  const assertionResults = tests.map(([titles, status]) => ({
    ancestorTitles: titles.slice(0, -1),
    title: titles.at(-1),
    status,
  }))
  return { testResults: [{ assertionResults }] }
}

const states = ({ cases }) => cases.map(({ row, cell, state }) => `${row.id} ${cell}: ${state}`)

it('reads ids and ranges out of a title', () => {
  expect(idsIn('does it (AAA-01, AAA-03..05, RPC-20) at ORD-000123, once')).toEqual([
    'AAA-01',
    'AAA-03',
    'AAA-04',
    'AAA-05',
    'RPC-20',
  ])
  expect(idsIn("AAA-09..11 'x'")).toEqual(['AAA-09', 'AAA-10', 'AAA-11'])
})

it('reads cells out of a title', () => {
  expect(cellsIn("'stdio, 2025-11-25' does it (AAA-01)")).toEqual(['stdio, 2025-11-25'])
  expect(cellsIn('does it (AAA-01 over stdio, all; http, 2024-11-05..2025-06-18)')).toEqual([
    ...REVISIONS.map((revision) => `stdio, ${revision}`),
    'http, 2024-11-05',
    'http, 2025-03-26',
    'http, 2025-06-18',
  ])
  expect(cellsIn('does it over http, always, 2025-11-25')).toEqual([])
})

it('counts a row in the cells in which a test that cites it passed', () => {
  const judged = judge(
    [A01, A02, A03],
    reportOf(
      [["'stdio, 2025-11-25'", 'one (AAA-01)'], 'passed'],
      [["'stdio, 2026-07-28'", 'one (AAA-01)'], 'passed'],
      [["'stdio, 2026-07-28'", 'another (AAA-01)'], 'failed'],
      [["'http, 2025-11-25'", 'one (AAA-01)'], 'skipped'],
      [['both (AAA-01..02 over http, 2026-07-28)'], 'passed'],
    ),
  )
  expect(states(judged)).toEqual([
    'AAA-01 stdio, 2025-11-25: passes',
    'AAA-01 stdio, 2026-07-28: fails',
    'AAA-01 http, 2025-11-25: untested',
    'AAA-01 http, 2026-07-28: passes',
    'AAA-02 http, 2026-07-28: passes',
  ])
  expect(judged.problems).toEqual([])
  const table = render([A01, A02, A03], judged.cases)
  expect(table).toMatch(/^2026-07-28 +stdio +1 +0 +1 +0 +0$/m)
  expect(table).toMatch(/^2025-11-25 +http +1 +0 +0 +1 +0$/m)
  expect(table).toMatch(/^all +5 +3 +1 +1 +0$/m)
  expect(table).toContain(
    '3 rows: 2 apply to a server, 1 of them pass in all their cells, 0 wait for a feature.',
  )
  expect(table).toContain('fails  AAA-01  stdio, 2026-07-28\n    another (AAA-01)')
  expect(table).toContain('untested  AAA-01  http, 2025-11-25')
  expect(table).not.toContain('AAA-02')
})

it('finds tests that name no cell, no row, or one that is not asked of a server', () => {
  const { problems } = judge(
    [A01, A03],
    reportOf(
      [['without a cell (AAA-01)'], 'passed'],
      [["'http, 2026-07-28'", 'a slip (AAA-10)'], 'passed'],
      [["'http, 2026-07-28'", 'nobody asks (AAA-03)'], 'passed'],
      [['of another list (BBB-01)'], 'passed'],
    ),
  )
  expect(problems).toEqual([
    expect.stringContaining('names no cell'),
    expect.stringContaining('cites AAA-10, which is no row'),
    expect.stringContaining('cites AAA-03, which "It asks for something else."'),
  ])
})

it('counts what waits for a feature by itself, and never hides a failure behind it', () => {
  const one = [["'http, 2026-07-28'", 'one (AAA-02)'], 'passed']
  const later = [['not yet', "'http, 2026-07-28'", 'later (AAA-04)'], 'passed']
  const idle = judge([A02, A04], reportOf(one, later))
  expect(states(idle)).toEqual(['AAA-02 http, 2026-07-28: passes', 'AAA-04 http, 2026-07-28: waits'])
  expect(idle.problems).toEqual([])
  const table = render([A02, A04], idle.cases)
  expect(table).toMatch(/^all +2 +1 +0 +0 +1$/m)
  expect(table).toContain('1 of them pass in all their cells, 1 wait for a feature.')
  expect(table).toContain('waits  AAA-04  http, 2026-07-28\n    The engine is still to come.')

  expect(states(judge([A04], reportOf()))).toEqual(['AAA-04 http, 2026-07-28: untested'])
  const failing = judge([A04], reportOf([["'http, 2026-07-28'", 'early (AAA-04)'], 'failed']))
  expect(states(failing)).toEqual(['AAA-04 http, 2026-07-28: fails'])
  expect(failing.problems).toEqual([])
})

it('calls a row out of date that waits for what a test shows, and counts nothing by it', () => {
  const { cases, problems } = judge([A04], reportOf([["'http, 2026-07-28'", 'done (AAA-04)'], 'passed']))
  expect(cases.map(({ state }) => state)).toEqual(['waits'])
  expect(problems).toEqual([expect.stringMatching(/^AAA-04 is out of date: .* passes: .*done/)])
})

it('lets no test be expected to fail for a row that waits for nothing', () => {
  const { problems } = judge([A02], reportOf([['not yet', "'http, 2026-07-28'", 'one (AAA-02)'], 'passed']))
  expect(problems).toEqual([expect.stringMatching(/^is expected to fail, but AAA-02 waits for nothing/)])
})

it('finds mistakes in the list of rows', () => {
  expect(checkRows([A01, A02, A03, A04])).toEqual([])
  const wrong = [
    A01,
    A01,
    { ...A01, id: 'aaa-1' },
    { ...A02, revisions: ['2026'] },
    { id: 'AAA-04', revisions: [], over: ['http'] },
    { id: 'AAA-05', revisions: ['2026-07-28'], over: ['memory'] },
    { id: 'AAA-06', revisions: ['2026-07-28'], over: ['http'], notServer: 'no' },
    { ...A04, id: 'AAA-07', waits: 'later' },
    { ...A04, id: 'AAA-08', waits: true },
    { ...A03, id: 'AAA-09', waits: A04.waits },
  ]
  expect(checkRows(wrong).map((problem) => problem.slice(0, 24))).toEqual([
    'AAA-01 stands twice',
    "aaa-1 is no row's id",
    'AAA-02: revisions must b',
    'AAA-04: revisions must b',
    'AAA-05: over must be som',
    'AAA-06: notServer must b',
    'AAA-07: waits must be a ',
    'AAA-08: waits must be a ',
    'AAA-09: what is not aske',
  ])
})

it('holds every row of the protocol once, group by group without a gap', () => {
  expect(checkRows(rows)).toEqual([])
  expect(rows).toHaveLength(289)
  const next = new Map()
  for (const { id } of rows) {
    const [group, number] = id.split('-')
    next.set(group, (next.get(group) ?? 0) + 1)
    expect(id).toBe(`${group}-${String(next.get(group)).padStart(2, '0')}`)
    expect(Number(number)).toBe(next.get(group))
  }
})

it.each([
  ['nothing was run', () => reportOf(), 1],
  ['all is well', () => everything(), 0],
  ['one test failed', () => everything({ outcome: (id) => (id === 'TOOL-09' ? 'failed' : 'passed') }), 1],
  ['what waits for nothing is expected to fail', () => everything({ notYet: (id) => id === 'TOOL-09' }), 1],
])('as a program it ends with a code: %s', (_what, report, code) => {
  const root = tree({ 'report.json': JSON.stringify(report()) })
  const script = fileURLToPath(new URL('./rows.mjs', import.meta.url))
  const args = [script, '--report', join(root, 'report.json')]
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status).toBe(code)
  expect(stdout).toMatch(/^2024-11-05 +stdio +\d+/m)
})

/** A report in which every row that applies has a test in every cell. */
function everything({ outcome = () => 'passed', notYet = () => false } = {}) {
  const asked = rows.filter(({ notServer }) => notServer === undefined)
  return reportOf(
    ...asked.map(({ id, waits }) => {
      const title = `${id} over stdio, all; http, all`
      return [waits === undefined && !notYet(id) ? [title] : ['not yet', title], outcome(id)]
    }),
  )
}
