import { checkSecrets, randomSecret } from '../security/sealer.js'

/**
 * The sealing key of a server that was given none, kept in the user's state directory so that session ids
 * outlive the process: `$XDG_STATE_HOME/holdfast/<name>.key`, by default under `~/.local/state`, on Windows
 * under `%LOCALAPPDATA%`. The file is readable by its owner only (0600, its folder 0700).
 *
 * Where nothing can be written the key lives as long as the process, and `warn` says so.
 */
export async function stateKey(
  serverName: string,
  warn: (message: string) => void,
): Promise<readonly string[]> {
  const [{ chmod, link, mkdir, readFile, rm, writeFile }, { join }] = await Promise.all([
    import('node:fs/promises'),
    import('node:path'),
  ])
  let folder = 'the state directory'
  let made: string | undefined
  try {
    folder = join(await stateFolder(), 'holdfast')
    const file = join(folder, `${serverName.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100)}.key`)
    made = `${file}.${crypto.randomUUID()}`
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const kept = await readFile(file, 'utf8').catch(() => undefined)
    if (kept !== undefined) return usable(kept)
    await writeFile(made, randomSecret(), { mode: 0o600, flag: 'wx' })
    await chmod(made, 0o600)
    // A link appears whole or not at all, and loses to whoever was first: all processes end up with one key.
    await link(made, file).catch(() => undefined)
    return usable(await readFile(file, 'utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    warn(
      `The sealing key cannot be kept in ${folder} (${reason}); sessions end with this process. Set "keys" to keep them.`,
    )
    return [randomSecret()]
  } finally {
    if (made !== undefined) await rm(made, { force: true }).catch(() => undefined)
  }
}

/** A key that was cut short would make tokens that can be forged. */
function usable(text: string): readonly string[] {
  const secrets = [text.trim()]
  checkSecrets(secrets)
  return secrets
}

async function stateFolder(): Promise<string> {
  const [{ homedir }, { join }] = await Promise.all([import('node:os'), import('node:path')])
  const { XDG_STATE_HOME, LOCALAPPDATA } = process.env
  if (XDG_STATE_HOME !== undefined && XDG_STATE_HOME !== '') return XDG_STATE_HOME
  if (process.platform === 'win32' && LOCALAPPDATA !== undefined) return LOCALAPPDATA
  return join(homedir(), '.local', 'state')
}
