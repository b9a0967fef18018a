import { describe, expect, it } from 'vitest'
import { checkBleed } from './check-bleed.mjs'
import { tree } from './temp-tree.mjs'

const dist = (index, more = {}) =>
  tree({ 'dist/index.js': index, 'dist/node/index.js': 'export const n = 1\n', ...more })

describe('bleed', () => {
  it('takes lazy imports', () => {
    expect(checkBleed(dist("export const load = () => import('ajv')\n"))).toEqual([])
  })

  it.each(['node:fs', 'node:worker_threads', 'ajv', 'ioredis'])('refuses %s behind a chunk', (specifier) => {
    const root = dist("export { a } from './chunks/a.js'\n", {
      'dist/chunks/a.js': `import x from '${specifier}'\nexport const a = x\n`,
    })
    expect(checkBleed(root)).toEqual([`dist/index.js loads ${specifier} at once, through dist/chunks/a.js`])
  })

  it('refuses the test kit joined into the root', () => {
    const root = dist('// src/testing/connect.ts\nexport const a = 1\n')
    expect(checkBleed(root)).toEqual(['dist/index.js loads src/testing/connect.ts at once'])
  })

  it('refuses packages and worker threads on the way to a start on Node, not other built-ins', () => {
    const root = tree({
      'dist/index.js': 'export {}\n',
      'dist/node/index.js': "import 'node:fs'\nimport 'ajv'\nimport 'node:worker_threads'\n",
    })
    expect(checkBleed(root).map((problem) => problem.split(' ')[2])).toEqual(['ajv', 'node:worker_threads'])
  })

  it('refuses many small modules', () => {
    const names = ['a', 'b']
    const chunks = Object.fromEntries(names.map((name) => [`dist/${name}.js`, 'export {}\n']))
    const root = dist(names.map((name) => `import './${name}.js'\n`).join(''), chunks)
    expect(checkBleed(root)).toEqual(['dist/index.js loads 3 modules at once; 2 at most'])
  })

  it('asks for a build when there is none', () => {
    expect(checkBleed(tree({ 'package.json': '{}' }))).toHaveLength(2)
  })
})
