// npm run rows [-- --report <vitest report.json>]: which black-box rows of the protocol have a passing test, by
// revision and transport. Without a report it runs the tests in `test` itself.
//
// `test/rows/rows.json` has every row once, with the revisions and transports it speaks of, and for a row that
// cannot be asked of this server the reason (`notServer`). A row whose feature is still to come says which (`waits`):
// its
// tests stand under `not yet` and are expected to fail (`it.fails`), so that whoever brings the feature is told; it is
// counted by itself, and as soon as another test shows it the list is out of date. A test cites rows in its titles, from
// the outermost `describe` to its own: `TOOL-13, TOOL-14`, `HTL-21..24`. The same titles name the cells it ran in, in
// the form in which `cells()` names them: `stdio, 2025-11-25`. A test outside cells writes that itself, where a range or
// `all` may stand for the revision: `(STD-12 over stdio, 2026-07-28)`, `(ERA-03 over stdio, all; http, all)`.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMain } from './source-tree.mjs'

export const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']
export const TRANSPORTS = ['stdio', 'http']
const STATES = ['passes', 'fails', 'untested', 'waits']

/**
 * @typedef {{ id: string, revisions: string[], over: string[], notServer?: string, waits?: string }} Row
 * @typedef {{ title: string, ids: string[], cells: string[], outcome: string, notYet: boolean }} CitingTest cells as `stdio, 2025-11-25`
 * @typedef {{ row: Row, cell: string, state: 'passes' | 'fails' | 'untested' | 'waits', failed: string[] }} Case
 */

/** What is wrong with the list of rows itself. @param {Row[]} rows @returns {string[]} */
export function checkRows(rows) {
  const problems = []
  const seen = new Set()
  for (const { id, revisions, over, notServer, waits } of rows) {
    if (!/^[A-Z]{2,4}-\d\d$/.test(id)) problems.push(`${id} is no row's id`)
    if (seen.has(id)) problems.push(`${id} stands twice`)
    seen.add(id)
    if (!isSome(revisions, REVISIONS))
      problems.push(`${id}: revisions must be some of ${REVISIONS.join(', ')}`)
    if (!isSome(over, TRANSPORTS)) problems.push(`${id}: over must be some of ${TRANSPORTS.join(', ')}`)
    if (notServer !== undefined && !isSentence(notServer)) {
      problems.push(`${id}: notServer must be a sentence that says why`)
    }
    if (waits !== undefined && !isSentence(waits)) {
      problems.push(`${id}: waits must be a sentence that says for what`)
    }
    if (notServer !== undefined && waits !== undefined) {
      problems.push(`${id}: what is not asked of the server waits for nothing`)
    }
  }
  return problems
}

function isSentence(text) {
  return typeof text === 'string' && /^\S.{19,}\.$/.test(text)
}

function isSome(values, known) {
  return Array.isArray(values) && values.length > 0 && values.every((value) => known.includes(value))
}

/** `HTL-21..23, RPC-02` -> HTL-21, HTL-22, HTL-23, RPC-02 @param {string} title @returns {string[]} */
export function idsIn(title) {
  return [...title.matchAll(/\b([A-Z]{2,4})-(\d\d)(?:\.\.(\d\d))?(?!\d)/g)].flatMap(
    ([, group, from, to = from]) =>
      Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => {
        return `${group}-${String(Number(from) + at).padStart(2, '0')}`
      }),
  )
}

/** `stdio, 2025-11-25`, `http, 2024-11-05..2025-03-26`, `http, all` -> cells @param {string} title @returns {string[]} */
export function cellsIn(title) {
  const named = /\b(memory|stdio|http), (?:(all)\b|(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?)/g
  return [...title.matchAll(named)].flatMap(([, transport, all, from, to = from]) =>
    REVISIONS.filter((revision) => all !== undefined || (revision >= from && revision <= to)).map(
      (revision) => `${transport}, ${revision}`,
    ),
  )
}

/** The tests of a vitest JSON report that cite a row of the list. @returns {CitingTest[]} */
export function citingTests(report, groups) {
  return report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .map(({ ancestorTitles, title, status }) => {
      const whole = [...ancestorTitles, title].join(' ')
      const ids = idsIn(whole).filter((id) => groups.has(groupOf(id)))
      return {
        title: whole,
        ids,
        cells: cellsIn(whole),
        outcome: status,
        notYet: whole.startsWith('not yet '),
      }
    })
    .filter(({ ids }) => ids.length > 0)
}

function groupOf(id) {
  return id.slice(0, id.indexOf('-'))
}

/**
 * Holds the rows against a report.
 * @param {Row[]} rows
 * @returns {{ cases: Case[], problems: string[] }} a case for every cell of every row that applies
 */
export function judge(rows, report) {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const tests = citingTests(report, new Set(rows.map(({ id }) => groupOf(id))))
  const problems = []
  for (const { title, ids, cells, notYet } of tests) {
    if (cells.length === 0) problems.push(`names no cell, such as "stdio, 2025-11-25": ${title}`)
    for (const id of ids) {
      const row = byId.get(id)
      if (row === undefined) problems.push(`cites ${id}, which is no row: ${title}`)
      else if (notYet && row.waits === undefined)
        problems.push(`is expected to fail, but ${id} waits for nothing: ${title}`)
      else if (row.notServer !== undefined) problems.push(`cites ${id}, which "${row.notServer}": ${title}`)
    }
  }
  const cases = rows
    .filter(({ notServer }) => notServer === undefined)
    .flatMap((row) => cellsOf(row).map((cell) => judgeCase(row, cell, tests)))
  for (const { id, waits } of rows) {
    const shown = tests.find(
      ({ ids, outcome, notYet }) => ids.includes(id) && outcome === 'passed' && !notYet,
    )
    if (waits === undefined || shown === undefined) continue
    problems.push(`${id} is out of date: "${waits}", but this passes: ${shown.title}`)
  }
  return { cases, problems }
}

function cellsOf({ revisions, over }) {
  return over.flatMap((transport) => revisions.map((revision) => `${transport}, ${revision}`))
}

function judgeCase(row, cell, tests) {
  const citing = tests.filter(({ ids, cells }) => ids.includes(row.id) && cells.includes(cell))
  const failed = citing.filter(({ outcome }) => outcome === 'failed').map(({ title }) => title)
  // A test that was skipped shows nothing.
  const passed = citing.some(({ outcome }) => outcome === 'passed')
  return { row, cell, state: stateOf(row, failed.length > 0, passed), failed }
}

function stateOf({ waits }, isFailing, isPassing) {
  if (isFailing) return 'fails'
  if (!isPassing) return 'untested'
  // Also where a test shows it: then the list is wrong, and nothing may be counted by it.
  return waits === undefined ? 'passes' : 'waits'
}

/** The table, and below it what is missing. @param {Row[]} rows @param {Case[]} cases @returns {string} */
export function render(rows, cases) {
  const count = (of, state) => String(of.filter((one) => state === undefined || one.state === state).length)
  const line = (revision, over, of) =>
    [
      revision.padEnd(12),
      over.padEnd(6),
      count(of).padStart(5),
      ...STATES.map((state) => count(of, state).padStart(9)),
    ].join('')
  const lines = [`revision    over   rows   passes    fails untested    waits`]
  for (const revision of REVISIONS) {
    for (const transport of TRANSPORTS) {
      const of = cases.filter(({ cell }) => cell === `${transport}, ${revision}`)
      lines.push(line(revision, transport, of))
    }
  }
  lines.push(line('all', '', cases), '', summary(rows, cases))
  const open = cases.filter(({ state }) => state !== 'passes')
  for (const state of ['fails', 'untested', 'waits']) {
    for (const { id, waits } of rows) {
      const of = open.filter((one) => one.row.id === id && one.state === state)
      if (of.length === 0) continue
      lines.push(`${state}  ${id}  ${shortCells(of.map(({ cell }) => cell))}`)
      if (state === 'waits') lines.push(`    ${waits}`)
      for (const title of new Set(of.flatMap(({ failed }) => failed.map(withoutCell))))
        lines.push(`    ${title}`)
    }
  }
  return lines.join('\n')
}

function summary(rows, cases) {
  const concerned = rows.filter(({ notServer }) => notServer === undefined)
  const whole = concerned.filter(({ id }) =>
    cases.every((one) => one.row.id !== id || one.state === 'passes'),
  )
  const waiting = concerned.filter(({ waits }) => waits !== undefined).length
  return [
    `${rows.length} rows: ${concerned.length} apply to a server, ${whole.length} of them pass in all their cells`,
    `, ${waiting} wait for a feature.`,
  ].join('')
}

/** A test that fails in ten cells has one title, not ten. */
function withoutCell(title) {
  return title.replace(/^'(?:stdio|http), \d{4}-\d\d-\d\d' /, '')
}

/** The way back from `cellsIn`. */
function shortCells(cells) {
  return TRANSPORTS.flatMap((transport) => {
    const named = REVISIONS.filter((revision) => cells.includes(`${transport}, ${revision}`))
    if (named.length === 0) return []
    if (named.length === REVISIONS.length) return [`${transport}, all`]
    const [from, to] = [named[0], named.at(-1)]
    const isRange = named.length > 1 && cellsIn(`${transport}, ${from}..${to}`).length === named.length
    return isRange ? [`${transport}, ${from}..${to}`] : named.map((revision) => `${transport}, ${revision}`)
  }).join('; ')
}

async function runTests(root) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-rows-'))
  try {
    const file = join(folder, 'report.json')
    const vitest = join(createRequire(import.meta.url).resolve('vitest/package.json'), '../vitest.mjs')
    const child = spawn(
      process.execPath,
      [vitest, 'run', 'test/', '--reporter=json', `--outputFile=${file}`],
      // What the runner prints is no part of the table.
      { cwd: root, stdio: ['ignore', 2, 2] },
    )
    await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
    return readFileSync(file, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (isMain(import.meta)) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { values } = parseArgs({ options: { report: { type: 'string' } } })
  const rows = JSON.parse(readFileSync(join(root, 'test/rows/rows.json'), 'utf8'))
  const text = values.report === undefined ? await runTests(root) : readFileSync(values.report, 'utf8')
  const { cases, problems } = judge(rows, JSON.parse(text))
  problems.unshift(...checkRows(rows))
  process.stdout.write(`${render(rows, cases)}\n`)
  for (const problem of problems) process.stdout.write(`wrong  ${problem}\n`)
  const isOpen = ({ state }) => state === 'fails' || state === 'untested'
  if (problems.length > 0 || cases.some(isOpen)) process.exitCode = 1
}
