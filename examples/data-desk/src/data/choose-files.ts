import { DataError } from './data-error.js'
import { bundledDataDirectory, findSourceFiles, type SkippedFile, type SourceFile } from './source-files.js'
import { assignNames, bundledNames } from './table-names.js'

export interface FileChoice {
  /** A directory of CSV, TSV, JSON and Parquet files. Default: the data of the `vega-datasets` package. */
  readonly data?: string
  /** Which files to load, by name. Default: all. */
  readonly only?: (file: string) => boolean
}

/**
 * The files that become tables, by the tables' names, and those that do not.
 * @throws {DataError} when the directory cannot be read.
 */
export async function chooseFiles({ data, only = () => true }: FileChoice): Promise<{
  readonly files: Map<string, SourceFile>
  readonly skipped: readonly SkippedFile[]
}> {
  const found = await findSourceFiles(data ?? bundledDataDirectory())
  const files = assignNames(
    found.tables.filter(({ file }) => only(file)),
    data === undefined ? bundledNames : new Map(),
  )
  return { files, skipped: found.skipped.filter(({ file }) => only(file)) }
}

export function noTables(data: string | undefined): DataError {
  return new DataError(
    `The data directory ${data ?? bundledDataDirectory()} holds no CSV, TSV, JSON or Parquet file that can be read as a table.`,
  )
}
