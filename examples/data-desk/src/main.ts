import { fileURLToPath } from 'node:url'
import { serve } from 'holdfast/node'
import { readCommand, usage } from './command-line.js'
import { connectHelp, exampleSql } from './connect-help.js'
import { createDataDesk } from './server.js'

/** stdout belongs to the protocol on stdio, so everything else is said on stderr. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
