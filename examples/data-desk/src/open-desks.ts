import { peopleDatasets } from './access.js'
import { DataError } from './data/data-error.js'
import { openDesk } from './data/desk.js'
import type { ServedDesk } from './data/served-desk.js'
import { readAddresses } from './postgres/addresses.js'
import { openPostgresDesk } from './postgres/desk.js'

export interface Desks {
  /** The desk with all datasets. */
  readonly all: ServedDesk
  /** The desk of callers who may not see all of them; the same one when nobody is told apart. */
  readonly readers: ServedDesk
  /** Said once all is open. */
  readonly summary: string
}

export interface DesksOptions {
  /** A directory of files in the place of the bundled ones. */
  readonly data: string | undefined
  /** Whether there are callers who may not see all. */
  readonly apart: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly onProgress: (line: string) => void
}

/**
 * Opens the desks in PostgreSQL where DATABASE_URL is set, else in DuckDB. Callers who may not see people get a database of their own,
 * which never held them: no SQL finds there what is not there.
 * @throws {DataError} in one sentence for whoever starts the server
 */
export async function openDesks({ data, apart, env, onProgress }: DesksOptions): Promise<Desks> {
  const start = performance.now()
  const addresses = readAddresses(env)
  if (addresses === undefined) {
    const options = { onProgress, ...(data !== undefined && { data }) }
    const all = await openDesk(options)
    const readers = apart
      ? await openDesk({ ...options, onProgress: () => {}, without: peopleDatasets })
      : all
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    return { all, readers, summary: `${all.datasets.size} datasets loaded in ${seconds} s` }
  }
  if (data !== undefined) {
    throw new DataError(
      'With DATABASE_URL the datasets come from that database; give --data to "npm run data-desk:load" in its place.',
    )
  }
  const all = await openPostgresDesk({ address: addresses.all })
  const readers = apart
    ? await openPostgresDesk({ address: addresses.readers, as: 'readersDatabase', without: peopleDatasets })
    : all
  return { all, readers, summary: `${all.datasets.size} datasets in PostgreSQL` }
}
