import type * as Api from '@duckdb/node-api'
import { StartError } from '../../errors/start-error.js'
import type { DuckdbSettings } from './duckdb-options.js'
import { bindable } from './values.js'

export interface Database {
  readonly api: typeof Api
  readonly instance: Api.DuckDBInstance
}

/** What DuckDB can be told only when it opens; the rest is closed after the set-up. */
function configOf({ memoryBytes, threads, writes, path, setup }: DuckdbSettings): Record<string, string> {
  return {
    memory_limit: `${Math.floor(memoryBytes / 1024 / 1024)}MiB`,
    threads: String(threads),
    // What does not fit into the memory limit fails, rather than fill the disk.
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    ...(path !== undefined && !writes && setup === undefined && { access_mode: 'READ_ONLY' }),
  }
}

/**
 * Opens the database, has it filled, and closes it off. @throws StartError when the package is missing or the file cannot be opened;
 * what `setup` throws
 */
export async function openDatabase(settings: DuckdbSettings): Promise<Database> {
  const api = await import('@duckdb/node-api').catch((cause: unknown) => {
    throw new StartError(
      `The service "${settings.name}" needs the package @duckdb/node-api: install it with \`npm install @duckdb/node-api\`.`,
      { cause },
    )
  })
  const instance = await api.DuckDBInstance.create(settings.path ?? ':memory:', configOf(settings)).catch(
    (cause: unknown) => {
      const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
      throw new StartError(`The service "${settings.name}" cannot open its database: ${why}`, { cause })
    },
  )
  const connection = await instance.connect()
  try {
    // What a date is must not depend on the machine.
    await connection.run(`SET GLOBAL TimeZone = 'UTC'`)
    await settings.setup?.(async (statement, values) => {
      await connection.run(statement, values === undefined ? undefined : bindable(api, values))
    })
    if (settings.sandbox) {
      await connection.run('SET GLOBAL enable_external_access = false')
      await connection.run('SET GLOBAL lock_configuration = true')
    }
    return { api, instance }
  } catch (error) {
    instance.closeSync()
    throw error
  } finally {
    connection.closeSync()
  }
}
