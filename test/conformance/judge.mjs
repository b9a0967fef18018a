const REASON = /^(waits for: |contradicts: )\S/
const LISTS = ['suites', 'revisions', 'scenarios', 'checks']

/**
 * Reads the list of failures we know about. A failure either waits for a part that is not built yet, or the
 * suite asks for what the specification forbids; anything else is a bug and has no place in the list. A group
 * `{ reason, suites, revisions, scenarios, checks? }` stands for every combination of what it lists.
 * Throws an error that names the group when one is malformed, or the scenario that is listed twice.
 */
export function readExpectations(json) {
  const groups = JSON.parse(json)
  if (!Array.isArray(groups)) throw new Error('Expected failures: the file must hold an array of groups.')
  const expectations = groups.flatMap((group, index) =>
    spread(group, `Expected failures, group ${index + 1}`),
  )
  const seen = new Set()
  for (const { suite, revision, scenario, check } of expectations) {
    const name = [suite, revision, scenario, check].filter(Boolean).join(' ')
    if (seen.has(name)) throw new Error(`Expected failures: ${name} is listed twice.`)
    seen.add(name)
  }
  return expectations
}

function spread(group, at) {
  const { reason, suites, revisions, scenarios, checks = [undefined] } = group
  const unknown = Object.keys(group).find((field) => field !== 'reason' && !LISTS.includes(field))
  if (unknown) throw new Error(`${at}: unknown field "${unknown}".`)
  if (typeof reason !== 'string' || !REASON.test(reason)) {
    throw new Error(`${at}: the reason must begin with "waits for: " or "contradicts: ".`)
  }
  for (const [name, list] of Object.entries({ suites, revisions, scenarios, checks })) {
    if (!Array.isArray(list) || list.length === 0)
      throw new Error(`${at}: "${name}" must be a list of names.`)
  }
  return suites.flatMap((suite) =>
    revisions.flatMap((revision) =>
      scenarios.flatMap((scenario) =>
        checks.map((check) => ({ suite, revision, scenario, ...(check ? { check } : {}), reason })),
      ),
    ),
  )
}

/** A warning is a broken SHOULD: it counts like a failure, and needs an entry to be let through. */
const isBad = (check) => check.status === 'FAILURE' || check.status === 'WARNING'

/**
 * A scenario that skipped its checks, or only remarked on them, has shown nothing and must not look like a pass;
 * nor has one where all that held is the schema check, which the suite adds to whatever traffic it saw.
 */
const proves = (check) => check.status === 'SUCCESS' && check.id !== 'wire-schema-valid'

/** Scenarios that the suite has and leaves empty: they skip themselves whatever the server does. */
const EMPTY = new Set(['tasks-status-notifications'])

/**
 * Compares what the suites reported with what we expect. An entry without `check` covers every failing check of
 * its scenario; with `check`, only that one. An entry that covers nothing is out of date and fails.
 */
export function judge(outcomes, expectations) {
  const used = new Set()
  const judgements = outcomes.map((outcome) => judgeOne(outcome, expectations, used))
  return { judgements, outdated: expectations.filter((entry) => !used.has(entry)) }
}

function judgeOne(outcome, expectations, used) {
  const entries = expectations.filter(
    (entry) =>
      entry.suite === outcome.suite &&
      entry.revision === outcome.revision &&
      entry.scenario === outcome.scenario,
  )
  const bad = outcome.checks.filter(isBad)
  const surprises = []
  for (const check of bad) {
    const covering = entries.filter((entry) => entry.check === undefined || entry.check === check.id)
    for (const entry of covering) used.add(entry)
    if (covering.length === 0) surprises.push(`${check.id}: ${check.errorMessage ?? check.status}`)
  }
  const nothing = bad.length === 0 && !outcome.checks.some(proves)
  // Only as long as it is so: one that begins to check must pass.
  const empty = nothing && EMPTY.has(outcome.scenario)
  if (nothing && !empty) {
    const covering = entries.filter((entry) => entry.check === undefined)
    for (const entry of covering) used.add(entry)
    if (covering.length === 0) surprises.push('no check ran, so nothing is shown')
  }
  if (surprises.length > 0) return { ...outcome, verdict: 'failed', notes: surprises }
  if (empty) return { ...outcome, verdict: 'empty', notes: [] }
  const reasons = entries.filter((entry) => used.has(entry)).map((entry) => entry.reason)
  return { ...outcome, verdict: reasons.length > 0 ? 'expected' : 'passed', notes: [...new Set(reasons)] }
}
