import { toolsFor } from 'holdfast'
import { z } from 'zod'
import { deskOf, type Services } from '../services.js'

const output = z.object({
  datasets: z.array(
    z.object({
      name: z.string(),
      sql: z.string().describe('The name as written in SQL, quoted where it must be'),
      file: z.string(),
      rows: z.int(),
      columns: z
        .array(z.string())
        .describe('Column names; in SQL, those with spaces or capitals go into double quotes'),
      expiresAt: z.iso.datetime().optional().describe('Of datasets that you imported: when they go'),
    }),
  ),
})

export const listDatasets = toolsFor<Services>()(
  'list-datasets',
  {
    title: 'List datasets',
    description:
      'Lists every dataset that can be queried, and those that you imported. Call this first, when you do not know what data there is. ' +
      'Returns for each its name, its name as written in SQL, the file it came from, its number of rows and its columns.',
    annotations: { readOnlyHint: true, openWorldHint: false },
    output,
  },
  (_args, ctx) => {
    const { datasets, imported } = deskOf(ctx)
    return {
      datasets: [...datasets.values()].map(({ name, sql, file, rows, columns }) => {
        const expires = imported.get(name)?.expires
        return {
          name,
          sql,
          file,
          rows,
          columns: columns.map((column) => column.name),
          ...(expires === undefined ? {} : { expiresAt: new Date(expires).toISOString() }),
        }
      }),
    }
  },
)
