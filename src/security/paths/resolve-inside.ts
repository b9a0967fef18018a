import { lstat, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { pathSegments } from './path-segments.js'
import { leadsOut, notFound, pathError, systemCode } from './refusals.js'

export interface ResolveOptions {
  /**
   * False also takes a path whose last names are not there yet: a file or folders about to be made. What is there of
   * it must be inside. Default: true.
   */
  readonly mustExist?: boolean
}

/**
 * The absolute real path of something inside `root`: every link resolved, and the end of it below the real path of
 * `root` (links that stay inside are followed). `path` is what a peer gave: relative, with `/` between names. `.` is
 * the root itself, `a/../b` is `b`, a trailing slash is ignored.
 *
 * Refused on every platform alike: climbing and absolute paths, drives, UNC and device paths, URLs, backslashes, control
 * characters, lone surrogates, names that Windows takes for something else (`NUL`, `COM1.txt`, `a.txt::$DATA`, a trailing
 * dot or space), and names that would climb once somebody decodes or normalizes them.
 *
 * The answer is true for the moment it is given: to read or write, use `openInside`, which checks what it has opened.
 * A hard link to a file outside cannot be told from a file inside.
 *
 * @throws ToolError `path_not_allowed`, or `path_not_found` when a plain path has nothing at its end
 * @throws Error when the root is not an existing folder, which is the server's own fault
 */
export async function resolveInside(root: string, path: string, options?: ResolveOptions): Promise<string> {
  const names = pathSegments(path)
  return resolveSegments(await realRoot(root), names, path, options)
}

/** The real path of a root, once for all that is looked up in it. */
export async function realRoot(root: string): Promise<string> {
  if (typeof root !== 'string' || root === '' || root.includes('\0')) {
    throw new TypeError('The root must be the path of a folder.')
  }
  const real = await realPath(root)
  if (real === undefined || !(await stat(real)).isDirectory()) {
    throw new Error(`The root ${JSON.stringify(root)} is not a folder.`)
  }
  return real
}

/** `root` is real; `path` is for messages. */
export async function resolveSegments(
  root: string,
  names: readonly string[],
  path: string,
  options: ResolveOptions = {},
): Promise<string> {
  try {
    const real = await realPath(join(root, ...names))
    if (real === undefined || !isInside(root, real)) throw leadsOut(path)
    return real
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOTDIR') throw notFound(path)
    if (code !== 'ENOENT') throw refusedBySystem(error, path)
  }
  const { real, missing } = await deepest(root, names, path)
  if (options.mustExist === false) return join(real, ...missing)
  throw notFound(path)
}

/** How far a path goes that does not lead to its end. A link on the way must lead to something inside. */
async function deepest(
  root: string,
  names: readonly string[],
  path: string,
): Promise<{ real: string; missing: readonly string[] }> {
  let real = root
  for (const [index, name] of names.entries()) {
    const next = join(real, name)
    try {
      const link = (await lstat(next)).isSymbolicLink()
      const target = link ? await realPath(next).catch(() => undefined) : next
      if (target === undefined || !isInside(root, target)) throw leadsOut(path)
      real = target
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return { real, missing: names.slice(index) }
      if (systemCode(error) === 'ENOTDIR') throw notFound(path)
      throw refusedBySystem(error, path)
    }
  }
  return { real, missing: [] }
}

/** Real paths are compared, so case folding and other spellings of one name are the file system's business. */
export function isInside(root: string, real: string): boolean {
  return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)
}

/** undefined for a name that is not Unicode: as a string it would be another file's. */
async function realPath(path: string): Promise<string | undefined> {
  return exactText(await realpath(path, { encoding: 'buffer' }))
}

/** The text of a name that the system gave, or undefined when text cannot say it. */
export function exactText(name: Buffer): string | undefined {
  const text = name.toString('utf8')
  return Buffer.from(text).equals(name) ? text : undefined
}

/** What a peer's path can cause becomes a refusal; anything else is a fault, and passes as it is. */
export function refusedBySystem(error: unknown, path: string): unknown {
  switch (systemCode(error)) {
    case 'ELOOP':
      return leadsOut(path)
    case 'ENAMETOOLONG':
      return pathError('path_not_allowed', path, 'is too long for the file system')
    case 'EACCES':
    case 'EPERM':
      return pathError('path_not_allowed', path, 'may not be opened by this server')
    default:
      return error
  }
}
