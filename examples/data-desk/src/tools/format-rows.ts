import { result, text, toolsFor } from 'holdfast'
import { z } from 'zod'
import { FormatTooLarge, maxColumns, TooManyColumns } from '../format/cells.js'
import { formatRows as format, formats, mediaTypes } from '../format/format-rows.js'
import type { Services } from '../services.js'

const maxBytes = 512 * 1024

const output = z.object({
  format: z.enum(formats),
  mediaType: z.string(),
  text: z.string(),
  rows: z.int(),
  columns: z.int(),
  notes: z.array(z.string()).describe('What was changed on the way, e.g. disarmed formulas; usually empty'),
})

export const formatRows = toolsFor<Services>()(
  'format-rows',
  {
    title: 'Format rows',
    description:
      'Turns rows, such as those of query-dataset, into a document: json, csv (RFC 4180, with spreadsheet formulas disarmed), ' +
      'xml or a markdown table. Use it when the user wants a file or a table to paste; escaping is taken care of. Returns the text.',
    annotations: { readOnlyHint: true, openWorldHint: false, idempotentHint: true },
    input: z.object({
      rows: z
        .array(z.record(z.string(), z.unknown()))
        .max(1000)
        .describe('The rows, each an object from column to value'),
      format: z.enum(formats).describe('json, csv, xml or markdown'),
    }),
    output,
    errors: {
      too_many_columns: { message: `Rows may have ${maxColumns} different columns at most.` },
      text_too_large: {
        message: 'The formatted text would be too large.',
        hint: 'Send fewer rows or columns.',
      },
    },
  },
  ({ rows, format: wanted }, ctx) => {
    try {
      const formatted = format(rows, wanted, maxBytes)
      return result({
        content: [text(formatted.text), ...formatted.notes.map((note) => text(note))],
        structured: {
          format: wanted,
          mediaType: mediaTypes[wanted],
          text: formatted.text,
          rows: rows.length,
          columns: formatted.columns,
          notes: formatted.notes,
        },
      })
    } catch (error) {
      if (error instanceof FormatTooLarge)
        throw ctx.error('text_too_large', { field: 'rows', message: error.message })
      if (error instanceof TooManyColumns) {
        throw ctx.error('too_many_columns', { field: 'rows', message: error.message })
      }
      throw error
    }
  },
)
