import { describe, expect, it } from 'vitest'
import { checkCycles, checkDirections, checkOutsiders } from './check-layers.mjs'
import { tree } from './temp-tree.mjs'

const A = 'export const a = 1\n'
const importing = (specifier) => `import { a } from '${specifier}'\nexport const b = a\n`

/** One file imports another; both exist. */
function edge(from, specifier, to) {
  return checkDirections(tree({ [`src/${from}`]: importing(specifier), [`src/${to}`]: A }))
}

describe('import directions', () => {
  it.each([
    ['engine/x.ts', '../errors/a.js', 'errors/a.ts'],
    ['schema/x.ts', '../errors/a.js', 'errors/a.ts'],
    ['transports/http/x.ts', '../frames.js', 'transports/frames.ts'],
    ['transports/http/x.ts', './a.js', 'transports/http/a.ts'],
    ['node/x.ts', '../transports/stdio/a.js', 'transports/stdio/a.ts'],
    ['memory/x.ts', '../server/a.js', 'server/a.ts'],
    ['index.ts', './server/a.js', 'server/a.ts'],
    ['testing/x.ts', './a.js', 'testing/a.ts'],
  ])('lets %s import %s', (from, specifier, to) => {
    expect(edge(from, specifier, to)).toEqual([])
  })

  it.each([
    ['errors/x.ts', '../schema/a.js', 'schema/a.ts', 'errors (L0) must not import schema (L0)'],
    ['protocol/x.ts', '../telemetry/a.js', 'telemetry/a.ts', 'protocol (L1) must not import telemetry (L1)'],
    ['engine/x.ts', '../middleware/a.js', 'middleware/a.ts', 'engine (L2) must not import middleware (L3)'],
    ['auth/x.ts', '../sessions/a.js', 'sessions/a.ts', 'auth (L3) must not import sessions (L3)'],
    ['transports/http/x.ts', '../stdio/a.js', 'transports/stdio/a.ts', 'must not import transports/stdio'],
    ['transports/x.ts', './stdio/a.js', 'transports/stdio/a.ts', 'transports/* must not import'],
    ['server/x.ts', '../node/a.js', 'node/a.ts', 'server (L4) must not import node (L4)'],
    ['server/x.ts', '../testing/a.js', 'testing/a.ts', 'server (L4) must not import testing (L5)'],
    ['testing/x.ts', '../engine/a.js', 'engine/a.ts', 'public entries only'],
    ['index.ts', './node/a.js', 'node/a.ts', 'the root entry must not reach node'],
    ['index.ts', './testing/a.js', 'testing/a.ts', 'the root entry must not reach testing'],
    ['engine/x.ts', '../index.js', 'index.ts', 'the root entry is for users'],
    ['engine/x.ts', '../attic/a.js', 'attic/a.ts', 'no floor lists'],
  ])('refuses that %s imports %s', (from, specifier, to, sentence) => {
    expect(edge(from, specifier, to).join('\n')).toContain(sentence)
  })

  it.each([
    ['a type', "import type { A } from '../server/a.js'\nexport type B = A\n"],
    ['an inline type', "export type B = import('../server/a.js').A\n"],
    ['a lazy import', "export const b = () => import('../server/a.js')\n"],
    ['a re-export', "export { a } from '../server/a.js'\n"],
  ])('sees %s too', (_what, text) => {
    expect(checkDirections(tree({ 'src/engine/x.ts': text, 'src/server/a.ts': A }))).toHaveLength(1)
  })

  it('refuses built-ins in runtime-neutral code and takes them elsewhere', () => {
    const text = "import { readFile } from 'node:fs'\nexport const b = readFile\n"
    expect(checkDirections(tree({ 'src/engine/x.ts': text })).join()).toContain('node:fs in runtime-neutral')
    expect(checkDirections(tree({ 'src/node/x.ts': text }))).toEqual([])
  })

  it('keeps the package name for L5', () => {
    expect(checkDirections(tree({ 'src/engine/x.ts': importing('holdfast') }))).toHaveLength(1)
    expect(checkDirections(tree({ 'src/testing/x.ts': importing('holdfast') }))).toEqual([])
  })

  it('refuses an import for effect, a missing file and a path out of src', () => {
    const root = tree({
      'src/engine/x.ts': "import './a.js'\nimport { b } from './b.js'\nexport { c } from '../../test/c.js'\n",
      'src/engine/a.ts': A,
      'test/c.ts': A,
    })
    const problems = checkDirections(root).join('\n')
    expect(problems).toContain('src/engine/x.ts:1: import ./a.js binds nothing')
    expect(problems).toContain('src/engine/x.ts:2: ./b.js is not a file')
    expect(problems).toContain('src/engine/x.ts:3: ../../test/c.js leads out of src')
  })
})

describe('cycles', () => {
  const circle = (last) =>
    tree({
      'src/engine/a.ts': "import { b } from './b.js'\nexport const a = b\n",
      'src/engine/b.ts': "import { c } from './c.js'\nexport const b = c\n",
      'src/engine/c.ts': last,
    })

  it('finds a circle of values', () => {
    const problems = checkCycles(circle("import { a } from './a.js'\nexport const c = a\n"))
    expect(problems).toEqual([
      'import cycle: src/engine/a.ts -> src/engine/b.ts -> src/engine/c.ts -> src/engine/a.ts',
    ])
  })

  it('counts an import that keeps its statement at run time', () => {
    expect(checkCycles(circle("import { type A } from './a.js'\nexport type C = A\n"))).toHaveLength(1)
  })

  it('does not count types', () => {
    expect(checkCycles(circle("import type { A } from './a.js'\nexport type C = A\n"))).toEqual([])
  })
})

describe('outsiders', () => {
  it('refuses that an example reaches into src', () => {
    const root = tree({ 'examples/x/src/main.ts': importing('../../../src/a.js'), 'src/a.ts': A })
    expect(checkOutsiders(root)).toHaveLength(1)
    expect(checkOutsiders(tree({ 'examples/x/src/main.ts': importing('holdfast') }))).toEqual([])
  })
})
