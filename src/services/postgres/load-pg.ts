import type { Client, Connection } from 'pg'
import { StartError } from '../../errors/start-error.js'

/** What we use of it. */
export interface PgModule {
  readonly Client: typeof Client
  readonly Connection: typeof Connection
}

/** Loaded with the first connection. @throws StartError when it is not installed. */
export async function loadPg(): Promise<PgModule> {
  try {
    const { default: pg } = await import('pg')
    return pg
  } catch (cause) {
    throw new StartError(
      'postgres() of holdfast/services/postgres needs the package pg; run `npm install pg`.',
      {
        cause,
      },
    )
  }
}
