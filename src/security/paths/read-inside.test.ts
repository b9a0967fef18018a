import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readInside } from './read-inside.js'

let root = ''

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-read-')))
  await mkdir(join(root, 'docs'))
  await writeFile(join(root, 'empty'), '')
  await writeFile(join(root, 'ten'), '0123456789')
  await writeFile(
    join(root, 'bytes'),
    Uint8Array.from({ length: 200_000 }, (_, at) => at % 256),
  )
  await writeFile(join(root, 'large'), Buffer.alloc(10 * 1024 * 1024 + 1))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const tooLarge = { code: 'file_too_large' }

describe('readInside', () => {
  it('gives the bytes as they are', async () => {
    expect(await readInside(root, 'empty')).toEqual(Buffer.alloc(0))
    expect((await readInside(root, 'ten')).toString()).toBe('0123456789')
    const bytes = await readInside(root, 'bytes')
    expect([bytes.length, bytes.every((byte, at) => byte === at % 256)]).toEqual([200_000, true])
  })

  it('reads up to the limit and refuses one byte more', async () => {
    expect((await readInside(root, 'ten', { maxBytes: 10 })).length).toBe(10)
    await expect(readInside(root, 'ten', { maxBytes: 9 })).rejects.toMatchObject(tooLarge)
    await expect(readInside(root, 'ten', { maxBytes: 0 })).rejects.toMatchObject(tooLarge)
    expect((await readInside(root, 'empty', { maxBytes: 0 })).length).toBe(0)
    await expect(readInside(root, 'large')).rejects.toMatchObject(tooLarge)
    expect((await readInside(root, 'large', { maxBytes: 2 ** 40 })).length).toBe(10 * 1024 * 1024 + 1)
  })

  it('does not believe a size of 0', async () => {
    expect((await readInside('/proc/self', 'status')).toString()).toContain('Pid:')
    await expect(readInside('/proc/self', 'status', { maxBytes: 10 })).rejects.toMatchObject(tooLarge)
  })

  it('says what is too large and by how much at most', async () => {
    await expect(readInside(root, 'ten', { maxBytes: 9 })).rejects.toThrow(
      'The path "ten" has more than 9 bytes, which is the most that is read.',
    )
  })

  it('tells what is not there from what may not be read', async () => {
    await expect(readInside(root, 'docs/nothing')).rejects.toMatchObject({ code: 'path_not_found' })
    await expect(readInside(root, 'docs')).rejects.toMatchObject({ code: 'path_not_allowed' })
  })

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10'])(
    'refuses a limit of %s',
    async (maxBytes) => {
      await expect(readInside(root, 'ten', { maxBytes: maxBytes as number })).rejects.toThrow(TypeError)
    },
  )
})
