import { median, spread } from './statistics.js'
import type { SubjectName } from './subjects.js'

/** One line of the report: a figure of a subject, and its ratio to the raw loop's in the same round. */
export interface Row {
  readonly what: string
  readonly subject: SubjectName
  readonly unit: string
  readonly value: number
  /** Median over the rounds of (subject / raw loop of that round); absent for the raw loop. */
  readonly ratio?: number
  readonly ratios?: readonly number[]
  readonly budget?: Budget
  /** Absent where there is no budget. */
  readonly holds?: boolean
  readonly note?: string
}

export interface Budget {
  readonly limit: number
  /** `most`: the ratio must not be above the limit; `least`: not below. */
  readonly bound: 'most' | 'least'
}

export type BudgetName = 'add' | 'full' | 'list' | 'stdio' | 'coldCall' | 'coldList' | 'manyTools'

/** The budget that applies to plain JSON Schemas; zod is reported beside it. */
export const BUDGETS: Readonly<Record<BudgetName, Budget>> = {
  add: { limit: 1.5, bound: 'most' },
  /** With token, permission, rates, a missing cache, concurrency and timeout. */
  full: { limit: 2.2, bound: 'most' },
  list: { limit: 0.5, bound: 'most' },
  stdio: { limit: 0.75, bound: 'least' },
  coldCall: { limit: 2.5, bound: 'most' },
  coldList: { limit: 1.5, bound: 'most' },
  manyTools: { limit: 1.1, bound: 'most' },
}

/** Figures of the same thing, one per round, by subject; all lists are equally long. */
export type Rounds = ReadonlyMap<SubjectName, readonly number[]>

export function within(ratio: number, { limit, bound }: Budget): boolean {
  return bound === 'most' ? ratio <= limit : ratio >= limit
}

/**
 * The rows of one figure, the raw loop first.
 *
 * @param budget applied to the subject with plain schemas
 * @param fullBudget applied to the subject with everything on
 * @param notes a remark per subject
 */
export function rowsOf(
  { what, unit, budget, fullBudget }: { what: string; unit: string; budget?: Budget; fullBudget?: Budget },
  rounds: Rounds,
  notes: ReadonlyMap<SubjectName, string> = new Map(),
): Row[] {
  const floor = rounds.get('raw') ?? []
  return [...rounds].map(([subject, values]) => {
    const note = notes.get(subject)
    const base = { what, subject, unit, value: median(values), ...(note === undefined ? {} : { note }) }
    if (subject === 'raw') return base
    const ratios = values.map((value, round) => value / (floor[round] ?? Number.NaN))
    const ratio = median(ratios)
    const own = subject === 'plain' ? budget : subject === 'full' ? fullBudget : undefined
    if (own === undefined) return { ...base, ratio, ratios }
    return { ...base, ratio, ratios, budget: own, holds: within(ratio, own) }
  })
}

function digitsFor(value: number): number {
  if (value >= 1000) return 0
  return value >= 10 ? 1 : 2
}

function cells(row: Row): string[] {
  const { ratio, ratios, budget, holds } = row
  return [
    row.what,
    row.subject,
    `${row.value.toFixed(digitsFor(row.value))} ${row.unit}`,
    ratio === undefined ? '1' : ratio.toFixed(2),
    ratios === undefined ? '' : spread(ratios, 2),
    budget === undefined ? '' : `${budget.bound === 'most' ? '<=' : '>='} ${budget.limit}`,
    holds === undefined ? '' : holds ? 'ok' : 'OVER',
    row.note ?? '',
  ]
}

/** A table in plain text with one line per row. */
export function renderTable(rows: readonly Row[]): string {
  const head = ['figure', 'subject', 'median', 'x raw', 'range', 'budget', 'verdict', '']
  const lines = [head, ...rows.map(cells)]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
