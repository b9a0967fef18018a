import { defineService, type Service } from 'holdfast/services'
import { type Database, postgres } from 'holdfast/services/postgres'
import { peopleDatasets } from './access.js'
import { DataError } from './data/data-error.js'
import { type DeskOptions, openDesk } from './data/desk.js'
import type { ServedDesk } from './data/served-desk.js'
import { type DatabaseAddresses, readAddresses } from './postgres/addresses.js'
import { openPostgresDesk, type PostgresDeskLimits, poolOptions } from './postgres/desk.js'
import type { Desks } from './services.js'

/** What the server's desks stand on. */
export interface DeskEngine {
  /** Whose SQL it takes. */
  readonly dialect: string
  /** The server's services that calls see as `DeskDatabases`. */
  readonly database: Service<unknown, Database | undefined>
  readonly readersDatabase: Service<unknown, Database | undefined>
  /** Opens the desks. Rejects with a {@link DataError} in one sentence for whoever starts the server. */
  open(): Promise<Desks>
}

/** In the place of a database, for desks that are their own. */
const noDatabase = defineService({ start: () => undefined })

/**
 * Desks in DuckDB, loaded when they are opened. Where callers need `permissions`, the one of everyone is another database than the one
 * with the people: it never held them, so no SQL finds them there.
 */
export function duckdbEngine(options: DeskOptions, permissions: boolean): DeskEngine {
  return {
    dialect: 'DuckDB',
    database: noDatabase,
    readersDatabase: noDatabase,
    open: () =>
      openApart(
        permissions,
        () => openDesk(options),
        () => openDesk({ ...options, onProgress: () => {}, without: peopleDatasets }),
      ),
  }
}

/** Desks in PostgreSQL, where `data-desk:load` has put the datasets: all into one database, all but the people into another. */
export function postgresEngine(
  { all, readers }: DatabaseAddresses,
  permissions: boolean,
  limits: PostgresDeskLimits = {},
): DeskEngine {
  return {
    dialect: 'PostgreSQL',
    database: postgres({ ...poolOptions(all, limits), name: 'datasets' }),
    readersDatabase: permissions
      ? postgres({ ...poolOptions(readers, limits), name: 'datasets of readers' })
      : noDatabase,
    open: () =>
      openApart(
        permissions,
        () => openPostgresDesk({ ...limits, address: all, as: 'database' }),
        () =>
          openPostgresDesk({
            ...limits,
            address: readers,
            as: 'readersDatabase',
            without: peopleDatasets,
          }),
      ),
  }
}

async function openApart(
  permissions: boolean,
  openAll: () => Promise<ServedDesk>,
  openReaders: () => Promise<ServedDesk>,
): Promise<Desks> {
  const all = await openAll()
  if (!permissions) return { desk: all }
  try {
    return { desk: await openReaders(), withPeople: all }
  } catch (error) {
    await all.close()
    throw error
  }
}

export interface EngineChoice {
  /** A directory of files in the place of the bundled ones. */
  readonly data: string | undefined
  readonly permissions: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly onProgress: (line: string) => void
}

/**
 * PostgreSQL where DATABASE_URL is set, else DuckDB.
 * @throws {DataError} for what cannot be both or is no address.
 */
export function chooseEngine({ data, permissions, env, onProgress }: EngineChoice): DeskEngine {
  const addresses = readAddresses(env)
  if (addresses === undefined) {
    return duckdbEngine({ onProgress, ...(data !== undefined && { data }) }, permissions)
  }
  if (data === undefined) return postgresEngine(addresses, permissions)
  throw new DataError(
    'With DATABASE_URL the datasets come from that database; give --data to "npm run data-desk:load" in its place.',
  )
}
