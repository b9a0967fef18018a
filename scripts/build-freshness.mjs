// Says whether the last build still stands, in a few milliseconds, so that `npm start` need not build again.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const SINGLE_FILES = ['package.json', 'package-lock.json', 'tsconfig.base.json', 'tsconfig.build.json']

/**
 * The folders that are compiled: the library, and every neighbour with a tsconfig.
 * @returns {string[]} paths relative to the root; the library's own sources are `src`
 */
export function buildProjects(root) {
  const examples = existsSync(join(root, 'examples'))
    ? readdirSync(join(root, 'examples')).map((name) => `examples/${name}`)
    : []
  return [...examples, 'benchmarks'].filter(
    (path) => existsSync(join(root, path, 'tsconfig.json')) && existsSync(join(root, path, 'src')),
  )
}

/** A digest of every input's path, size and time of change: equal digests mean nothing to build. */
export function inputDigest(root) {
  const hash = createHash('sha256').update(process.version)
  for (const path of inputFiles(root)) {
    const { size, mtimeMs } = statSync(join(root, path))
    hash.update(`${path}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** True when the stamp of the last finished build matches the inputs as they are now. */
export function isFresh(root, digest = inputDigest(root)) {
  const stamp = join(root, 'dist', '.build-stamp')
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest
}

function inputFiles(root) {
  const projects = buildProjects(root)
  const folders = ['src', 'scripts', ...projects.map((path) => `${path}/src`)]
  const sources = folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true })
        .map((name) => `${folder}/${String(name).replaceAll('\\', '/')}`)
        .filter((name) => (folder === 'scripts' ? /build[\w-]*\.mjs$/ : /\.ts$/).test(name))
        .filter((name) => !/\.test(-d)?\.ts$/.test(name)),
    )
  const singles = [...SINGLE_FILES, ...projects.map((path) => `${path}/tsconfig.json`)]
  return [...sources, ...singles.filter((path) => existsSync(join(root, path)))].sort()
}
