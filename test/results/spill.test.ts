import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createServer } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { createMemoryBus } from '../../src/stores/memory/memory-bus.js'
import { open, refused, testServer } from '../protocol/support.js'
import { exported, type Link, memory, type Part, place, read, spillServer } from './spill-server.js'

describe.each(cells())('ctx.spill: $name', (where) => {
  it('keeps a source of any length and gives it in parts that end with a line', async () => {
    const { server } = spillServer()
    const client = await open(where, server)
    const size = 2_500_000
    const { content } = await client.callTool('export', { size })
    const [block] = content as unknown as (Link & { text: string })[]
    // Before 2025-06-18 a link is a text.
    const uri = block?.type === 'resource_link' ? block.uri : (block?.text ?? '').replace(/^.*: /, '')
    expect(uri).toMatch(/^spill:\/\/[\w-]{43}$/)
    const parts: Part[] = []
    for (let next: string | undefined = uri; next !== undefined; ) {
      const part: Part = await read(client, next)
      expect(part.uri).toBe(next)
      expect(Buffer.byteLength(part.text ?? '')).toBeLessThanOrEqual(1024 * 1024)
      expect(part.text?.endsWith('\n')).toBe(true)
      parts.push(part)
      next = part._meta['dev.holdfast/spill'].next
    }
    expect(parts.map(({ _meta }) => _meta['dev.holdfast/spill'].parts)).toEqual([3, 3, 3])
    const all = parts.map(({ text }) => text).join('')
    expect(all).toHaveLength(size)
    expect(all.slice(-16)).toBe('000000002499984\n')
  })
})

describe('ctx.spill', () => {
  it('takes texts, bytes, iterables and streams, and gives what is no text as bytes', async () => {
    const { server } = testServer()
    const sources = {
      text: () => 'ab\ud83d',
      bytes: () => new Uint8Array([0, 255]),
      iterable: () => ['a\ud83d', '\ude00b'],
      stream: () => Readable.from(['a', Buffer.from('é')]),
      web: () => new Blob(['web']).stream(),
    }
    for (const [name, make] of Object.entries(sources)) {
      const mimeType = name === 'bytes' ? 'application/octet-stream' : 'text/plain'
      server.tool(name, { description: 'Spills.' }, (_args, ctx) => ctx.spill(make(), { name, mimeType }))
    }
    const client = await open(memory, server)
    const got: Record<string, unknown> = {}
    for (const name of Object.keys(sources)) {
      const { content } = await client.callTool(name)
      const { text, blob } = await read(client, (content[0] as unknown as Link).uri)
      got[name] = text ?? blob
    }
    expect(got).toEqual({ text: 'ab\ufffd', bytes: 'AP8=', iterable: 'a😀b', stream: 'aé', web: 'web' })
  })

  it('is read no faster than it is written, and by several at once', async () => {
    const { server } = testServer()
    let ahead = 0
    let most = 0
    server.tool('large', { description: 'Spills.' }, (_args, ctx) => {
      async function* source(): AsyncGenerator<Uint8Array> {
        for (let piece = 0; piece < 40; piece += 1) {
          ahead += 1
          most = Math.max(most, ahead)
          yield new Uint8Array(100_000)
          ahead -= 1
        }
      }
      return ctx.spill(source(), { name: 'large', mimeType: 'application/octet-stream' })
    })
    const client = await open(memory, server)
    const { content } = await client.callTool('large')
    const { uri, size } = content[0] as unknown as Link
    expect({ most, size }).toEqual({ most: 1, size: 4_000_000 })
    const parts = await Promise.all(
      Array.from({ length: 8 }, (_, index) => read(client, `${uri}/${(index % 4) + 1}`)),
    )
    expect(new Set(parts.map(({ blob }) => blob?.length)).size).toBe(2)
  })

  it('stands in no list, and its capability is told once there is something', async () => {
    const { server } = spillServer()
    const client = await open(memory, server)
    const before = await client.request<{ capabilities: object }>('server/discover')
    expect(before.capabilities).not.toHaveProperty('resources')
    const { uri } = await exported(client)
    const after = await client.request<{ capabilities: object }>('server/discover')
    expect(after.capabilities).toMatchObject({ resources: {} })
    expect(await client.request('resources/list')).toMatchObject({ resources: [] })
    expect(await client.request('resources/templates/list')).toMatchObject({ resourceTemplates: [] })
    await refused(
      client.request('completion/complete', {
        ref: { type: 'ref/resource', uri },
        argument: { name: 'place', value: '' },
      }),
    )
  })

  it('is refused where there is no place for it, with the reason in the log', async () => {
    const shared = { shared: true, bus: createMemoryBus() }
    const keys = ['a secret of 32 characters or more']
    for (const options of [{ spill: false } as const, { stores: shared, keys }]) {
      const { server, logged } = spillServer(options)
      const { isError, _meta } = await (await open(memory, server)).callTool('export', { size: 1 })
      expect(isError).toBe(true)
      expect(_meta?.['dev.holdfast/error']).toMatchObject({ code: 'spill_failed' })
      expect(logged.some(({ fields }) => String(fields['cause']).includes('ctx.spill'))).toBe(true)
    }
    const base = { name: 'a', version: '1' }
    expect(() => createServer({ ...base, keys, stores: shared, spill: {} })).toThrow(
      /directory that all nodes see/,
    )
    expect(() => createServer({ ...base, spill: { shared: true } })).toThrow(/"spill.directory"/)
    expect(() => createServer({ ...base, spill: { shared: true, directory: '/x' } })).toThrow(/"keys"/)
  })

  it('tells the caller nothing of the file system', async () => {
    const directory = place()
    const file = join(directory, 'file')
    writeFileSync(file, '')
    const { server, logged } = spillServer({ spill: { directory: join(file, 'below') } })
    const answer = await (await open(memory, server)).callTool('export', { size: 1 })
    expect(answer._meta?.['dev.holdfast/error']).toMatchObject({ code: 'spill_failed', retryable: true })
    expect(JSON.stringify(answer)).not.toContain(file)
    expect(
      logged.some(({ level, fields }) => level === 'error' && String(fields['error']).includes('ENOTDIR')),
    ).toBe(true)
  })
})
