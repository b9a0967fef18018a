import {
  type FileHandle,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rm,
  stat,
  unlink,
  utimes,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'holdfast-spill-'
/** A directory whose process lives is touched with every sweep, which is at most ten minutes ago. */
const leftBehindMs = 60 * 60 * 1000
/** No call writes for so long without a byte. */
const brokenOffMs = 24 * 60 * 60 * 1000
const ourFile = /^[0-9a-f]{64}\.(?:data|meta)(\.part)?$/

/** Files of one directory: 0600, written under another name until they are whole, and dated with the time until which they count. */
export class SpillDirectory {
  readonly path: string
  /** Made for this process alone, and removed with it. */
  readonly #isOwn: boolean

  private constructor(path: string, isOwn: boolean) {
    this.path = path
    this.#isOwn = isOwn
  }

  /** @throws Error when the directory cannot be made, or others may write to it */
  static async open(path: string | undefined): Promise<SpillDirectory> {
    if (path === undefined) {
      await removeLeftBehind()
      // mkdtemp makes it 0700.
      return new SpillDirectory(await mkdtemp(join(tmpdir(), prefix)), true)
    }
    await mkdir(path, { recursive: true, mode: 0o700 })
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o002) !== 0) {
      throw new Error(`Everyone may write to ${path}; give "spill.directory" one of its own, with mode 0700.`)
    }
    return new SpillDirectory(path, false)
  }

  /** A file that nobody reads yet. */
  create(name: string): Promise<FileHandle> {
    return open(join(this.path, `${name}.part`), 'wx', 0o600)
  }

  /** From here on it can be read, until `expiresAt`. */
  async finish(name: string, expiresAt: number): Promise<void> {
    const part = join(this.path, `${name}.part`)
    await utimes(part, new Date(), new Date(expiresAt))
    await rename(part, join(this.path, name))
  }

  /** Whatever there is of it. */
  async remove(name: string): Promise<void> {
    await Promise.all([name, `${name}.part`].map((file) => removeFile(join(this.path, file))))
  }

  /**
   * Removes the files of anyone whose time is over. Gives the bytes of what is left and not in `own`, and why the first that could not be
   * removed was not: another user's, say, which keeps no other from going.
   * @throws Error when the directory cannot be read
   */
  async sweep(
    now: number,
    own: (name: string) => boolean,
  ): Promise<{ readonly foreignBytes: number; readonly failure: unknown }> {
    let foreignBytes = 0
    let failure: unknown
    if (this.#isOwn) {
      await utimes(this.path, new Date(now), new Date(now))
      return { foreignBytes, failure }
    }
    for (const file of await readdir(this.path)) {
      const match = ourFile.exec(file)
      if (match === null || own(file)) continue
      const found = await lstat(join(this.path, file)).catch(() => undefined)
      if (found === undefined) continue
      const isOver = match[1] === undefined ? found.mtimeMs <= now : found.mtimeMs + brokenOffMs <= now
      const left = !isOver || (await removeFile(join(this.path, file)).catch((error: unknown) => ({ error })))
      if (left === undefined) continue
      foreignBytes += found.size
      if (left !== true) failure ??= left.error
    }
    return { foreignBytes, failure }
  }

  /** Removes the directory if it was made for this process. */
  async close(): Promise<void> {
    if (this.#isOwn) await rm(this.path, { recursive: true, force: true })
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Directories of processes that ended without removing theirs: our own user's, and long not touched. */
async function removeLeftBehind(): Promise<void> {
  const parent = tmpdir()
  const names = await readdir(parent).catch(() => [])
  for (const name of names.filter((one) => one.startsWith(prefix))) {
    const path = join(parent, name)
    try {
      const found = await lstat(path)
      const isOurs = found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid())
      if (isOurs && found.mtimeMs + leftBehindMs < Date.now())
        await rm(path, { recursive: true, force: true })
    } catch {
      // Another process may be sweeping, too.
    }
  }
}
