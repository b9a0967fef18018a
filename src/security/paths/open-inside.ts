import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pathSegments } from './path-segments.js'
import { leadsOut, notFound, pathError, systemCode } from './refusals.js'
import { exactText, isInside, realRoot, refusedBySystem, resolveSegments } from './resolve-inside.js'

/**
 * As in `fs.open`: `r` reads, `r+` reads and writes what is there, `w` makes or empties, `wx` makes and fails when it is
 * there, `a` makes or appends.
 */
export type OpenFlags = 'r' | 'r+' | 'w' | 'wx' | 'a'

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = constants

/** Emptying waits until the file is known to be inside, so `w` has no O_TRUNC here. */
const modes: Readonly<Record<OpenFlags, number>> = {
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT,
  wx: O_WRONLY | O_CREAT | O_EXCL,
  a: O_WRONLY | O_CREAT | O_APPEND,
}

/**
 * Each look can be deceived when a folder is swapped between its two questions. Questions and swaps wait for the same lock of the file
 * system and so fall into step, in which many looks are deceived in a row: between two looks there is a pause of random length.
 */
const looks = 16
const mostTurns = 8
/** Linux's O_PATH, which Node does not name: a handle on a folder, for folders that may be entered but not listed. */
const pathOnly = 0o10000000
/** Never through a link, never waiting for the other end of a FIFO. Windows has none of these. */
const careful = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

/**
 * Opens a regular file inside `root`, and checks what has been opened, not what a path said before: a folder that is
 * swapped for a link in the meantime is noticed. Paths are those of `resolveInside`. Folders, FIFOs, sockets and
 * devices are refused without waiting. The caller closes the handle.
 *
 * On Linux the folder is opened first and the file in that folder, so nothing outside is ever opened or made. Other
 * systems cannot say where a descriptor leads: there the path is looked up again, several times, and must lead to the same
 * file. Who may write inside `root` and swaps folders meanwhile could have an empty file made outside by `w`, `wx` or `a`.
 *
 * @throws ToolError `path_not_allowed` or `path_not_found`
 */
export async function openInside(root: string, path: string, flags: OpenFlags = 'r'): Promise<FileHandle> {
  if (!Object.hasOwn(modes, flags)) {
    throw new TypeError(`"flags" must be one of ${Object.keys(modes).join(', ')}.`)
  }
  const mode = modes[flags]
  const names = pathSegments(path)
  const base = await realRoot(root)
  const real = await resolveSegments(base, names, path, { mustExist: (mode & O_CREAT) === 0 })
  if (real === base) throw notAFile(path)
  const handle = await openReal({ base, real, path }, mode).catch((error: unknown) => {
    throw refusedAtOpening(error, path)
  })
  try {
    if (!(await handle.stat()).isFile()) throw notAFile(path)
    if (flags === 'w') await handle.truncate(0)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

interface Target {
  readonly base: string
  readonly real: string
  readonly path: string
}

async function openReal(target: Target, mode: number): Promise<FileHandle> {
  if (process.platform !== 'linux') return openAndCompare(target, mode)
  const folder = await open(dirname(target.real), pathOnly | O_DIRECTORY | careful)
  try {
    const place = await placeOf(folder)
    if (place === undefined) return await openAndCompare(target, mode)
    if (!isInside(target.base, place)) throw leadsOut(target.path)
    // Through the descriptor: whatever happens to the path now, it is this folder.
    const file = await open(join(linkOf(folder), basename(target.real)), mode | careful, 0o666)
    return await keepIf(file, target.path, async () => isInside(target.base, (await placeOf(file)) ?? ''))
  } finally {
    await folder.close()
  }
}

/**
 * Where a descriptor cannot be asked: the path must still be real and inside, and lead to what was opened. Somebody who
 * swaps folders at the right moments can deceive one look, so there are several.
 */
export async function openAndCompare({ base, real, path }: Target, mode: number): Promise<FileHandle> {
  const file = await open(real, mode | careful, 0o666)
  return keepIf(file, path, async () => {
    const opened = await file.stat({ bigint: true })
    const names = real.slice(base.length).split(sep).filter(Boolean)
    for (let look = 0; look < looks; look += 1) {
      for (let turns = Math.random() * mostTurns; turns > 1; turns -= 1) await setImmediate()
      if ((await resolveSegments(base, names, path)) !== real) return false
      const named = await lstat(real, { bigint: true })
      if (named.dev !== opened.dev || named.ino !== opened.ino) return false
    }
    return true
  })
}

async function keepIf(
  handle: FileHandle,
  path: string,
  isRight: () => Promise<boolean>,
): Promise<FileHandle> {
  try {
    if (await isRight()) return handle
    throw leadsOut(path)
  } catch (error) {
    await handle.close()
    throw error
  }
}

function linkOf(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`
}

/** The path of what a descriptor has open; empty when text cannot say it, undefined where there is no /proc to ask. */
async function placeOf(handle: FileHandle): Promise<string | undefined> {
  try {
    return exactText(await readlink(linkOf(handle), { encoding: 'buffer' })) ?? ''
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function notAFile(path: string): Error {
  return pathError('path_not_allowed', path, 'is not a regular file')
}

function refusedAtOpening(error: unknown, path: string): unknown {
  switch (systemCode(error)) {
    case 'ENOENT':
      return notFound(path)
    case 'EEXIST':
      return pathError('path_not_allowed', path, 'exists already')
    // A folder opened to be written, a socket, a FIFO that nobody reads, a part of the path that became a file.
    case 'EISDIR':
    case 'ENXIO':
    case 'ENODEV':
    case 'EOPNOTSUPP':
      return notAFile(path)
    case 'ENOTDIR':
      return leadsOut(path)
    default:
      return refusedBySystem(error, path)
  }
}
