import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stateKey } from './state-key.js'

describe('stateKey', () => {
  let folder: string
  const warnings: string[] = []
  const warn = (message: string): void => {
    warnings.push(message)
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-key-'))
    warnings.length = 0
    vi.stubEnv('XDG_STATE_HOME', folder)
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('makes a key that only its owner can read, and finds it again', async () => {
    const first = await stateKey('orders', warn)
    const file = join(folder, 'holdfast', 'orders.key')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'holdfast'))).mode & 0o777).toBe(0o700)
    expect(await stateKey('orders', warn)).toEqual(first)
    expect(warnings).toEqual([])
  })

  it('gives processes that start together one key', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => stateKey('orders', warn)))
    expect(new Set(keys.map(([key]) => key)).size).toBe(1)
    expect(warnings).toEqual([])
  })

  it('gives each server a key of its own, whatever its name', async () => {
    const [orders] = await stateKey('orders', warn)
    const [odd] = await stateKey('../../orders', warn)
    expect(odd).not.toBe(orders)
    expect(await readFile(join(folder, 'holdfast', '.._.._orders.key'), 'utf8')).toBe(odd)
  })

  it('refuses a key that was cut short and says that sessions end with the process', async () => {
    await stateKey('orders', warn)
    await writeFile(join(folder, 'holdfast', 'orders.key'), 'short')
    const [key] = await stateKey('orders', warn)
    expect(key?.length).toBeGreaterThanOrEqual(32)
    expect(warnings[0]).toMatch(/sealing key cannot be kept .* Set "keys"/)
  })

  it('goes on without a folder that it may write to', async () => {
    vi.stubEnv('XDG_STATE_HOME', join(folder, 'file'))
    await writeFile(join(folder, 'file'), 'not a folder')
    await chmod(join(folder, 'file'), 0o600)
    expect((await stateKey('orders', warn))[0]?.length).toBeGreaterThanOrEqual(32)
    expect(warnings).toHaveLength(1)
  })
})
