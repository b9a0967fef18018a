import { type Client, DatabaseError } from 'pg'
import { DataError } from '../data/data-error.js'
import { quoteIdentifier } from '../data/table-names.js'
import { databaseOf, shownAddress } from './addresses.js'
import { catalogueStatements, datasetsTable } from './catalogue.js'
import { hasNoDatabase, withClient } from './connect.js'
import { catalogueSchema, dataSchema, readerRole } from './names.js'

const insufficientPrivilege = '42501'

/**
 * Makes the database when it is missing.
 * @throws {DataError} when it cannot be reached or made.
 */
export async function ensureDatabase(address: string, onProgress: (line: string) => void): Promise<void> {
  try {
    await withClient(address, async () => {})
    return
  } catch (error) {
    if (!hasNoDatabase(error)) throw error
  }
  const shown = shownAddress(address)
  const name = quoteIdentifier(databaseOf(address))
  const maintenance = new URL(address)
  maintenance.pathname = '/postgres'
  await withClient(maintenance.href, async (client) => {
    await client.query(`create database ${name}`).catch((error: unknown) => {
      throw explained(error, `The database ${shown} is missing and cannot be made with these rights`)
    })
    // Whoever has an account on the server could connect, and keep tables there while connected.
    await client.query(`revoke all on database ${name} from public`)
  })
  onProgress(`made the database ${shown}`)
}

/** Schemas, catalogue and the role that statements run as, whose name it returns. */
export async function prepareDatabase(client: Client, address: string): Promise<string> {
  const role = readerRole(databaseOf(address))
  const name = quoteIdentifier(role)
  const statements = [
    ...(await roleStatements(client, role)),
    `grant connect on database ${quoteIdentifier(databaseOf(address))} to ${name}`,
    `create schema if not exists ${dataSchema}`,
    `revoke all on schema ${dataSchema} from public`,
    ...catalogueStatements,
    `revoke all on schema ${catalogueSchema} from public`,
    `grant usage on schema ${dataSchema}, ${catalogueSchema} to ${name}`,
    `grant select on ${datasetsTable} to ${name}`,
  ]
  for (const statement of statements) {
    await client.query(statement).catch((error: unknown) => {
      throw explained(error, `The database ${shownAddress(address)} cannot be prepared with these rights`)
    })
  }
  return role
}

async function roleStatements(client: Client, role: string): Promise<string[]> {
  const { rows } = await client.query<{ member: boolean }>(
    `select pg_has_role(current_user, oid, 'member') as member from pg_roles where rolname = $1`,
    [role],
  )
  const name = quoteIdentifier(role)
  const create = `create role ${name} nologin noinherit`
  const grant = `grant ${name} to current_user`
  const [found] = rows
  if (found === undefined) return [create, grant]
  return found.member ? [] : [grant]
}

function explained(error: unknown, what: string): unknown {
  if (!(error instanceof DatabaseError) || error.code !== insufficientPrivilege) return error
  return new DataError(`${what} (${error.message}).`, { cause: error })
}
