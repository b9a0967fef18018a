import { defineWorker } from 'holdfast/worker'
import { correlation } from '../profile/correlation.js'
import { type NumberSummary, summarizeNumbers } from '../profile/number-summary.js'
import { summarizeTexts, type TextSummary } from '../profile/text-summary.js'

/** Columns of one sample, in shared memory. Of texts there are places only: the thread needs not know what they say. */
export type WorkerColumn =
  | { readonly name: string; readonly kind: 'number' | 'time'; readonly values: Float64Array }
  | { readonly name: string; readonly kind: 'text'; readonly codes: Int32Array }

export interface ProfileInput {
  readonly columns: readonly WorkerColumn[]
  /** Steps that were done before, of how many; the thread's own are {@link stepsOf} these columns. */
  readonly done: number
  readonly total: number
}

export interface Correlation {
  /** The columns, in their order. */
  readonly columns: readonly [string, string]
  /** From -1 to 1. */
  readonly r: number
  /** Rows that have both. */
  readonly rows: number
}

export interface ProfileOutput {
  readonly numbers: ReadonlyMap<string, NumberSummary>
  readonly texts: ReadonlyMap<string, TextSummary>
  /** Of each pair of numeric columns, the strongest first. */
  readonly correlations: readonly Correlation[]
}

/** One for each column, and one for each pair of numeric ones. */
export function stepsOf(columns: readonly { readonly kind: string }[]): number {
  const numeric = columns.filter(({ kind }) => kind === 'number').length
  return columns.length + (numeric * (numeric - 1)) / 2
}

// biome-ignore lint/style/noDefaultExport: that is how a worker module is found.
export default defineWorker(({ columns, done, total }: ProfileInput, ctx): ProfileOutput => {
  let step = done
  const next = (what: string): void => {
    if (ctx.signal.aborted) throw ctx.error('cancelled')
    step += 1
    ctx.progress(step, total, what)
  }
  const numbers = new Map<string, NumberSummary>()
  const texts = new Map<string, TextSummary>()
  for (const column of columns) {
    next(`Column ${column.name}`)
    if (column.kind === 'text') {
      texts.set(column.name, summarizeTexts(column.codes))
      continue
    }
    const summary = summarizeNumbers(column.values)
    if (summary !== undefined) numbers.set(column.name, summary)
  }
  const numeric = columns.flatMap((column) => (column.kind === 'number' ? [column] : []))
  const correlations: Correlation[] = []
  for (const [at, left] of numeric.entries()) {
    for (const right of numeric.slice(at + 1)) {
      next(`${left.name} with ${right.name}`)
      const found = correlation(left.values, right.values)
      if (found !== undefined) correlations.push({ columns: [left.name, right.name], ...found })
    }
  }
  correlations.sort((a, b) => Math.abs(b.r) - Math.abs(a.r))
  return { numbers, texts, correlations }
})
