import { shown } from '../../errors/shown.js'
import { ToolError } from '../../errors/tool-error.js'

/** What the path helpers fail with. Each is a tool error: a tool may let it through, and the model reads why. */
export type PathErrorCode = 'path_not_allowed' | 'path_not_found' | 'file_too_large'

/**
 * "The path ... " and why not. Only what the caller gave is said: no root, no target of a link, and nothing that tells
 * whether something exists outside.
 */
export function pathError(code: PathErrorCode, path: string, why: string, hint?: string): ToolError {
  const details = hint === undefined ? {} : { hint }
  return new ToolError(code, { ...details, message: `The path ${shown(path)} ${why}.` })
}

const leadsOutHint = 'Give a path that stays below the folder, such as "docs/guide.md".'

/** One answer for every way out, so that it does not tell which of them it was. */
export function leadsOut(path: string): ToolError {
  return pathError('path_not_allowed', path, 'leads out of its folder, or is a link to nothing', leadsOutHint)
}

export function notFound(path: string): ToolError {
  return pathError('path_not_found', path, 'does not exist')
}

/** The reason of a failed call to the file system: `ENOENT` and the like. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
