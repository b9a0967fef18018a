import { toolsFor } from 'holdfast'
import { z } from 'zod'
import { type SampledColumn, sampleLimits } from '../data/column-sample.js'
import type { ColumnSummary } from '../data/describe.js'
import { QueryRefusal } from '../data/refusal.js'
import { quantileShares } from '../profile/number-summary.js'
import { deskOf, type Services } from '../services.js'
import { columnsOf, datasetRefusal, lookups } from './lookups.js'
import { type ProfileOutput, stepsOf, type WorkerColumn } from './profile-worker.js'
import { detailsOf, refusals } from './refusals.js'

const maxColumns = 40
/** Pairs that are told; of more the weakest are left out. */
const maxPairs = 50

const value = z.union([z.number(), z.string()])
const output = z.object({
  name: z.string(),
  rows: z.int(),
  sampledRows: z.int().describe('Rows that were drawn; as many as rows when all were taken'),
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string().describe('Type in the dialect of the SQL'),
      nullShare: z.number().describe('Share of all rows without a value, 0 to 1'),
      approxDistinct: z
        .int()
        .describe('Different values in all rows; exact up to 100,000 rows, estimated beyond'),
      min: z.unknown().optional().describe('Of all rows; absent for nested columns'),
      max: z.unknown().optional().describe('Of all rows; absent for nested columns'),
      mean: value.optional().describe('Of the sample, as all that follows'),
      stddev: z.number().optional().describe('Of dates and times in seconds'),
      quantiles: z
        .array(value)
        .optional()
        .describe(`Those of ${quantileShares.join(', ')}`),
      histogram: z
        .object({ edges: z.array(value), counts: z.array(z.int()) })
        .optional()
        .describe('Bins of one width; counts[i] is from edges[i] to edges[i + 1]'),
      top: z
        .array(z.object({ value: z.string(), count: z.int() }))
        .optional()
        .describe('The most frequent texts, cut at 80 characters'),
    }),
  ),
  correlations: z
    .array(z.object({ columns: z.array(z.string()), r: z.number(), rows: z.int() }))
    .describe("Pearson's r of each pair of numeric columns, the strongest first"),
  notes: z.array(z.string()).describe('What was left out or estimated; empty when nothing was'),
})

type ColumnProfile = z.infer<typeof output>['columns'][number]

/** A moment as its column would show it: a date, or a time with Z where the column has a zone. Beyond what a date can be, the milliseconds. */
function moment(ms: number, type: string): string | number {
  if (Number.isNaN(new Date(ms).getTime())) return ms
  const text = new Date(ms).toISOString().replace('.000Z', 'Z')
  if (/^date$/i.test(type)) return text.slice(0, text.indexOf('T'))
  return /with time zone$/i.test(type) ? text : text.slice(0, -1)
}

/** Four digits more than anybody reads. */
function rounded(number: number): number {
  return Number(number.toPrecision(10))
}

function profileOf(summary: ColumnSummary, sampled: SampledColumn, profiles: ProfileOutput): ColumnProfile {
  const { name, type } = sampled
  const common = { ...summary }
  if (sampled.kind === 'nested') return common
  if (sampled.kind === 'text') {
    const top = profiles.texts.get(name)?.top ?? []
    return { ...common, top: top.map(({ code, count }) => ({ value: sampled.texts[code] ?? '', count })) }
  }
  const numbers = profiles.numbers.get(name)
  if (numbers === undefined) return common
  const isTime = sampled.kind === 'time'
  const shown = (number: number): string | number => (isTime ? moment(number, type) : rounded(number))
  return {
    ...common,
    mean: shown(numbers.mean),
    stddev: rounded(isTime ? numbers.stddev / 1000 : numbers.stddev),
    quantiles: numbers.quantiles.map(shown),
    histogram: { edges: numbers.histogram.edges.map(shown), counts: [...numbers.histogram.counts] },
  }
}

function toWorker(column: SampledColumn): WorkerColumn[] {
  const { name } = column
  if (column.kind === 'nested') return []
  return column.kind === 'text'
    ? [{ name, kind: column.kind, codes: column.codes }]
    : [{ name, kind: column.kind, values: column.values }]
}

export const profileDataset = toolsFor<Services>()(
  'profile-dataset',
  {
    title: 'Profile a dataset',
    description:
      'Profiles one dataset: of each column type, share of missing values, number of different values and extremes; of numbers and dates ' +
      'also mean, standard deviation, quantiles and a histogram, of texts the most frequent ones; and how numeric columns correlate. ' +
      `Use it for distributions, outliers and relations; describe-dataset is enough for names and types. Of more than ` +
      `${sampleLimits.rows.toLocaleString('en-US')} rows a random sample is profiled.`,
    annotations: { readOnlyHint: true, openWorldHint: false },
    input: z.object({
      name: z.string().min(1).max(100).describe('Name of a dataset from list-datasets, e.g. movies'),
      columns: z
        .array(z.string().min(1).max(200))
        .min(1)
        .max(maxColumns)
        .optional()
        .describe(`Columns to profile; all unless given, ${maxColumns} at most`),
    }),
    output,
    errors: { ...refusals, ...lookups },
    timeout: '60s',
    // Each holds a sample of up to 32 MB while a thread works on it.
    concurrency: 4,
    task: 'optional',
  },
  async ({ name: asked, columns: wanted }, ctx) => {
    const desk = deskOf(ctx)
    const name = asked.toLowerCase()
    const dataset = desk.datasets.get(name)
    if (dataset === undefined) throw ctx.error('dataset_not_found', datasetRefusal(desk, asked))
    const chosen = columnsOf(dataset, wanted)
    if (chosen.refusal !== undefined) throw ctx.error('column_not_found', chosen.refusal)
    const columns = chosen.columns.slice(0, maxColumns).map((column) => column.name)
    try {
      await ctx.progress(0, undefined, 'Looking at all rows')
      const description = await desk.describe(name, ctx.signal)
      const sample = await desk.sampleColumns(name, { columns, signal: ctx.signal })
      // An import that expired meanwhile is a dataset that is not there.
      if (description === undefined || sample === undefined) {
        throw ctx.error('dataset_not_found', datasetRefusal(desk, asked))
      }
      const input = sample.columns.flatMap(toWorker)
      const profiles = await ctx.runWorker<typeof import('./profile-worker.js')>(
        new URL('./profile-worker.js', import.meta.url),
        { columns: input, done: 1, total: 1 + stepsOf(input) },
      )
      const summaries = new Map(description.columns.map((column) => [column.name, column]))
      const left = dataset.columns.length - columns.length
      const pairs = profiles.correlations.length
      const { rows, totalRows } = sample
      return {
        name,
        rows: totalRows,
        sampledRows: rows,
        columns: sample.columns.flatMap((column) => {
          const summary = summaries.get(column.name)
          return summary === undefined ? [] : [profileOf(summary, column, profiles)]
        }),
        correlations: profiles.correlations
          .slice(0, maxPairs)
          .map(({ columns: pair, r, rows: both }) => ({ columns: [...pair], r: rounded(r), rows: both })),
        notes: [
          ...(rows < totalRows
            ? [
                `Means, deviations, quantiles, histograms, frequent texts and correlations are of ${rows} of ${totalRows} rows, drawn at random.`,
              ]
            : []),
          ...(wanted === undefined && left > 0
            ? [`${left} more columns were left out; name them in columns.`]
            : []),
          ...(pairs > maxPairs ? [`${pairs - maxPairs} weaker correlations were left out.`] : []),
        ],
      }
    } catch (error) {
      if (error instanceof QueryRefusal) throw ctx.error(error.code, detailsOf(error))
      throw error
    }
  },
)
