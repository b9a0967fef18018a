import { parseArgs } from 'node:util'
import { peopleDatasets } from './access.js'
import { DataError } from './data/data-error.js'
import { readAddresses } from './postgres/addresses.js'
import { loadDatabases } from './postgres/load-database.js'

const usage = `data-desk:load: copies the datasets into PostgreSQL

  DATABASE_URL          the database, made when it is missing; DATABASE_URL_READERS one without people, for --auth
                        (default: the first one's name with _readers behind it)
  --data DIR            the CSV, TSV, JSON and Parquet files of DIR instead of the bundled data
  --max-rows N          rows of one table at most (default: all; flights has three million)
  --without-readers     leave out the second database
  --help                show this
`

class Mistake extends Error {}

function readOptions(args: readonly string[]): {
  help: boolean
  data: string | undefined
  maxRows: number | undefined
  readers: boolean
} {
  let values: ReturnType<typeof parse>['values']
  try {
    values = parse(args).values
  } catch (error) {
    throw new Mistake(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
  }
  const { help = false, data, 'max-rows': rows, 'without-readers': without = false } = values
  if (rows !== undefined && !/^[1-9]\d{0,9}$/.test(rows)) {
    throw new Mistake(`--max-rows must be a whole number from 1, and is ${JSON.stringify(rows)}.`)
  }
  return { help, data, maxRows: rows === undefined ? undefined : Number(rows), readers: !without }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      'max-rows': { type: 'string' },
      'without-readers': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function main(): Promise<void> {
  const { help, data, maxRows, readers } = readOptions(process.argv.slice(2))
  if (help) {
    process.stdout.write(usage)
    return
  }
  const addresses = readAddresses(process.env)
  if (addresses === undefined) {
    throw new Mistake('DATABASE_URL must say where: postgres://user:password@127.0.0.1:5432/desk.')
  }
  await loadDatabases({
    ...(data !== undefined && { data }),
    ...(maxRows !== undefined && { maxRows }),
    targets: [
      { address: addresses.all, without: new Set() },
      ...(readers ? [{ address: addresses.readers, without: peopleDatasets }] : []),
    ],
    onProgress: say,
  })
}

try {
  await main()
} catch (error) {
  // What the user can mend is one sentence; anything else keeps its stack.
  if (!(error instanceof Mistake || error instanceof DataError)) throw error
  say(error.message)
  process.exitCode = 1
}
