// node scripts/with-node24.mjs <command> [args]: runs a command with Node 24 first on PATH, whatever started it.
// The runtime comes from an npm package, so nothing has to be installed by hand; Linux only, as CI is.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const VERSION = '24.21.0'
const root = fileURLToPath(new URL('..', import.meta.url))

function node24Folder() {
  const name = `node-linux-${process.arch}`
  const home = join(root, 'node_modules', '.cache', `node-${VERSION}`)
  const folder = join(home, 'node_modules', name, 'bin')
  if (existsSync(join(folder, 'node'))) return folder
  if (process.platform !== 'linux') throw new Error(`no Node ${VERSION} package for ${process.platform}`)
  const args = ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', `${name}@${VERSION}`]
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`npm could not install ${name}@${VERSION}`)
  return folder
}

const [command, ...args] = process.argv.slice(2)
const isNode24 = process.version.startsWith('v24.')
const path = isNode24 ? process.env.PATH : `${node24Folder()}${delimiter}${process.env.PATH}`
const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, PATH: path } })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  process.stderr.write(`${command}: ${error.message}\n`)
  process.exitCode = 127
})
child.on('exit', (code) => {
  process.exitCode = code ?? 1
})
