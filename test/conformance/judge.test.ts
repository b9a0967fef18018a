import { describe, expect, it } from 'vitest'
import { type Check, type Expectation, judge, readExpectations } from './judge.mjs'

const run = { suite: 'alpha', revision: '2026-07-28', scenario: 'caching' }
const entry = { ...run, reason: 'waits for: streams' }
const good = { id: 'a', status: 'SUCCESS' }
const bad = { id: 'b', status: 'FAILURE', errorMessage: 'no ttlMs' }

const verdictOf = (checks: Check[], expectations: Expectation[]) => {
  const { judgements, outdated } = judge([{ ...run, checks }], expectations)
  return { verdict: judgements[0]?.verdict, notes: judgements[0]?.notes, outdated: outdated.length }
}

describe('judge', () => {
  it('passes a scenario whose checks all pass', () => {
    expect(verdictOf([good], [])).toEqual({ verdict: 'passed', notes: [], outdated: 0 })
  })

  it('fails on a failure that nobody expected, and says why', () => {
    expect(verdictOf([good, bad], [])).toEqual({ verdict: 'failed', notes: ['b: no ttlMs'], outdated: 0 })
  })

  it('counts a warning as a failure', () => {
    expect(verdictOf([{ id: 'c', status: 'WARNING' }], []).verdict).toBe('failed')
  })

  it('lets an expected failure through with its reason', () => {
    expect(verdictOf([good, bad], [entry])).toEqual({
      verdict: 'expected',
      notes: ['waits for: streams'],
      outdated: 0,
    })
  })

  it('lets only the named check through', () => {
    const other = { id: 'd', status: 'FAILURE', errorMessage: 'no scope' }
    expect(verdictOf([bad, other], [{ ...entry, check: 'b' }])).toEqual({
      verdict: 'failed',
      notes: ['d: no scope'],
      outdated: 0,
    })
  })

  it('reports an entry as out of date when its scenario passes, did not run, or its check passes', () => {
    expect(verdictOf([good], [entry])).toMatchObject({ verdict: 'passed', outdated: 1 })
    expect(verdictOf([good], [{ ...entry, scenario: 'renamed' }])).toMatchObject({ outdated: 1 })
    expect(verdictOf([bad], [entry, { ...entry, check: 'a' }])).toMatchObject({ outdated: 1 })
  })

  it('keeps suites and revisions apart', () => {
    expect(verdictOf([bad], [{ ...entry, suite: 'stable' }])).toMatchObject({
      verdict: 'failed',
      outdated: 1,
    })
    expect(verdictOf([bad], [{ ...entry, revision: '2025-11-25' }])).toMatchObject({ verdict: 'failed' })
  })

  it.each([
    [[]],
    [[{ id: 'e', status: 'SKIPPED' }]],
    [[{ id: 'e', status: 'INFO' }]],
    [[{ id: 'wire-schema-valid', status: 'SUCCESS' }]],
  ])('does not take %j for a pass', (checks) => {
    expect(verdictOf(checks, []).verdict).toBe('failed')
    expect(verdictOf(checks, [entry])).toMatchObject({ verdict: 'expected', outdated: 0 })
  })
})

describe('a scenario that the suite leaves empty', () => {
  const scenario = 'tasks-status-notifications'
  const of = (checks: Check[]) => judge([{ ...run, scenario, checks }], []).judgements[0]?.verdict

  it('is neither passed nor failed, and is judged like any other once it checks something', () => {
    expect(of([{ id: 'e', status: 'SKIPPED' }])).toBe('empty')
    expect(of([good])).toBe('passed')
    expect(of([bad])).toBe('failed')
  })
})

describe('readExpectations', () => {
  const group = {
    reason: 'waits for: streams',
    suites: ['alpha'],
    revisions: ['2026-07-28'],
    scenarios: ['caching'],
  }

  it.each([
    [{}, /array/],
    [[{ ...group, reason: 'flaky' }], /group 1: the reason must begin with/],
    [[{ ...group, revison: [] }], /group 1: unknown field "revison"/],
    [[{ ...group, suites: undefined }], /group 1: "suites" must be a list/],
    [[group, { ...group, checks: [] }], /group 2: "checks" must be a list/],
    [[group, group], /alpha 2026-07-28 caching is listed twice/],
  ])('refuses %j', (groups, message) => {
    expect(() => readExpectations(JSON.stringify(groups))).toThrow(message)
  })

  it('spreads a group over everything it lists', () => {
    const groups = [{ ...group, revisions: ['2025-11-25', '2026-07-28'], checks: ['a', 'b'] }]
    expect(readExpectations(JSON.stringify(groups))).toEqual([
      { ...entry, revision: '2025-11-25', check: 'a' },
      { ...entry, revision: '2025-11-25', check: 'b' },
      { ...entry, check: 'a' },
      { ...entry, check: 'b' },
    ])
  })
})
