#!/usr/bin/env node
import { readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { token } from './token.js'

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = {
  token: (args) => token(args, process.env, (path) => readFileSync(path, 'utf8')),
}

const usage = `Usage: holdfast <command>

  token    make a token for development; holdfast token --help says how
`

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(usage)
    return name === undefined ? 2 : 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    process.stderr.write(
      `holdfast has no command ${JSON.stringify(name.slice(0, 40))}; it has ${Object.keys(commands).join(', ')}.\n`,
    )
    return 2
  }
  try {
    process.stdout.write(`${await command(args)}\n`)
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

/** Package managers start it through a link of theirs; whoever only imports it starts nothing. */
function isStarted(): boolean {
  const [, program] = process.argv
  try {
    return program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url)
  } catch {
    return false
  }
}

if (isStarted()) process.exitCode = await main(process.argv.slice(2))
