import { toolsFor } from 'holdfast'
import { z } from 'zod'
import { QueryRefusal } from '../data/refusal.js'
import { deskOf, type Services } from '../services.js'
import { datasetRefusal, lookups } from './lookups.js'
import { detailsOf, refusals } from './refusals.js'

const output = z.object({
  name: z.string(),
  sql: z.string().describe('The name as written in SQL'),
  file: z.string(),
  rows: z.int(),
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string().describe('Type in the dialect of the SQL'),
      nullShare: z.number().describe('Share of rows without a value, 0 to 1'),
      approxDistinct: z.int().describe('Different values; exact up to 100,000 rows, estimated beyond'),
      min: z.unknown().optional().describe('Absent for nested columns'),
      max: z.unknown().optional().describe('Absent for nested columns'),
    }),
  ),
  sample: z.array(z.record(z.string(), z.unknown())).describe('The first three rows'),
})

export const describeDataset = toolsFor<Services>()(
  'describe-dataset',
  {
    title: 'Describe a dataset',
    description:
      'Describes one dataset: its columns with types, share of missing values, smallest and largest value and number of ' +
      'different values, and three sample rows. Call it before you write SQL over a dataset you have not seen.',
    annotations: { readOnlyHint: true, openWorldHint: false },
    input: z.object({
      name: z.string().min(1).max(100).describe('Name of a dataset from list-datasets, e.g. airports'),
    }),
    output,
    errors: { ...refusals, dataset_not_found: lookups.dataset_not_found },
    timeout: '30s',
  },
  async ({ name }, ctx) => {
    const desk = deskOf(ctx)
    try {
      const description = await desk.describe(name.toLowerCase(), ctx.signal)
      if (description !== undefined) {
        const { sql, file, rows, columns, sample } = description
        return { name: description.name, sql, file, rows, columns: [...columns], sample: [...sample] }
      }
    } catch (error) {
      if (error instanceof QueryRefusal) throw ctx.error(error.code, detailsOf(error))
      throw error
    }
    throw ctx.error('dataset_not_found', datasetRefusal(desk, name))
  },
)
