import type { ToolError } from '../../errors/tool-error.js'
import { disguise } from './disguises.js'
import { leadsOut, pathError } from './refusals.js'
import { windowsMeaning } from './windows-names.js'

/** Linux's PATH_MAX; in UTF-16 units. */
export const maxPathLength = 4096
/** What NTFS, APFS and ext4 give a name; in UTF-16 units, the file system counts its own. */
export const maxNameLength = 255

const control = /\p{Cc}/u
const loneSurrogate = /\p{Cs}/u
/** `C:` and `C:x` alike: the second is relative to the folder that the drive is in. */
const drive = /^[a-z]:/i
const url = /^[a-z][a-z0-9+.-]{0,31}:\/\/|^file:/i

/**
 * The names in a relative path, `.` and `..` resolved as text (as in a URL: a link before `..` is not followed).
 * `''` is refused; `.` is the folder itself, so no names. A path is a path: percent signs, `~` and `$HOME` are
 * characters of a name.
 *
 * @throws ToolError `path_not_allowed` for what is no plain relative path on every platform
 */
export function pathSegments(path: string): string[] {
  if (typeof path !== 'string') throw new TypeError(`A path must be a string, received ${typeof path}.`)
  const why = wrongForm(path)
  if (why !== undefined) throw refused(path, why)
  const names: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (names.pop() === undefined) throw leadsOut(path)
      continue
    }
    const wrong = wrongName(part)
    if (wrong !== undefined) throw refused(path, wrong)
    names.push(part)
  }
  return names
}

function wrongForm(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (path.length > maxPathLength) return `is longer than ${maxPathLength} characters`
  if (control.test(path)) return 'holds a control character'
  if (loneSurrogate.test(path)) return 'holds half a character (a lone surrogate)'
  // Legal in a name on POSIX, a separator on Windows: a server must not mean two things by it.
  if (path.includes('\\')) return 'holds a backslash'
  if (path.startsWith('/')) return 'is absolute'
  if (drive.test(path)) return 'starts with a drive letter'
  if (url.test(path)) return 'is a URL'
  return undefined
}

function wrongName(name: string): string | undefined {
  if (name.length > maxNameLength) return `holds a name longer than ${maxNameLength} characters`
  return windowsMeaning(name) ?? disguise(name)
}

function refused(path: string, why: string): ToolError {
  const hint =
    'Give a relative path with "/" between plain names, such as "docs/guide.md", or "." for the folder itself.'
  return pathError('path_not_allowed', path, why, hint)
}
