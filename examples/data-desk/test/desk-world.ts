import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ToolCallResult } from 'holdfast/testing'
import { Client } from 'pg'
import { peopleDatasets } from '../src/access.js'
import { type DeskEngine, duckdbEngine, postgresEngine } from '../src/desk-engine.js'
import type { DatabaseAddresses } from '../src/postgres/addresses.js'
import { databaseOf } from '../src/postgres/addresses.js'
import type { PostgresDeskLimits } from '../src/postgres/desk.js'
import { loadDatabases } from '../src/postgres/load-database.js'
import { readerRole } from '../src/postgres/names.js'

export type Dialect = 'DuckDB' | 'PostgreSQL'

/** A directory of small files: flights and airports, persons, names with capitals, nested values. */
export async function smallData(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'data-desk-engines-'))
  const write = (file: string, text: string): Promise<void> => writeFile(join(directory, file), text)
  const codes = ['ORD', 'ATL', 'LAX', 'JFK']
  const flights = Array.from({ length: 600 }, (_, n) => {
    const origin = codes[n % 4] ?? ''
    const destination = codes[(n + 1 + (n % 3)) % 4] ?? ''
    const day = String(1 + (n % 28)).padStart(2, '0')
    return `2001-01-${day} 10:30:00,${(n % 40) - 10},${500 + (n % 7) * 100},${origin},${destination}`
  })
  await write('flights.csv', `date,delay,distance,origin,destination\n${flights.join('\n')}\n`)
  await write(
    'airports.csv',
    `iata,name,city,latitude
ORD,Chicago O'Hare International,Chicago,41.98
ATL,Hartsfield Atlanta,Atlanta,33.64
LAX,Los Angeles International,Los Angeles,33.94
JFK,John F Kennedy International,New York,40.64
ZZZ,Nowhere,,
`,
  )
  await write('people.csv', 'name,age\nAlan,34\nGeorge,51\nFred,21\n')
  await write(
    'movies.json',
    JSON.stringify([
      { Title: 'Seven', 'IMDB Rating': 8.6, genres: ['crime'], record: { high: 1 } },
      { Title: 'Heat', 'IMDB Rating': 8.2, genres: ['crime', 'drama'], record: { high: 2 } },
    ]),
  )
  return directory
}

/** Two databases of a test's own, loaded or not yet. */
export interface TestDatabases extends DatabaseAddresses {
  /** Asks the first one, as who owns it. */
  ask(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

/** @param data the directory to load; left out: nothing is loaded */
export async function testDatabases(url: string, data?: string): Promise<TestDatabases> {
  const all = new URL(url)
  all.pathname = `/data_desk_test_${randomBytes(6).toString('hex')}`
  const readers = new URL(all)
  readers.pathname += '_readers'
  const addresses = { all: all.href, readers: readers.href }
  if (data !== undefined) await loadDatabases({ ...loadOf(addresses), data, onProgress: () => {} })
  return {
    ...addresses,
    ask: async (sql, values = []) =>
      once(addresses.all, async (client) => (await client.query(sql, values)).rows),
    drop: () =>
      once(url, async (client) => {
        for (const name of [databaseOf(all.href), databaseOf(readers.href)]) {
          await client.query(`drop database if exists "${name}" with (force)`)
          await client.query(`drop role if exists "${readerRole(name)}"`)
        }
      }),
  }
}

/** The targets of a load of both databases. */
export function loadOf({
  all,
  readers,
}: DatabaseAddresses): Pick<Parameters<typeof loadDatabases>[0], 'targets'> {
  return {
    targets: [
      { address: all, without: new Set() },
      { address: readers, without: peopleDatasets },
    ],
  }
}

async function once<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: address })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export function engineOf(
  dialect: Dialect,
  { data, databases }: { data: string; databases: DatabaseAddresses | undefined },
  permissions: boolean,
  limits: PostgresDeskLimits = {},
): DeskEngine {
  if (dialect === 'DuckDB') return duckdbEngine({ ...limits, data }, permissions)
  if (databases === undefined) throw new Error('There is no database.')
  return postgresEngine(databases, permissions, limits)
}

/** The answer of query-dataset. */
export interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly Record<string, unknown>[]
  readonly truncated: boolean
  readonly note?: string
}

/** The code and text of a tool's refusal. */
export function refusalIn(answer: ToolCallResult): { readonly code: unknown; readonly text: string } {
  const { isError, content, _meta } = answer
  if (isError !== true) throw new Error(`It was answered: ${JSON.stringify(answer).slice(0, 500)}`)
  const error = (_meta as Record<string, { code?: unknown }> | undefined)?.['dev.holdfast/error']
  return { code: error?.code, text: JSON.stringify(content) }
}
