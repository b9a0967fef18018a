// npm run build: bundles the library, writes its types, compiles the examples and benchmarks.
// Everything it says goes to stderr, because a server that speaks stdio may be started right behind it.
// Flags: --clean empties every dist first; --library builds only what is published.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildProjects, inputDigest, isFresh } from './build-freshness.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const LOCK_WAIT_MS = 120_000

/** Two builds at once (tests that start servers do that) would tear each other's files. */
async function withLock(work) {
  const lock = join(root, 'node_modules', '.holdfast-build.lock')
  const giveUp = Date.now() + LOCK_WAIT_MS
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (!holderLives(lock)) rmSync(lock, { force: true })
      else if (Date.now() > giveUp) throw new Error(`another build has held ${lock} for two minutes`)
      else await sleep(50)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function holderLives(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    // Between its creation and its writing the file is empty; that holder is alive.
    if (pid === 0) return true
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function compile(projects) {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const child = spawn(process.execPath, [tsc, '-b', '--pretty', 'false', ...projects], {
    cwd: root,
    // tsc reports on stdout; descriptor 2 keeps ours clean.
    stdio: ['ignore', 2, 2],
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code === 0))
  })
}

async function build({ clean, libraryOnly }) {
  const started = Date.now()
  const digest = inputDigest(root)
  if (!clean && !libraryOnly && isFresh(root, digest)) return true
  const projects = libraryOnly ? [] : buildProjects(root)
  if (clean) {
    for (const path of ['', ...projects]) rmSync(join(root, path, 'dist'), { recursive: true, force: true })
  }
  mkdirSync(join(root, 'dist'), { recursive: true })
  process.stderr.write('building...\n')
  const { buildLibrary, libraryEntries } = await import('./build-library.mjs')
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [, typed] = await Promise.all([
    buildLibrary(root, libraryEntries(manifest)),
    compile(['tsconfig.build.json', ...projects]),
  ])
  if (!typed) return false
  if (!libraryOnly) writeFileSync(join(root, 'dist', '.build-stamp'), digest)
  process.stderr.write(`built in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
  return true
}

const flags = new Set(process.argv.slice(2))
try {
  const done = await withLock(() =>
    build({ clean: flags.has('--clean'), libraryOnly: flags.has('--library') }),
  )
  if (!done) process.exitCode = 1
} catch (error) {
  process.stderr.write(`build failed: ${error.message}\n`)
  process.exitCode = 1
}
