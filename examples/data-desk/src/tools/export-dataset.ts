import { result, text, toolsFor } from 'holdfast'
import { z } from 'zod'
import { QueryRefusal } from '../data/refusal.js'
import type { RowPortion } from '../data/stream-rows.js'
import { maxColumns } from '../format/cells.js'
import { lineFormats, lineMediaTypes, type RowLines, rowLines } from '../format/row-lines.js'
import { deskOf, type Services } from '../services.js'
import { columnsOf, datasetRefusal, lookups } from './lookups.js'
import { detailsOf, refusals } from './refusals.js'

const defaultRows = 200_000
const maxRows = 1_000_000
/** Rows between two notices of progress. */
const rowsPerNotice = 10_000

const output = z.object({
  name: z.string(),
  format: z.enum(lineFormats),
  uri: z.string().describe('Where to read it, with resources/read, part after part'),
  mediaType: z.string(),
  rows: z.int(),
  columns: z.array(z.string()),
  bytes: z.int(),
  truncated: z.boolean().describe('Whether the dataset has more rows than were exported'),
  notes: z.array(z.string()).describe('What was cut or changed on the way; usually empty'),
})

interface Written {
  rows: number
  bytes: number
  cutCells: number
}

/** The lines of a document as the rows come, and how far it is after each portion. */
async function* documentOf(
  portions: AsyncIterable<RowPortion>,
  lines: RowLines,
  written: Written,
  tell: () => Promise<void>,
): AsyncGenerator<string, void, undefined> {
  written.bytes += Buffer.byteLength(lines.head)
  yield lines.head
  let told = 0
  for await (const { rows, cutCells } of portions) {
    const piece = rows.map((row) => lines.row(row)).join('')
    written.rows += rows.length
    written.bytes += Buffer.byteLength(piece)
    written.cutCells += cutCells
    yield piece
    if (written.rows - told < rowsPerNotice) continue
    told = written.rows
    await tell()
  }
  if (written.rows > told) await tell()
}

export const exportDataset = toolsFor<Services>()(
  'export-dataset',
  {
    title: 'Export a dataset',
    description:
      'Writes the rows of a dataset into a CSV (RFC 4180, with spreadsheet formulas disarmed) or NDJSON file, and returns a link to it, to be ' +
      'read part by part for 15 minutes. Use it when the user wants the data itself; for an answer from the data use query-dataset. ' +
      `${defaultRows.toLocaleString('en-US')} rows unless limit says otherwise, ${maxRows.toLocaleString('en-US')} at most.`,
    annotations: { readOnlyHint: true, openWorldHint: false },
    input: z.object({
      name: z.string().min(1).max(100).describe('Name of a dataset from list-datasets, e.g. flights'),
      format: z.enum(lineFormats).describe('csv or ndjson (one JSON object a line)'),
      columns: z
        .array(z.string().min(1).max(200))
        .min(1)
        .max(maxColumns)
        .optional()
        .describe('Columns to export, in this order; all unless given'),
      limit: z
        .int()
        .min(1)
        .max(maxRows)
        .default(defaultRows)
        .describe(`Rows at most, from the first; ${defaultRows} unless given, ${maxRows} at most`),
    }),
    output,
    errors: {
      ...refusals,
      ...lookups,
      too_many_columns: {
        message: `A file may have ${maxColumns} columns at most.`,
        hint: 'Name some in columns.',
      },
    },
    // A little more than the desk gives an export, so that it can say so itself.
    timeout: '125s',
    // One at a time for each caller; how many run in all the desk decides.
    concurrency: { limit: 1, queue: 3, by: 'principal' },
    task: 'optional',
  },
  async ({ name: asked, format, columns: wanted, limit }, ctx) => {
    const desk = deskOf(ctx)
    const name = asked.toLowerCase()
    const dataset = desk.datasets.get(name)
    if (dataset === undefined) throw ctx.error('dataset_not_found', datasetRefusal(desk, asked))
    const { columns: chosen, refusal } = columnsOf(dataset, wanted)
    if (refusal !== undefined) throw ctx.error('column_not_found', refusal)
    if (chosen.length > maxColumns) throw ctx.error('too_many_columns', { field: 'columns' })
    const columns = chosen.map((column) => column.name)
    const portions = desk.streamRows(name, { columns, limit, signal: ctx.signal })
    if (portions === undefined) throw ctx.error('dataset_not_found', datasetRefusal(desk, asked))
    const total = Math.min(limit, dataset.rows)
    const written: Written = { rows: 0, bytes: 0, cutCells: 0 }
    const lines = rowLines(format, columns)
    const tell = (): Promise<void> =>
      ctx.progress(written.rows, total, `${written.rows} of ${total} rows of ${name}`)
    const mediaType = lineMediaTypes[format]
    try {
      const link = await ctx.spill(documentOf(portions, lines, written, tell), {
        name: `${name}.${format}`,
        mimeType: mediaType,
        description: `${total} of ${dataset.rows} rows of ${name}.`,
      })
      const truncated = written.rows < dataset.rows
      const { rows, bytes, cutCells } = written
      const notes = [
        ...lines.notes,
        ...(cutCells > 0 ? [`${cutCells} long values were cut.`] : []),
        ...(truncated
          ? [
              `These are the first ${rows} of ${dataset.rows} rows${limit < maxRows ? '; limit may be raised' : ''}.`,
            ]
          : []),
      ]
      return result({
        content: [
          text(`${rows} rows of ${name} as ${format}, ${bytes} bytes: ${link.uri}`),
          link,
          ...notes.map((note) => text(note)),
        ],
        structured: { name, format, uri: link.uri, mediaType, rows, columns, bytes, truncated, notes },
      })
    } catch (error) {
      if (error instanceof QueryRefusal) throw ctx.error(error.code, detailsOf(error))
      // Where there is no room for it, ctx.spill says so itself.
      throw error
    }
  },
)
