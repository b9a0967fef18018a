import { sentence } from './text.js'

/** One thing that is wrong with a value, ready to be read by a model or a person. */
export interface Problem {
  /** Where it is: property names and array indexes from the root. */
  readonly path: readonly (string | number)[]
  /** One whole sentence: the parameter, what was expected, what was received. */
  readonly message: string
  /** The path as text: `filter.limit`; empty for the root. */
  readonly field: string
  readonly expected?: string
  readonly received?: string
}

/** Most problems that are kept; a text shows the first ten and counts the rest. */
export const MAX_PROBLEMS = 30
/** Most problems that {@link describeProblems} spells out. */
export const MAX_DESCRIBED = 10
/**
 * The text for a model: one sentence for one problem, a list for several, the first ten spelled out and the rest
 * counted.
 */
export function describeProblems(problems: readonly Problem[]): string {
  const [only] = problems
  if (only === undefined) return ''
  if (problems.length === 1) return sentence(only.message)
  const lines = problems.slice(0, MAX_DESCRIBED).map(({ message }) => `- ${message}`)
  const left = problems.length - lines.length
  if (left > 0) lines.push(`- and ${problems.length >= MAX_PROBLEMS ? 'at least ' : ''}${left} more.`)
  return `${problems.length >= MAX_PROBLEMS ? 'At least ' : ''}${problems.length} problems:\n${lines.join('\n')}`
}
