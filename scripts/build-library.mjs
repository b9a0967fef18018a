// Bundles the library's JavaScript. One file per entry plus a few shared chunks: a cold start pays about
// 0.6 ms for every module Node resolves and reads, so a hundred small files cost more than the work they do.
// Types are not made here; `tsc -b` writes them beside the bundles.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { rolldown } from 'rolldown'

/**
 * The bundle's entries, read from the manifest so that there is no second list to forget:
 * `./dist/node/index.js` is made from `src/node/index.ts`.
 * @param {{ exports: Record<string, string | { default: string }>, bin?: Record<string, string> }} manifest
 * @returns {Record<string, string>} output name without `.js` -> source path from the package's root
 */
export function libraryEntries(manifest) {
  const targets = [
    ...Object.values(manifest.exports).map((target) =>
      typeof target === 'string' ? target : target.default,
    ),
    ...Object.values(manifest.bin ?? {}),
  ]
  const outputs = targets
    .map((target) => /^(?:\.\/)?dist\/(.+)\.js$/.exec(target)?.[1])
    .filter((name) => name)
  return Object.fromEntries(outputs.map((name) => [name, `src/${name}.ts`]))
}

export const FILE_URL = /new URL\(\s*(['"])(\.{1,2}\/[^'"]+)\.js\1\s*,\s*import\.meta\.url\s*\)/g

/**
 * Keeps `new URL('./worker.js', import.meta.url)` true after bundling: the file it names becomes an entry of
 * its own, and the URL is rewritten to lead from the chunk the code ended up in to that entry.
 */
export function fileUrls(sourceRoot) {
  return {
    name: 'file-urls',
    transform(code, id) {
      if (!id.startsWith(sourceRoot) || !code.includes('import.meta.url')) return null
      let found = false
      const next = code.replace(FILE_URL, (whole, _quote, path) => {
        const target = join(dirname(id), `${path}.ts`)
        if (!existsSync(target)) return whole
        const name = relative(sourceRoot, target).replaceAll('\\', '/').slice(0, -3)
        this.emitFile({ type: 'chunk', id: target, fileName: `${name}.js` })
        found = true
        return `new URL('holdfast-file:${name}.js', import.meta.url)`
      })
      return found ? { code: next, map: null } : null
    },
    renderChunk(code, chunk) {
      if (!code.includes('holdfast-file:')) return null
      const next = code.replace(/holdfast-file:([\w./-]+)/g, (_whole, file) => {
        const path = posix.relative(posix.dirname(chunk.fileName), file)
        return path.startsWith('.') ? path : `./${path}`
      })
      return { code: next, map: null }
    },
  }
}

/**
 * Puts what is loaded at once with the root entry into one file: left alone, the bundler cuts
 * them apart by which other entry shares which, and a start would read a dozen small files.
 */
function coreOf(entry) {
  let reached
  return (id, context) => {
    if (reached === undefined) {
      reached = new Set()
      const queue = [entry]
      for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
        if (reached.has(at)) continue
        reached.add(at)
        queue.push(...(context.getModuleInfo(at)?.importedIds ?? []))
      }
    }
    return reached.has(id) ? 'core' : null
  }
}

/**
 * Writes the bundles to `<root>/dist` and removes the JavaScript an earlier build left there.
 * @param {string} root the package's folder
 * @param {Record<string, string>} entries as `libraryEntries` gives them
 * @returns {Promise<string[]>} the files written, relative to `dist`
 */
export async function buildLibrary(root, entries) {
  const missing = Object.values(entries).filter((source) => !existsSync(join(root, source)))
  if (missing.length > 0)
    throw new Error(`the manifest names entries without a source: ${missing.join(', ')}`)
  const out = join(root, 'dist')
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, join(root, source)])),
    platform: 'neutral',
    // Dependencies, built-ins and our own entries stay imports; only files of ours are joined.
    external: (id) => !/^[./]/.test(id) && !/^[A-Za-z]:[\\/]/.test(id),
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    transform: { target: 'node20' },
    tsconfig: false,
    plugins: [fileUrls(join(root, 'src'))],
    onLog(level, log, next) {
      if (level === 'warn') throw new Error(`bundling: ${log.message}`)
      next(level, log)
    },
  })
  try {
    mkdirSync(out, { recursive: true })
    const { output } = await bundle.write({
      dir: out,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name].js',
      minify: false,
      codeSplitting: { groups: [{ debugName: 'core', name: coreOf(join(root, 'src/index.ts')) }] },
    })
    const written = output.map((file) => file.fileName)
    removeStale(out, new Set(written))
    return written
  } finally {
    await bundle.close()
  }
}

function removeStale(out, keep) {
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = relative(out, path).replaceAll('\\', '/')
    if (entry.isFile() && name.endsWith('.js') && !keep.has(name)) rmSync(path)
  }
}
