// npm run check:bleed: what importing `holdfast` must not load, looked for in the built files.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importsOf, isMain, parse, report, resolveRelative } from './source-tree.mjs'

// Only what is loaded at once counts: import() is how heavy parts stay out of a cold start.
const EAGER = new Set(['value', 'bare'])
// Every module costs a cold start about 0.6 ms; a raise is a reviewed line with its reason. The entry and the one file of
// all that it loads at once: what explains refusals, asks clients or keeps tasks is loaded when it is needed.
const MOST_MODULES = { '.': 2, './node': 3 }
// The sources whose code must not have been bundled into what the entry loads at once.
const FAR_FOLDERS = {
  '.': ['src/testing/', 'src/doctor/', 'src/cli/', 'src/node/', 'src/memory/', 'src/transports/stdio/'],
  './node': ['src/testing/', 'src/doctor/', 'src/cli/', 'src/memory/'],
}

/**
 * Follows static imports from a built file.
 * @returns {{ files: string[], outside: Map<string, string> }} files reached; each package or built-in reached,
 *   with the file that imports it
 */
export function staticGraph(root, entry) {
  const files = []
  const outside = new Map()
  const queue = [entry]
  const seen = new Set(queue)
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    files.push(path)
    for (const { specifier, kind } of importsOf(parse(root, path))) {
      if (!EAGER.has(kind)) continue
      const target = resolveRelative(root, path, specifier)
      if (target === undefined) outside.set(specifier, path)
      else if (!seen.has(target)) {
        seen.add(target)
        queue.push(target)
      }
    }
  }
  return { files, outside }
}

/** @returns {string[]} the `// src/...` marks the bundler leaves above each joined module */
export function bundledSources(root, files) {
  return files.flatMap((path) =>
    [
      ...readFileSync(join(root, path), 'utf8').matchAll(/^\/\/#region (src\/\S+)|^\/\/ (src\/\S+\.ts)$/gm),
    ].map((match) => match[1] ?? match[2]),
  )
}

/** @returns {string[]} */
export function checkBleed(root) {
  const problems = []
  for (const [entry, most] of Object.entries(MOST_MODULES)) {
    const path = entry === '.' ? 'dist/index.js' : `dist${entry.slice(1)}/index.js`
    if (!existsSync(join(root, path))) {
      problems.push(`${path} is not there; run npm run build first`)
      continue
    }
    const { files, outside } = staticGraph(root, path)
    if (files.length > most) problems.push(`${path} loads ${files.length} modules at once; ${most} at most`)
    for (const [specifier, from] of outside) {
      // The root runs anywhere, so it names no built-in at all; a package would be loaded by every user.
      const builtIn = specifier.startsWith('node:')
      if (entry === '.' || !builtIn || specifier === 'node:worker_threads') {
        problems.push(`${path} loads ${specifier} at once, through ${from}`)
      }
    }
    for (const source of bundledSources(root, files)) {
      const far = FAR_FOLDERS[entry].find((folder) => source.startsWith(folder))
      if (far !== undefined) problems.push(`${path} loads ${source} at once`)
    }
  }
  return problems
}

if (isMain(import.meta)) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  report('bleed', checkBleed(root), 'dist/index.js, dist/node/index.js')
}
