import { fileURLToPath } from 'node:url'
import { DefinitionError, StartError } from 'holdfast'
import { serve } from 'holdfast/node'
import { issueTokens } from './access.js'
import { readCommand, usage } from './command-line.js'
import { connectHelp, exampleSql } from './connect-help.js'
import { DataError } from './data/data-error.js'
import { chooseEngine } from './desk-engine.js'
import { createDeskServer } from './server.js'
import type { Desks } from './services.js'

/** stdout belongs to the protocol on stdio, so everything else is said on stderr. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2), process.env)
  if (command.kind === 'help') {
    process.stdout.write(usage)
    return 0
  }
  if (command.kind === 'mistake') {
    say(command.message)
    return 1
  }
  const { data, port, allowFetch } = command
  const start = performance.now()
  const tokens = command.auth ? await issueTokens(process.env['DATA_DESK_SECRET']) : undefined
  delete process.env['DATA_DESK_SECRET']
  const permissions = tokens !== undefined
  const engine = chooseEngine({ data, permissions, env: process.env, onProgress: say })
  let desks: Desks | undefined
  const open = async (): Promise<Desks> => {
    desks = await engine.open()
    return desks
  }
  const server = createDeskServer(
    { ...engine, open },
    { allowFetch, permissions, ...(tokens !== undefined && { auth: tokens.auth }) },
  )
  await server.start()
  const datasets = desks?.desk.datasets ?? new Map<string, never>()
  const { size } = desks?.withPeople?.datasets ?? datasets
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  say(`data-desk: ${size} datasets ready in ${seconds} s (${engine.dialect})`)
  if (tokens !== undefined) {
    say(`token (reader): ${tokens.reader}`)
    say(`token (people): ${tokens.people}`)
  }
  if (port === undefined) {
    await serve(server, { transport: 'stdio' })
    return 0
  }
  const { url } = await serve(server, { transport: 'http', port })
  const stdioArgs = [
    fileURLToPath(import.meta.url),
    '--stdio',
    ...(data === undefined ? [] : ['--data', data]),
    ...(tokens === undefined ? [] : ['--auth']),
    ...allowFetch.flatMap((address) => ['--allow-fetch', address]),
  ]
  say(connectHelp(url, stdioArgs, exampleSql(datasets), tokens?.reader))
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  // What the user can mend is one sentence; anything else keeps its stack.
  const mendable = [StartError, DataError, DefinitionError].some((kind) => error instanceof kind)
  if (!mendable || !(error instanceof Error)) throw error
  say(error.message)
  process.exit(1)
}
