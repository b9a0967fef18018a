import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAndCompare, openInside } from './open-inside.js'

const run = promisify(execFile)
let base = ''
let root = ''

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-open-')))
  root = join(base, 'data')
  await mkdir(join(root, 'docs'), { recursive: true })
  await writeFile(join(root, 'docs/a.txt'), 'content')
  await writeFile(join(base, 'secret.txt'), 'SECRET')
})
afterEach(() => rm(base, { recursive: true, force: true }))

const notAllowed = { code: 'path_not_allowed' }
const notFound = { code: 'path_not_found' }

async function write(flags: 'r+' | 'w' | 'wx' | 'a', path: string, text: string): Promise<string> {
  const handle = await openInside(root, path, flags)
  await handle.writeFile(text)
  await handle.close()
  return readFile(join(root, path), 'utf8')
}

describe('openInside', () => {
  it('reads, and does no more by default', async () => {
    const handle = await openInside(root, 'docs/a.txt')
    expect(await handle.readFile('utf8')).toBe('content')
    await expect(handle.writeFile('x')).rejects.toMatchObject({ code: 'EBADF' })
    await handle.close()
  })

  it('writes as it is told', async () => {
    expect(await write('w', 'docs/a.txt', 'new')).toBe('new')
    expect(await write('a', 'docs/a.txt', ' and more')).toBe('new and more')
    expect(await write('r+', 'docs/a.txt', 'NEW')).toBe('NEW and more')
    expect(await write('w', 'docs/b.txt', 'made')).toBe('made')
    expect(await write('a', 'docs/c.txt', 'made')).toBe('made')
    expect(await write('wx', 'docs/d.txt', 'made')).toBe('made')
    await expect(openInside(root, 'docs/d.txt', 'wx')).rejects.toMatchObject(notAllowed)
    await expect(openInside(root, 'docs/e.txt', 'r+')).rejects.toMatchObject(notFound)
    await expect(openInside(root, 'new/e.txt', 'w')).rejects.toMatchObject(notFound)
    await expect(openInside(root, 'docs/a.txt/b.txt', 'w')).rejects.toMatchObject(notFound)
  })

  it('writes through a link that stays inside', async () => {
    await symlink('docs/a.txt', join(root, 'to-a'))
    expect(await write('w', 'to-a', 'through')).toBe('through')
  })

  it('refuses folders, the root and devices', async () => {
    for (const path of ['docs', 'docs/', '.', 'docs/..']) {
      for (const flags of ['r', 'r+', 'w', 'wx', 'a'] as const) {
        await expect(openInside(root, path, flags)).rejects.toMatchObject(notAllowed)
      }
    }
    await expect(openInside('/dev', 'null')).rejects.toMatchObject(notAllowed)
    await expect(openInside('/dev', 'zero', 'w')).rejects.toMatchObject(notAllowed)
  })

  it('refuses a FIFO at once, whichever end it is', async () => {
    await run('mkfifo', [join(root, 'pipe')])
    const started = performance.now()
    for (const flags of ['r', 'r+', 'w', 'wx', 'a'] as const) {
      await expect(openInside(root, 'pipe', flags)).rejects.toMatchObject(notAllowed)
    }
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('refuses a FIFO that somebody writes to', async () => {
    await run('mkfifo', [join(root, 'pipe')])
    const other = await open(join(root, 'pipe'), constants.O_RDWR)
    await other.write('text')
    await expect(openInside(root, 'pipe')).rejects.toMatchObject(notAllowed)
    await expect(openInside(root, 'pipe', 'w')).rejects.toMatchObject(notAllowed)
    await other.close()
  })

  it('refuses a socket', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve))
    for (const flags of ['r', 'w'] as const) {
      await expect(openInside(root, 'socket', flags)).rejects.toMatchObject(notAllowed)
    }
    await new Promise((resolve) => server.close(resolve))
  })

  it('cannot tell a hard link', async () => {
    await link(join(base, 'secret.txt'), join(root, 'hard.txt'))
    const handle = await openInside(root, 'hard.txt')
    expect(await handle.readFile('utf8')).toBe('SECRET')
    await handle.close()
  })

  it('opens in a folder that may be entered but not listed', async () => {
    await chmod(join(root, 'docs'), 0o111)
    const handle = await openInside(root, 'docs/a.txt')
    expect(await handle.readFile('utf8')).toBe('content')
    await handle.close()
    await chmod(join(root, 'docs'), 0o755)
  })

  it('refuses flags that it does not know', async () => {
    for (const flags of ['rs', 'w+', 'toString', 0]) {
      await expect(openInside(root, 'docs/a.txt', flags as 'r')).rejects.toThrow(
        '"flags" must be one of r, r+',
      )
    }
  })

  it('leaves no descriptor open, whatever comes', async () => {
    await symlink('../secret.txt', join(root, 'out'))
    // One of our own shows that they are seen.
    const own = await openInside(root, 'docs/a.txt')
    const before = await openDescriptors()
    for (const path of ['docs', 'out', 'nothing', 'docs/a.txt']) {
      for (const flags of ['r', 'wx'] as const) {
        await openInside(root, path, flags).then(
          (handle) => handle.close(),
          () => undefined,
        )
      }
    }
    expect([before, await openDescriptors()]).toEqual([1, 1])
    await own.close()
  })

  it.each([
    ['is not there', 'nothing'],
    ['is no folder', 'docs/a.txt'],
  ])('blames the server when the root %s', async (_label, folder) => {
    await expect(openInside(join(root, folder), 'a.txt')).rejects.not.toHaveProperty('details')
  })
})

/** Those that lead into the test's own folder. */
async function openDescriptors(): Promise<number> {
  const names = await readdir('/proc/self/fd')
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return targets.filter((target) => target.startsWith(base)).length
}

/** What is done where a descriptor cannot be asked where it leads. */
describe('openAndCompare', () => {
  const { O_RDONLY } = constants
  const target = (path: string) => ({ base: root, real: join(root, path), path })

  it('opens what its real path leads to', async () => {
    const handle = await openAndCompare(target('docs/a.txt'), O_RDONLY)
    expect(await handle.readFile('utf8')).toBe('content')
    await handle.close()
  })

  it.each(['secret.txt', 'data/docs/a.txt'])('refuses a file that became a link to %s', async (to) => {
    await symlink(join(base, to), join(root, 'swapped'))
    await expect(openAndCompare(target('swapped'), O_RDONLY)).rejects.toHaveProperty('code')
  })

  it('refuses a file whose folder became a link', async () => {
    await mkdir(join(base, 'other'))
    await writeFile(join(base, 'other/a.txt'), 'SECRET')
    await rename(join(root, 'docs'), join(root, 'moved'))
    await symlink('../other', join(root, 'docs'))
    await expect(openAndCompare(target('docs/a.txt'), O_RDONLY)).rejects.toMatchObject(notAllowed)
    await rm(join(root, 'docs'))
    await symlink('moved', join(root, 'docs'))
    await expect(openAndCompare(target('docs/a.txt'), O_RDONLY)).rejects.toMatchObject(notAllowed)
  })
})
