// node scripts/run.mjs [--default-port N] <script> [args]: builds when a source is newer than the build, then becomes that script.
// It is imported, not spawned: one process, so signals, exit codes and the standard streams are the script's own.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isFresh } from './build-freshness.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const given = process.argv.slice(2)
// Said through the environment, so that a --port or --stdio behind it still decides.
if (given[0] === '--default-port') {
  const [, port] = given.splice(0, 2)
  process.env.PORT ||= port
}
const [script, ...args] = given
if (script === undefined) {
  process.stderr.write('usage: node scripts/run.mjs [--default-port N] <script> [args]\n')
  process.exit(2)
}
if (!isFresh(root)) {
  // A process of its own, so that the compiler's memory and threads are gone before the script starts.
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('build.mjs', import.meta.url))], {
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) process.exit(1)
}
const path = resolve(root, script)
process.argv.splice(1, process.argv.length - 1, path, ...args)
await import(pathToFileURL(path).href)
