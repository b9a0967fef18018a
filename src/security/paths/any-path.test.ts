import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { ToolError } from '../../errors/tool-error.js'
import { openInside } from './open-inside.js'
import { readInside } from './read-inside.js'
import { resolveInside } from './resolve-inside.js'

let base = ''
let root = ''

const inside = 'inside'
const folders = ['a', 'a/b', 'a/b/c', 'x y', '...', 'ü']
const files = ['f', 'a/f', 'a/b/f', 'a/b/c/f', 'x y/f', '.../f', 'ü/f']
const links: readonly (readonly [path: string, target: string])[] = [
  ['in', 'a/b'],
  ['a/up', '..'],
  ['out', '..'],
  ['a/out', '../../outside'],
  ['a/b/abs', '/'],
  ['loop', 'loop'],
  ['gone', 'nowhere'],
  ['a/chain', '../out'],
]

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-any-')))
  root = join(base, 'data')
  await mkdir(root)
  await mkdir(join(base, 'outside'))
  await mkdir(join(base, 'data-secret'))
  for (const path of ['f', 'outside/f', 'data-secret/f']) await writeFile(join(base, path), 'OUTSIDE')
  for (const path of folders) await mkdir(join(root, path))
  for (const path of files) await writeFile(join(root, path), inside)
  for (const [path, target] of links) await symlink(target, join(root, path))
})
afterAll(() => rm(base, { recursive: true, force: true }))

const known = fc.constantFrom(
  'a',
  'b',
  'c',
  'f',
  'x y',
  '...',
  'ü',
  'in',
  'up',
  'out',
  'abs',
  'loop',
  'gone',
  'chain',
)
const dots = fc.constantFrom(
  ...[
    '.',
    '..',
    '%2e%2e',
    '.%2e',
    '%252e%252e',
    '．．',
    '‥',
    '.\u200b.',
    '.. ',
    '%c0%ae%c0%ae',
    '..\0',
    '..;',
    '',
    '~',
  ],
)
const outside = fc.constantFrom('outside', 'data', 'data-secret', 'data/f', 'etc', 'passwd', 'tmp')
const separator = fc.constantFrom('/', '/', '/', '/', '//', '/./', '\\', '%2f', '%5c', '／', '∕', '%c0%af')
const name = fc.oneof(
  { weight: 6, arbitrary: known },
  { weight: 4, arbitrary: dots },
  { weight: 2, arbitrary: outside },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
)
const paths = fc
  .tuple(
    fc.constantFrom('', '', '', '/', '//', './', 'C:', 'file://'),
    fc.array(fc.tuple(name, separator), { maxLength: 12 }),
  )
  .map(([start, parts]) => start + parts.flat().join(''))
const anyText = fc.oneof(paths, paths, fc.string({ unit: 'binary', maxLength: 40 }))

function isInside(path: string): boolean {
  return path === root || path.startsWith(`${root}/`)
}

async function orRefusal<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work
  } catch (error) {
    if (!ToolError.is(error)) throw error
    expect(['path_not_allowed', 'path_not_found']).toContain(error.code)
    expect(error.message).not.toContain(base)
    return undefined
  }
}

describe('any path', () => {
  it('leads inside, or is refused', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (path) => {
        const real = await orRefusal(resolveInside(root, path))
        if (real !== undefined) expect(isInside(real) && real === (await realpath(real))).toBe(true)
        const future = await orRefusal(resolveInside(root, path, { mustExist: false }))
        if (future !== undefined) expect(isInside(future)).toBe(true)
        if (real !== undefined) expect(future).toBe(real)
        const content = await orRefusal(readInside(root, path))
        if (content !== undefined) expect(content.toString()).toBe(inside)
      }),
      { numRuns: fuzzRuns(2000) },
    )
  })

  it('is written inside, or refused', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, fc.constantFrom('r+', 'a', 'wx'), async (path, flags) => {
        const handle = await orRefusal(openInside(root, path, flags))
        await handle?.close()
        if (flags === 'wx' && handle !== undefined) await rm(await resolveInside(root, path))
      }),
      { numRuns: fuzzRuns(500) },
    )
    for (const path of ['f', 'outside/f', 'data-secret/f']) {
      expect(await readFile(join(base, path), 'utf8')).toBe('OUTSIDE')
    }
  })

  it('of plain names is found', async () => {
    const plain = fc.constantFrom(...files)
    const noise = fc.constantFrom('', './', './/', 'a/../', './/./')
    await fc.assert(
      fc.asyncProperty(noise, plain, async (before, path) => {
        expect(await resolveInside(root, before + path)).toBe(join(root, path))
      }),
      { numRuns: fuzzRuns(200) },
    )
  })
})
