import { chooseColumns } from '../data/choose-columns.js'
import type { ColumnInfo } from '../data/describe.js'

/** The errors of tools that are given the name of a dataset, or of its columns. */
export const lookups = {
  dataset_not_found: {
    message: 'There is no dataset of this name.',
    hint: 'list-datasets shows the names there are.',
  },
  column_not_found: {
    message: 'The dataset has no column of this name.',
    hint: 'list-datasets shows the columns there are.',
  },
} as const

interface Missing {
  readonly field: string
  readonly value: string
  readonly hint?: string
}

function missing(field: string, value: string, near: readonly string[]): Missing {
  return { field, value, ...(near.length > 0 && { hint: `Similar names: ${near.join(', ')}.` }) }
}

/** The details of a name that is no dataset's, with names that are like it. */
export function datasetRefusal(desk: { near(name: string): readonly string[] }, name: string): Missing {
  return missing('name', name, desk.near(name))
}

/** The columns that were asked for, or all; or the details of a name that is no column's. */
export function columnsOf(
  dataset: { readonly columns: readonly ColumnInfo[] },
  names: readonly string[] | undefined,
): { readonly columns: readonly ColumnInfo[]; readonly refusal?: Missing } {
  if (names === undefined) return { columns: dataset.columns }
  const { columns, unknown, near } = chooseColumns(dataset.columns, names)
  return unknown === undefined ? { columns } : { columns, refusal: missing('columns', unknown, near) }
}
