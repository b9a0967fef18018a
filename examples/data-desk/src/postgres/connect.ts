import { Client, DatabaseError } from 'pg'
import { DataError } from '../data/data-error.js'
import { shownAddress } from './addresses.js'

/** How long a connection may take, and one statement on it, in ms. */
const connectMs = 5000

export const invalidCatalogName = '3D000'

/** Work on a connection of its own, outside of any call: at the start, when something has expired, at the end. */
export async function withClient<T>(
  address: string,
  work: (client: Client) => Promise<T>,
  statementMs = 15_000,
): Promise<T> {
  const client = new Client({
    connectionString: address,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    application_name: 'data-desk',
  })
  // A connection that dies while nothing is asked would end the process; what is asked next says it.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    // A socket that is half open would keep the process.
    client.end().catch(() => {})
    throw unreachable(address, error)
  }
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function unreachable(address: string, cause: unknown): DataError {
  const why =
    cause instanceof DatabaseError
      ? cause.message
      : cause instanceof Error && 'code' in cause
        ? String(cause.code)
        : cause instanceof Error
          ? cause.message
          : String(cause)
  return new DataError(`The database ${shownAddress(address)} cannot be reached (${why}).`, { cause })
}

/** Whether the server was reached and has no database of this name. */
export function hasNoDatabase(error: unknown): boolean {
  const cause = error instanceof DataError ? error.cause : error
  return cause instanceof DatabaseError && cause.code === invalidCatalogName
}
