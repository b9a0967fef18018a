import type { FileHandle } from 'node:fs/promises'
import { openInside } from './open-inside.js'
import { pathError } from './refusals.js'

export interface ReadOptions {
  /** The largest file that is read, in bytes; a larger one is refused, not cut. Default: 10 MiB. */
  readonly maxBytes?: number
}

const defaultMaxBytes = 10 * 1024 * 1024
const chunkBytes = 64 * 1024

/**
 * The content of a file inside `root`, opened as `openInside` does.
 *
 * @throws ToolError `path_not_allowed`, `path_not_found`, or `file_too_large`
 */
export async function readInside(root: string, path: string, options: ReadOptions = {}): Promise<Buffer> {
  const { maxBytes = defaultMaxBytes } = options
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 0) {
    throw new TypeError('"maxBytes" must be a whole number from 0.')
  }
  const handle = await openInside(root, path)
  try {
    const tooLarge = (await handle.stat()).size > maxBytes
    const content = tooLarge ? undefined : await readUpTo(handle, maxBytes)
    if (content !== undefined) return content
  } finally {
    await handle.close()
  }
  throw pathError('file_too_large', path, `has more than ${maxBytes} bytes, which is the most that is read`)
}

/** The size that was told is no promise: a file may grow meanwhile, and those of /proc say 0. */
async function readUpTo(handle: FileHandle, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let total = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, maxBytes - total + 1))
    const { bytesRead } = await handle.read(chunk, 0, chunk.length)
    if (bytesRead === 0) return Buffer.concat(chunks, total)
    total += bytesRead
    if (total > maxBytes) return undefined
    chunks.push(chunk.subarray(0, bytesRead))
  }
}
