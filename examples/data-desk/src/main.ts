import { fileURLToPath } from 'node:url'
import { StartError } from 'holdfast'
import { serve } from 'holdfast/node'
import { readCommand, usage } from './command-line.js'
import { connectHelp, exampleSql } from './connect-help.js'
import { DataError } from './data/data-error.js'
import { openDesk } from './data/desk.js'
import { createDeskServer } from './server.js'

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
  const desk = await openDesk({ onProgress: say, ...(data !== undefined && { data }) })
  const server = createDeskServer(desk, { allowFetch })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  say(`data-desk: ${desk.datasets.size} datasets loaded in ${seconds} s`)
  if (port === undefined) {
    await serve(server, { transport: 'stdio' })
    return 0
  }
  const { url } = await serve(server, { transport: 'http', port })
  const stdioArgs = [
    fileURLToPath(import.meta.url),
    '--stdio',
    ...(data === undefined ? [] : ['--data', data]),
    ...allowFetch.flatMap((address) => ['--allow-fetch', address]),
  ]
  say(connectHelp(url, stdioArgs, exampleSql(desk.datasets)))
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  // What the user can mend is one sentence; anything else keeps its stack.
  if (!(error instanceof StartError || error instanceof DataError)) throw error
  say(error.message)
  process.exit(1)
}
