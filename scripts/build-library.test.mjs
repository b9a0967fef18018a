import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inputDigest, isFresh } from './build-freshness.mjs'
import { buildLibrary, libraryEntries } from './build-library.mjs'
import { tree } from './temp-tree.mjs'

const MANIFEST = {
  name: 'tiny',
  type: 'module',
  exports: {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './node': { types: './dist/node/index.d.ts', default: './dist/node/index.js' },
    './package.json': './package.json',
  },
}
const FILES = {
  'package.json': JSON.stringify(MANIFEST),
  'src/index.ts': "export { shared } from './deep/shared.js'\n",
  'src/node/index.ts': "export { launcher } from '../deep/shared.js'\nexport { load } from './load.js'\n",
  'src/node/load.ts': "export const load = async (): Promise<number> => (await import('./heavy.js')).heavy\n",
  'src/node/heavy.ts': 'export const heavy = 42\n',
  'src/deep/shared.ts': [
    'export const shared: string = "shared"',
    "export const launcher = (): URL => new URL('./worker/launcher.js', import.meta.url)",
  ].join('\n'),
  'src/deep/worker/launcher.ts': "import { shared } from '../shared.js'\nprocess.stdout.write(shared)\n",
}
const script = (root, code) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: root, encoding: 'utf8' })

it('reads the entries from the manifest', () => {
  expect(libraryEntries({ ...MANIFEST, bin: { tiny: './dist/cli/main.js' } })).toEqual({
    index: 'src/index.ts',
    'node/index': 'src/node/index.ts',
    'cli/main': 'src/cli/main.ts',
  })
})

it('joins modules, keeps lazy ones lazy, and keeps file URLs true from a chunk elsewhere', async () => {
  const root = tree({ ...FILES, 'dist/chunks/old.js': 'export {}\n' })
  const written = await buildLibrary(root, libraryEntries(MANIFEST))
  expect(written).toContain('deep/worker/launcher.js')
  expect(existsSync(join(root, 'dist/chunks/old.js'))).toBe(false)
  expect(readFileSync(join(root, 'dist/node/index.js'), 'utf8')).toMatch(
    /import\("\.\.\/chunks\/heavy\.js"\)/,
  )
  const output = script(
    root,
    `import { launcher, load } from 'tiny/node'
     import { spawnSync } from 'node:child_process'
     import { fileURLToPath } from 'node:url'
     spawnSync(process.execPath, [fileURLToPath(launcher())], { stdio: 'inherit' })
     console.log(await load())`,
  )
  expect(output).toBe('shared42\n')
})

it('refuses an entry without a source', async () => {
  const manifest = { exports: { './gone': { default: './dist/gone/index.js' } } }
  await expect(buildLibrary(tree(FILES), libraryEntries(manifest))).rejects.toThrow('src/gone/index.ts')
})

it('knows a build that no longer stands', () => {
  const root = tree(FILES)
  expect(isFresh(root)).toBe(false)
  const digest = inputDigest(root)
  const built = tree({ ...FILES, 'dist/.build-stamp': '' })
  writeFileSync(join(built, 'dist/.build-stamp'), inputDigest(built))
  expect(isFresh(built)).toBe(true)
  writeFileSync(join(built, 'src/node/x.test.ts'), 'export {}\n')
  expect(isFresh(built)).toBe(true)
  utimesSync(join(built, 'src/index.ts'), new Date(), new Date(0))
  expect(isFresh(built)).toBe(false)
  expect(digest).toHaveLength(64)
})
