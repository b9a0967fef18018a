import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import {
  type FileHandle,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openAndCompare, openInside } from './open-inside.js'
import { systemCode } from './refusals.js'

/** Runs in a process of its own: a folder is there, is gone, is a link to the outside, is gone, until it is killed. */
const swapper = `
  const { renameSync, symlinkSync, unlinkSync, writeSync } = require('node:fs')
  process.chdir(process.argv[1])
  writeSync(1, 'ready')
  for (;;) {
    renameSync('docs', 'away')
    symlinkSync('../outside', 'docs')
    unlinkSync('docs')
    renameSync('away', 'docs')
  }
`
const forMs = 2000

type Open = (root: string, round: number) => Promise<FileHandle>

/** Opens again and again while a folder above the file is swapped, and judges every file that is given. */
async function race(
  opens: readonly Open[],
  ends: readonly ('inside' | 'refused' | 'missing')[],
): Promise<void> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-swap-')))
  const [root, outside] = [join(base, 'data'), join(base, 'outside/sub')]
  await mkdir(join(root, 'docs/sub'), { recursive: true })
  await mkdir(outside, { recursive: true })
  await writeFile(join(root, 'docs/sub/a.txt'), 'inside')
  await writeFile(join(outside, 'a.txt'), 'OUTSIDE')
  const { ino } = await stat(join(outside, 'a.txt'))
  const child = spawn(process.execPath, ['-e', swapper, root], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await rm(base, { recursive: true, force: true })
  })
  await once(child.stdout, 'data')

  const seen = { inside: 0, refused: 0, missing: 0, outside: 0 }
  const attempt = async (open: Open, round: number): Promise<void> => {
    try {
      const handle = await open(root, round)
      const isOutside = (await handle.stat()).ino === ino
      await handle.close()
      seen[isOutside ? 'outside' : 'inside'] += 1
    } catch (error) {
      const code = systemCode(error)
      if (code === 'path_not_allowed') seen.refused += 1
      else if (code === 'path_not_found' || code === 'ENOENT') seen.missing += 1
      else throw error
    }
  }
  const end = performance.now() + forMs
  for (let round = 0; performance.now() < end; round += 1) {
    await Promise.all(opens.map((open) => attempt(open, round)))
  }
  child.kill('SIGKILL')
  await once(child, 'exit')

  expect(seen.outside).toBe(0)
  expect(await readdir(outside)).toEqual(['a.txt'])
  expect(await readFile(join(outside, 'a.txt'), 'utf8')).toBe('OUTSIDE')
  // All ends of the race were met, or it would have shown nothing.
  for (const end of ends) expect(seen[end], JSON.stringify(seen)).toBeGreaterThan(0)
}

it('never opens, makes or empties a file outside while a folder is swapped for a link', async () => {
  const path = 'docs/sub/a.txt'
  await race(
    [
      (root) => openInside(root, path),
      (root) => openInside(root, path),
      (root, round) => openInside(root, `docs/sub/made-${round}.txt`, 'wx'),
      (root) => openInside(root, path, 'w'),
    ],
    ['inside', 'refused', 'missing'],
  )
})

it('never gives a file outside where a descriptor cannot be asked', async () => {
  const path = 'docs/sub/a.txt'
  const open: Open = (root) =>
    openAndCompare({ base: root, real: join(root, path), path }, constants.O_RDONLY)
  // A folder that is swapped all the time hardly ever stands still for all looks; one that is not is in the tests of legitimate paths.
  await race([open, open, open, open], ['refused', 'missing'])
})
