import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { createMemoryBus } from '../../src/stores/memory/memory-bus.js'
import { open, refused, testServer } from '../protocol/support.js'
import { exported, memory, nothing, place, principal, read, spilled, spillServer } from './spill-server.js'

describe('a server that closes', () => {
  it('ends what is being written, and leaves nothing of it', async () => {
    const directory = place()
    const { server } = testServer({ spill: { directory } })
    let ended = 0
    server.tool('endless', { description: 'Spills.' }, async (_args, ctx) => {
      async function* source(): AsyncGenerator<Uint8Array> {
        try {
          for (;;) {
            yield new Uint8Array(100)
            await new Promise(setImmediate)
          }
        } finally {
          ended += 1
        }
      }
      return ctx.spill(source(), { name: 'endless' })
    })
    const client = await open(memory, server)
    const call = client.callTool('endless').catch(() => undefined)
    await expect.poll(() => readdirSync(directory).length).toBe(1)
    await server.close({ timeoutMs: 10 })
    expect(readdirSync(directory)).toEqual([])
    await expect.poll(() => ended).toBe(1)
    await call
  })
})

describe('the room for spilled results', () => {
  const limits = { maxBytes: 1000, maxBytesPerPrincipal: 500, maxFile: 300, maxFiles: 10 }

  async function code(client: TestClient, size: number): Promise<unknown> {
    const { _meta } = await client.callTool('export', { size })
    return (_meta?.['dev.holdfast/error'] as { code: string } | undefined)?.code
  }

  it('has a share for each caller: who took its own leaves the others theirs', async () => {
    const { server } = spillServer({ spill: limits })
    const ada = await open(memory, server, { principal: principal('ada') })
    const bob = await open(memory, server, { principal: principal('bob') })
    const eve = await open(memory, server, { principal: principal('eve') })
    expect(await code(ada, 320)).toBe('spill_failed')
    expect([await code(ada, 240), await code(ada, 240), await code(ada, 32)]).toEqual([
      undefined,
      undefined,
      'spill_failed',
    ])
    expect([await code(bob, 240), await code(bob, 240)]).toEqual([undefined, undefined])
    // All of it is taken now, and what was refused took nothing.
    expect(await code(eve, 240)).toBe('spill_failed')
    expect(spilled(server)).toEqual({ 'spilled results': 4, 'bytes of spilled results': 960 })
    const dropped = server
      .stats()
      .bounded.filter(({ name }) => name.includes('spilled'))
      .map((line) => line.dropped)
    expect(dropped[0]).toBe(1)
    expect(dropped[1]).toBeGreaterThan(0)
  })

  it('counts files, too', async () => {
    const { server } = spillServer({ spill: limits })
    const ada = await open(memory, server, { principal: principal('ada') })
    const bob = await open(memory, server, { principal: principal('bob') })
    expect([await code(ada, 16), await code(ada, 16), await code(ada, 16)]).toEqual([
      undefined,
      undefined,
      'spill_failed',
    ])
    expect(await code(bob, 16)).toBeUndefined()
  })

  it('does not keep a result from being cut', async () => {
    const { server, logged } = testServer({ spill: limits, results: { bytes: 4096 } })
    server.tool('list', { description: 'Lists.' }, () => Array.from({ length: 2000 }, (_, index) => index))
    const { isError, _meta } = await (await open(memory, server)).callTool('list')
    expect(isError).not.toBe(true)
    expect(_meta?.['dev.holdfast/cut']).toEqual([
      { path: '', kept: expect.any(Number), total: 2000, unit: 'items' },
    ])
    expect(logged.some(({ message }) => message.includes('could not be kept whole'))).toBe(true)
    expect(spilled(server)).toEqual(nothing)
  })
})

describe('a directory that all nodes see', () => {
  const keys = ['a secret of 32 characters or more']

  function node(directory: string, own = keys): ReturnType<typeof testServer> {
    return spillServer({
      keys: own,
      stores: { shared: true, bus: createMemoryBus() },
      spill: { directory, shared: true },
    })
  }

  it('lets one node read what another wrote, for the same principal', async () => {
    const directory = place()
    const [first, second] = [node(directory), node(directory)]
    const { uri } = await exported(await open(memory, first.server, { principal: principal('ada') }))
    const ada = await open(memory, second.server, { principal: principal('ada') })
    expect((await read(ada, uri)).text).toHaveLength(64)
    const bob = await open(memory, second.server, { principal: principal('bob') })
    await refused(bob.request('resources/read', { uri }))
    // Another node's files outlast the one that wrote them.
    await first.server.close({ timeoutMs: 100 })
    expect((await read(ada, uri)).text).toHaveLength(64)
  })

  it('believes nothing that the fleet did not seal for this very file', async () => {
    const directory = place()
    const [writer, reader, stranger] = [
      node(directory),
      node(directory),
      node(directory, ['another secret of 32 characters!']),
    ]
    const bob = await open(memory, writer.server, { principal: principal('bob') })
    const ada = await open(memory, writer.server, { principal: principal('ada') })
    await exported(bob)
    const [bobs = ''] = readdirSync(directory).filter((name) => name.endsWith('.meta'))
    const { uri } = await exported(ada)
    await refused(
      (await open(memory, stranger.server, { principal: principal('ada') })).request('resources/read', {
        uri,
      }),
    )
    // Bob's sealed word laid over Ada's.
    const [adas = ''] = readdirSync(directory).filter((name) => name.endsWith('.meta') && name !== bobs)
    copyFileSync(join(directory, bobs), join(directory, adas))
    await refused(
      (await open(memory, reader.server, { principal: principal('bob') })).request('resources/read', { uri }),
    )
  })
})
