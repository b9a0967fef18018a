/** One check as the suite writes it; `id` may repeat within a scenario. */
export interface Check {
  id: string
  /** SUCCESS, FAILURE, WARNING, SKIPPED or INFO. */
  status: string
  errorMessage?: string
}

export interface Expectation {
  suite: string
  revision: string
  scenario: string
  /** Without it, every failing check of the scenario is covered. */
  check?: string
  /** Begins with "waits for: " or "contradicts: ". */
  reason: string
}

export interface Outcome {
  suite: string
  revision: string
  scenario: string
  checks: Check[]
}

export interface Judgement extends Outcome {
  /** `empty`: the suite has the scenario and checks nothing in it. */
  verdict: 'passed' | 'expected' | 'empty' | 'failed'
  /** The reasons of what was expected, or the failures nobody expected. */
  notes: string[]
}

export function readExpectations(json: string): Expectation[]

export function judge(
  outcomes: Outcome[],
  expectations: Expectation[],
): { judgements: Judgement[]; outdated: Expectation[] }
