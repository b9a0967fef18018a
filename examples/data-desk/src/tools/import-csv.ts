import { toolsFor } from 'holdfast'
import { z } from 'zod'
import { QueryRefusal } from '../data/refusal.js'
import { importLimits } from '../import/import-limits.js'
import { ImportRefusal, type ImportRefusalCode } from '../import/import-refusal.js'
import { deskOf, type Services } from '../services.js'
import { detailsOf, refusals } from './refusals.js'

const { bytes, rows, columns, lifetimeMs, tablesPerCaller } = importLimits
const megabytes = bytes / 1_000_000
const minutes = lifetimeMs / 60_000

const output = z.object({
  name: z.string(),
  sql: z.string().describe('The name as written in SQL'),
  file: z.string(),
  rows: z.int(),
  columns: z.array(
    z.object({ name: z.string(), type: z.string().describe('Type in the dialect of the SQL') }),
  ),
  replaced: z.boolean().describe('Whether an earlier import of this name was replaced'),
  expiresAt: z.iso.datetime().describe('When the dataset goes'),
  imported: z.array(z.string()).describe('Your imported datasets'),
  importedLimit: z.int().describe('How many you may have'),
})

const importRefusals = {
  name_taken: { message: 'The name is taken.', hint: 'Choose another name.' },
  download_failed: {
    message: 'The file could not be downloaded.',
    hint: 'Check the address.',
    retryable: true,
  },
  import_timeout: { message: 'The import took too long.', hint: 'Look for a smaller file.', retryable: true },
  not_csv: {
    message: 'The address does not lead to a CSV file.',
    hint: 'Give the address of the file itself.',
  },
  csv_malformed: { message: 'The file is not well-formed CSV.', hint: 'Correct the line that is named.' },
  file_too_large: { message: 'The file is too large.', hint: 'Look for a smaller extract.' },
  quota_reached: {
    message: 'You have too many imported datasets.',
    hint: 'Import under the name of one to replace it.',
  },
  import_running: { message: 'Another import is running.', hint: 'Wait for it to end.', retryable: true },
  desk_full: {
    message: 'There is no room for another table now.',
    hint: 'Try again later.',
    retryable: true,
  },
  desk_busy: refusals.desk_busy,
  cancelled: refusals.cancelled,
} as const satisfies Record<
  ImportRefusalCode | 'desk_busy',
  { message: string; hint?: string; retryable?: boolean }
>

export const importCsv = toolsFor<Services>()(
  'import-csv',
  {
    title: 'Import a CSV file',
    description:
      'Downloads a CSV file (commas, semicolons, tabs or bars; UTF-8; the first line names the columns) from a public http or https ' +
      `address into a dataset of your own, which query-dataset can join with all others. At most ${megabytes} MB, ` +
      `${rows.toLocaleString('en-US')} rows and ${columns} columns; ${tablesPerCaller} datasets, each for ${minutes} minutes. ` +
      'A name that you imported before is replaced. Returns the columns with their types, judged from every row, and when it expires.',
    annotations: {
      readOnlyHint: false,
      // It replaces an earlier import of the same name.
      destructiveHint: true,
      idempotentHint: true,
      openWorldHint: true,
    },
    input: z.object({
      url: z
        .url({ protocol: /^https?$/ })
        .max(2000)
        .describe('Address of the CSV file itself, http or https'),
      name: z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,40}$/)
        .describe(
          'Name for the dataset: small letters, digits and _, beginning with a letter, e.g. sales_2024',
        ),
    }),
    output,
    errors: importRefusals,
    // Longer than an import may take, so that it can say so itself.
    timeout: '75s',
  },
  async ({ url, name }, ctx) => {
    const { imported: before, importCsv: load } = deskOf(ctx)
    try {
      const table = await load({
        url,
        name,
        fetch: ctx.fetch,
        signal: ctx.signal,
        onBytes: (count, total) => ctx.progress(count, total, `${count} bytes of ${name}`),
      })
      return {
        name,
        sql: table.sql,
        file: table.file,
        rows: table.rows,
        columns: [...table.columns],
        replaced: before.has(name),
        expiresAt: new Date(table.expires).toISOString(),
        imported: [...deskOf(ctx).imported.keys()],
        importedLimit: ctx.services.deskFor(ctx.principal).importLimits.tablesPerCaller,
      }
    } catch (error) {
      if (error instanceof ImportRefusal) throw ctx.error(error.code, detailsOf(error))
      if (error instanceof QueryRefusal && (error.code === 'desk_busy' || error.code === 'cancelled')) {
        throw ctx.error(error.code, detailsOf(error))
      }
      // What ctx.fetch refuses, such as a private address, it says itself.
      throw error
    }
  },
)
