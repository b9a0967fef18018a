import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Has this process, and those it starts, keep sealing keys in a folder of their own and not in the user's.
 * @returns what removes the folder.
 */
export async function ownStateHome(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-state-'))
  process.env['XDG_STATE_HOME'] = directory
  return () => rm(directory, { recursive: true, force: true })
}
