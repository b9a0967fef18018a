import { createHash } from 'node:crypto'
import { type ContentsInput, link } from '../engine/content.js'
import { ToolError } from '../errors/tool-error.js'
import { spillMetaKey } from '../protocol/meta-keys.js'
import type { ResourceLink } from '../protocol/types.js'
import { openInside } from '../security/paths/open-inside.js'
import { isTextType, type SpilledFile } from './spilled-file.js'

/** How a spilled file is named, linked and read: one part at a time. */

/** Undefined for a number that no part has, and for a file that was removed since it was looked up. */
export async function readPart(
  root: string,
  { id, part, file }: { readonly id: string; readonly part: number; readonly file: SpilledFile },
): Promise<readonly ContentsInput[] | undefined> {
  const { marks, mimeType, expiresAt } = file
  const parts = marks.length - 1
  const [start, end] = [marks[part - 1], marks[part]]
  if (start === undefined || end === undefined) return undefined
  const bytes = await readRange(root, `${nameOf(id)}.data`, start, end)
  if (bytes === undefined) return undefined
  return [
    {
      uri: uriOf(id, part),
      mimeType,
      ...(isTextType(mimeType) ? { text: bytes.toString('utf8') } : { blob: bytes }),
      meta: {
        [spillMetaKey]: {
          part,
          parts,
          ...(part < parts && { next: uriOf(id, part + 1) }),
          expiresAt: new Date(expiresAt).toISOString(),
        },
      },
    },
  ]
}

/** The directory's listing tells nobody an id. */
export function nameOf(id: string): string {
  return createHash('sha256').update(id).digest('hex')
}

function uriOf(id: string, part: number): string {
  return part === 1 ? `spill://${id}` : `spill://${id}/${part}`
}

export function linkTo(
  id: string,
  file: SpilledFile,
  name: string,
  description: string | undefined,
): ResourceLink {
  const until = new Date(file.expiresAt).toISOString()
  const parts = file.marks.length - 1
  return link({
    uri: uriOf(id, 1),
    name,
    description: `${description === undefined ? '' : `${description} `}Kept until ${until}.`,
    mimeType: file.mimeType,
    size: file.marks.at(-1) ?? 0,
    meta: { [spillMetaKey]: { expiresAt: until, parts } },
  })
}

async function readRange(
  root: string,
  path: string,
  start: number,
  end: number,
): Promise<Buffer | undefined> {
  try {
    const handle = await openInside(root, path)
    try {
      const bytes = Buffer.alloc(end - start)
      let at = 0
      while (at < bytes.length) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at)
        if (bytesRead === 0) return undefined
        at += bytesRead
      }
      return bytes
    } finally {
      await handle.close()
    }
  } catch (error) {
    // Removed since it was looked up: its time was over.
    if (ToolError.is(error)) return undefined
    throw error
  }
}
