import { describe, expect, it } from 'vitest'
import { checkDocPaths, checkEscapes, checkLengths, checkNames, LONGEST_FILE } from './check-files.mjs'
import { tree } from './temp-tree.mjs'

const lines = (count) => 'export {}\n'.repeat(count)

describe('lengths', () => {
  it('refuses what is too long and names what grows long', () => {
    const root = tree({
      'src/a.ts': lines(LONGEST_FILE + 1),
      'src/b.ts': lines(LONGEST_FILE),
      'src/c.ts': lines(300),
    })
    const { problems, notes } = checkLengths(root)
    expect(problems).toEqual(['src/a.ts: 401 lines; 400 at most, split it'])
    expect(notes).toEqual(['src/b.ts: 400 lines'])
  })
})

describe('names', () => {
  it('refuses drawers and barrels', () => {
    const root = tree({
      'package.json': JSON.stringify({ exports: { './node': { default: './dist/node/index.js' } } }),
      'src/engine/utils.ts': lines(1),
      'src/engine/string-utils.ts': lines(1),
      'src/engine/index.ts': lines(1),
      'src/node/index.ts': lines(1),
      'src/engine/registry.ts': lines(1),
    })
    expect(checkNames(root).map((problem) => problem.split(':')[0])).toEqual([
      'src/engine/index.ts',
      'src/engine/string-utils.ts',
      'src/engine/utils.ts',
    ])
  })
})

describe('escapes', () => {
  const problemsOf = (path, text) => checkEscapes(tree({ [path]: text }))
  it.each([
    ['src/a/x.ts', 'export const x = 1 as any\n'],
    ['src/a/x.test.ts', 'export function x(y: any[]): void {}\n'],
    ['src/a/x.ts', '// @ts-ignore\nexport {}\n'],
    ['src/a/x.ts', '// @ts-expect-error wrong\nexport {}\n'],
    ['test/x.ts', '// @ts-nocheck\nexport {}\n'],
    ['src/server/x.ts', "process.stdout.write('x')\n"],
    ['src/engine/x.ts', 'export const x = Buffer.from([])\n'],
    ['src/engine/x.ts', 'export const x = process.env\n'],
  ])('refuses in %s: %s', (path, text) => {
    expect(problemsOf(path, text)).toHaveLength(1)
  })
  it.each([
    ['src/a/x.test.ts', '// @ts-expect-error a type test\nexport {}\n'],
    ['src/a/x.ts', "// any word of it\nexport const any = 'any'\n"],
    ['src/transports/stdio/x.ts', "process.stdout.write('x')\n"],
    ['src/engine/x.ts', 'export const x = { process: 1, y: (z: { Buffer: 1 }) => z.Buffer }\n'],
  ])('takes in %s: %s', (path, text) => {
    expect(problemsOf(path, text)).toEqual([])
  })
})

describe('paths in the documentation', () => {
  it('finds paths that lead nowhere', () => {
    const root = tree({
      'src/engine/registry.ts': lines(1),
      'docs/errors.md': 'See [the guide](guide.md) and `../src/engine/gone.ts`.\n',
      'README.md': [
        'See `src/engine/registry.ts`, `src/engine/`, `src/**/*.ts`, `docs/errors.md` and [errors](docs/errors.md#a).',
        'Not `src/engine/gone.ts`, `src/gone/*.ts`, `NOTES.md` or [this](docs/gone.md).',
        'Never a path: `holdfast/node`, `tools/call`, `node:fs`, `a / b`, [site](https://example.com/x).',
        '```',
        '`src/in/a/fence.ts`',
        '```',
      ].join('\n'),
    })
    expect(checkDocPaths(root)).toEqual([
      'README.md:2: docs/gone.md is not there',
      'README.md:2: src/engine/gone.ts is not there',
      'README.md:2: src/gone/*.ts is not there',
      'README.md:2: NOTES.md is not there',
      'docs/errors.md:1: guide.md is not there',
      'docs/errors.md:1: ../src/engine/gone.ts is not there',
    ])
  })
})
