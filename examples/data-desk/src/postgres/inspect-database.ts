import type { Client } from 'pg'
import { DataError } from '../data/data-error.js'
import { databaseOf, shownAddress } from './addresses.js'
import { importsTable, readCatalogue, readKeywords, type StoredDataset } from './catalogue.js'
import { hasNoDatabase, withClient } from './connect.js'
import { dataSchema, readerRole } from './names.js'

export interface InspectedDatabase {
  readonly datasets: ReadonlyMap<string, StoredDataset>
  /** The role that callers' statements run as. */
  readonly role: string
  readonly keywords: ReadonlySet<string>
  /** Whether the connection may make schemas, which imports need. */
  readonly canImport: boolean
}

const load = 'run "npm run data-desk:load" with this DATABASE_URL'

/**
 * What a database holds, and whether it can be served: once, before the server starts.
 * @throws {DataError} when it cannot.
 */
export async function inspectDatabase(
  address: string,
  without: ReadonlySet<string> = new Set(),
): Promise<InspectedDatabase> {
  const shown = shownAddress(address)
  try {
    return await withClient(address, async (client) => {
      const stored = (await readCatalogue(client)) ?? []
      if (stored.length === 0) throw new DataError(`The database ${shown} holds no datasets yet; ${load}.`)
      await refuseHeld(client, shown, without)
      const role = readerRole(databaseOf(address))
      await checkRole(client, shown, role)
      return {
        datasets: new Map(stored.map((dataset) => [dataset.name, dataset])),
        role,
        keywords: await readKeywords(client),
        canImport: await mayImport(client),
      }
    })
  } catch (error) {
    if (!hasNoDatabase(error)) throw error
    const why = without.size === 0 ? '' : `; readers get a database of their own, without ${listed(without)}`
    throw new DataError(`There is no database ${shown}${why}; ${load}.`, { cause: error })
  }
}

function listed(names: ReadonlySet<string>): string {
  return [...names].join(' and ')
}

/** By the tables that are there, whatever the catalogue says. */
async function refuseHeld(client: Client, shown: string, without: ReadonlySet<string>): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'select relname as name from pg_class where relnamespace = to_regnamespace($1) and relname = any($2)',
    [dataSchema, [...without]],
  )
  const [held] = rows
  if (held === undefined) return
  throw new DataError(`The database ${shown} holds ${held.name}, which readers must not reach; ${load}.`)
}

/** The third layer must be there: a role that has no more rights than to read. */
async function checkRole(client: Client, shown: string, role: string): Promise<void> {
  const { rows } = await client.query<{ member: boolean; mighty: boolean }>(
    `select pg_has_role(current_user, oid, 'member') as member,
       rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication as mighty
     from pg_roles where rolname = $1`,
    [role],
  )
  const [found] = rows
  if (found === undefined || !found.member) {
    throw new DataError(
      `The role ${role}, as which statements run on ${shown}, is missing or not granted; ${load}.`,
    )
  }
  if (found.mighty) {
    throw new DataError(`The role ${role}, as which statements run on ${shown}, may do more than read.`)
  }
}

async function mayImport(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select has_database_privilege(current_database(), 'create')
       and has_table_privilege($1, 'insert, delete') as may`,
    [importsTable],
  )
  return rows[0]?.may === true
}
