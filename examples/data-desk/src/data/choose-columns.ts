import type { ColumnInfo } from './describe.js'
import { nearNames } from './near-names.js'

export interface ChosenColumns {
  /** Of the dataset, in the order in which they were asked for, each once. */
  readonly columns: readonly ColumnInfo[]
  /** The first name that is no column's. */
  readonly unknown: string | undefined
  /** Columns that are called like it. */
  readonly near: readonly string[]
}

/** Finds columns by their names, as SQL does: in small or large letters, unless one is written exactly so. */
export function chooseColumns(all: readonly ColumnInfo[], names: readonly string[]): ChosenColumns {
  const find = (name: string): ColumnInfo | undefined =>
    all.find((column) => column.name === name) ??
    all.find((column) => column.name.toLowerCase() === name.toLowerCase())
  const unknown = names.find((name) => find(name) === undefined)
  return {
    columns: [...new Set(names.flatMap((name) => find(name) ?? []))],
    unknown,
    near:
      unknown === undefined
        ? []
        : nearNames(
            unknown,
            all.map(({ name }) => name),
          ),
  }
}
