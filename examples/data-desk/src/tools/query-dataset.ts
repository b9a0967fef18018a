import { toolsFor } from 'holdfast'
import { z } from 'zod'
import { defaultRows, maxRows } from '../data/desk-reader.js'
import { QueryRefusal } from '../data/refusal.js'
import type { QueryResult } from '../data/run-query.js'
import { maxSqlCharacters } from '../data/statement-guard.js'
import { deskOf, type Services } from '../services.js'
import { detailsOf, refusals } from './refusals.js'

const output = z.object({
  columns: z.array(
    z.object({ name: z.string(), type: z.string().describe('Type in the dialect of the SQL') }),
  ),
  rows: z.array(z.record(z.string(), z.unknown())),
  rowCount: z.int().describe('Rows in this answer'),
  truncated: z.boolean().describe('Whether the query has more rows than this answer'),
  note: z.string().optional().describe('What was cut, and how to see the rest'),
})

function noteOn(result: QueryResult): string | undefined {
  const parts: string[] = []
  const shown = result.rows.length
  if (result.truncatedBy === 'rows') {
    const more = shown < maxRows ? `raise limit (up to ${maxRows}), ` : ''
    parts.push(
      `Only the first ${shown} rows are shown: ${more}aggregate, or page with ORDER BY ... LIMIT ... OFFSET ${shown}.`,
    )
  }
  if (result.truncatedBy === 'bytes') {
    parts.push(
      `Only the first ${shown} rows are shown, because the answer reached its size limit: select fewer columns, ` +
        `or page with ORDER BY ... LIMIT ... OFFSET ${shown}.`,
    )
  }
  if (result.cutCells > 0)
    parts.push(`${result.cutCells} long values were cut; substring(column, from, length) shows parts.`)
  return parts.length > 0 ? parts.join(' ') : undefined
}

/** @param dialect whose SQL it takes, such as DuckDB */
export const queryDataset = (dialect: string) =>
  toolsFor<Services>()(
    'query-dataset',
    {
      title: 'Query datasets with SQL',
      description:
        `Runs one read-only SQL statement (${dialect} dialect: SELECT, WITH, joins, window functions, aggregates) over the ` +
        'datasets, which are its tables. Use it to filter, join, count and aggregate; let SQL do the arithmetic. ' +
        'Returns columns with types and rows as objects; when there are more rows, truncated is true and note says how to see them.',
      annotations: { readOnlyHint: true, openWorldHint: false },
      input: z.object({
        sql: z
          .string()
          .min(1)
          .max(maxSqlCharacters)
          .describe(
            'One SELECT statement, e.g. SELECT state, count(*) FROM airports GROUP BY state ORDER BY 2 DESC',
          ),
        limit: z
          .int()
          .min(1)
          .max(maxRows)
          .default(defaultRows)
          .describe(`Rows to return at most; ${defaultRows} unless given, ${maxRows} at most`),
      }),
      output,
      errors: refusals,
      timeout: '30s',
    },
    async ({ sql, limit }, ctx) => {
      try {
        const result = await deskOf(ctx).query(sql, limit, ctx.signal)
        const note = noteOn(result)
        return {
          columns: result.columns,
          rows: result.rows,
          rowCount: result.rows.length,
          truncated: result.truncatedBy !== undefined,
          ...(note === undefined ? {} : { note }),
        }
      } catch (error) {
        if (error instanceof QueryRefusal) throw ctx.error(error.code, detailsOf(error))
        throw error
      }
    },
  )
