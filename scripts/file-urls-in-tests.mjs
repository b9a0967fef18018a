// Lets tests run on the sources although `new URL('./process.js', import.meta.url)` names a file that only the build
// makes: the TypeScript beside it is bundled into node_modules, where its imports are found, and the URL leads there. The sources are
// those of the library and of the examples, which import the library by its name.
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { FILE_URL } from './build-library.mjs'

/**
 * A plugin for vitest.
 * @param {string} root the package's folder
 */
export function fileUrlsInTests(root) {
  const sources = [join(root, 'src'), join(root, 'examples')]
  const made = new Map()

  async function make(source) {
    const name = relative(root, source).replaceAll('\\', '/').slice(0, -3)
    const file = join(root, 'node_modules', '.holdfast-test-files', `${name}.mjs`)
    const bundle = await rolldown({
      cwd: root,
      input: source,
      platform: 'node',
      external: (id) => !/^[./]/.test(id) && !/^[A-Za-z]:[\\/]/.test(id),
      resolve: {
        extensionAlias: { '.js': ['.ts', '.js'] },
        alias: { 'holdfast/worker': join(root, 'src/worker/index.ts') },
      },
      tsconfig: false,
    })
    try {
      await bundle.write({ file, format: 'esm', codeSplitting: false })
    } finally {
      await bundle.close()
    }
    return pathToFileURL(file).href
  }

  return {
    name: 'file-urls-in-tests',
    enforce: 'pre',
    async transform(code, id) {
      if (!sources.some((folder) => id.startsWith(folder)) || !code.includes('import.meta.url')) return null
      let next = code
      for (const [whole, , path] of code.matchAll(FILE_URL)) {
        const source = join(dirname(id), `${path}.ts`)
        if (!existsSync(source)) continue
        if (!made.has(source)) made.set(source, make(source))
        next = next.replace(whole, `new URL(${JSON.stringify(await made.get(source))})`)
      }
      return next === code ? null : { code: next, map: null }
    },
  }
}
