import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createServer, type Principal, type ServerOptions } from 'holdfast'
import { cells, type TestClient } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryBus } from '../../src/stores/memory/memory-bus.js'
import { handClock, open, refused, testServer } from '../protocol/support.js'

const [cell] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
if (cell === undefined) throw new Error('There is no such cell.')
const memory = cell

interface Link {
  readonly type: string
  readonly uri: string
  readonly size: number
  readonly description: string
  readonly _meta: { readonly 'dev.holdfast/spill': { readonly expiresAt: string; readonly parts: number } }
}

interface Part {
  readonly uri: string
  readonly mimeType: string
  readonly text?: string
  readonly blob?: string
  readonly _meta: {
    readonly 'dev.holdfast/spill': { readonly part: number; readonly parts: number; readonly next?: string }
  }
}

function principal(subject: string): Principal {
  return { kind: 'user', issuer: 'https://idp.example', subject, permissions: new Set(), claims: {} }
}

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-spill-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A server with a tool that spills what it is told to. */
function spillServer(options: Partial<ServerOptions> = {}): ReturnType<typeof testServer> {
  const made = testServer(options)
  made.server.tool(
    'export',
    {
      description: 'Exports.',
      input: {
        type: 'object',
        properties: { size: { type: 'integer', description: 'Bytes.' } },
        required: ['size'],
      } as const,
    },
    async ({ size }, ctx) => ctx.spill(lines(size), { name: 'lines.txt', description: 'Lines.' }),
  )
  return made
}

/** Lines of sixteen bytes. */
async function* lines(size: number): AsyncGenerator<string> {
  for (let at = 0; at < size; at += 16) yield `${String(at).padStart(15, '0')}\n`
}

async function exported(client: TestClient, size = 64): Promise<Link> {
  const { content, isError } = await client.callTool('export', { size })
  expect({ isError, content }).toMatchObject({ content: [{ type: 'resource_link' }] })
  return content[0] as unknown as Link
}

async function read(client: TestClient, uri: string): Promise<Part> {
  const { contents } = await client.request<{ contents: Part[] }>('resources/read', { uri })
  const [part] = contents
  if (part === undefined) throw new Error('Nothing was read.')
  return part
}

function spilled(server: ReturnType<typeof testServer>['server']): Record<string, number> {
  const found = server.stats().bounded.filter(({ name }) => name.includes('spilled'))
  return Object.fromEntries(found.map(({ name, size }) => [name, size]))
}

const nothing = { 'spilled results': 0, 'bytes of spilled results': 0 }

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

describe('a spilled result', () => {
  it('is read by the principal it was written for, and to others it is not there', async () => {
    const { server } = spillServer()
    const ada = await open(memory, server, { principal: principal('ada') })
    const bob = await open(memory, server, { principal: principal('bob') })
    const nobody = await open(memory, server)
    const { uri } = await exported(ada)
    expect((await read(ada, uri)).text).toHaveLength(64)
    const unknown = `spill://${'A'.repeat(43)}`
    const answers = await Promise.all(
      [bob, nobody, ada].map((client) =>
        refused(client.request('resources/read', { uri: client === ada ? unknown : uri })),
      ),
    )
    const told = answers.map(({ code, message }) => ({
      code,
      message: message.replaceAll(/spill:\/\/[\w-]+/g, 'URI'),
    }))
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1)
  })

  it('of an anonymous caller is read by whoever has its id', async () => {
    const { server } = spillServer()
    const { uri } = await exported(await open(memory, server))
    expect((await read(await open(memory, server, { principal: principal('ada') }), uri)).text).toHaveLength(
      64,
    )
  })

  it('is found by no other spelling, and leads to no other file', async () => {
    const directory = place()
    writeFileSync(join(directory, 'secret.data'), 'secret')
    const { server } = spillServer({ spill: { directory } })
    const client = await open(memory, server)
    const { uri } = await exported(client)
    const id = uri.slice('spill://'.length)
    const [file = ''] = readdirSync(directory).filter((name) => name !== 'secret.data')
    expect(file).not.toContain(id)
    const attempts = [
      'spill://../secret.data',
      'spill://secret',
      `spill://${file}`,
      `spill://${file.slice(0, 43)}`,
      `spill://..%2f${id}`,
      `${uri}/`,
      `${uri}/0`,
      `${uri}/2`,
      `${uri}/01`,
      `${uri}/1e0`,
      `${uri}/../${id}`,
      `${uri}?a`,
      `${uri}%00`,
      `SPILL://${id}`,
      `spill://${id.slice(0, -1)}`,
      `spill://${id.toUpperCase() === id ? id.toLowerCase() : id.toUpperCase()}`,
    ]
    for (const attempt of attempts) {
      const { code } = await refused(client.request('resources/read', { uri: attempt }))
      expect({ attempt, code }).toEqual({ attempt, code: -32602 })
    }
    expect((await read(client, `${uri}/1`)).text).toHaveLength(64)
  })

  it('is a file that only its user may read, in a directory that only its user may enter', async () => {
    const directory = join(place(), 'fresh')
    const { server } = spillServer({ spill: { directory } })
    await exported(await open(memory, server))
    const [file = ''] = readdirSync(directory)
    expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    const loose = place()
    chmodSync(loose, 0o777)
    const { server: other, logged } = spillServer({ spill: { directory: loose } })
    const { _meta } = await (await open(memory, other)).callTool('export', { size: 1 })
    expect(_meta?.['dev.holdfast/error']).toMatchObject({ code: 'spill_failed' })
    expect(logged.some(({ fields }) => String(fields['error']).includes('Everyone may write'))).toBe(true)
  })

  it('ends with its time, is swept, and what was begun to be read is read to its end', async () => {
    const clock = handClock(Date.now())
    const directory = place()
    const { server } = spillServer({ clock, spill: { directory, ttl: '10m', sweep: '1m' } })
    const client = await open(memory, server)
    const { uri, _meta, description } = await exported(client, 2_000_000)
    const until = new Date(clock.now() + 600_000).toISOString()
    expect(_meta['dev.holdfast/spill'].expiresAt).toBe(until)
    expect(description).toBe(`Lines. Kept until ${until}.`)
    clock.advance(599_999)
    const begun = read(client, uri)
    clock.advance(1)
    const ends = await Promise.allSettled([begun, read(client, uri)])
    expect(ends[1]?.status).toBe('rejected')
    if (ends[0]?.status === 'fulfilled')
      expect(Buffer.byteLength(ends[0].value.text ?? '')).toBeGreaterThan(1_000_000)
    const left = (): readonly string[] => {
      clock.advance(60_000)
      return readdirSync(directory)
    }
    await expect.poll(left).toEqual([])
    expect(spilled(server)).toEqual(nothing)
  })

  it('that a dead process left is swept at the start, and what is none of ours stays', async () => {
    const directory = place()
    const name = 'ab'.repeat(32)
    const put = (file: string, ageMs: number): void => {
      writeFileSync(join(directory, file), 'left')
      const at = new Date(Date.now() - ageMs)
      utimesSync(join(directory, file), at, at)
    }
    put(`${name}.data`, 1000)
    put(`${name}.meta`, 1000)
    put(`${name}.data.part`, 25 * 60 * 60 * 1000)
    put(`${'cd'.repeat(32)}.data`, -60_000)
    put('notes.txt', 1000)
    const { server } = spillServer({ spill: { directory } })
    // Without a call: with the first client the directory is looked over.
    await open(memory, server)
    await expect.poll(() => readdirSync(directory).sort()).toEqual([`${'cd'.repeat(32)}.data`, 'notes.txt'])
  })

  it('goes with the server: the directory that was made for it, or the files in one that was named', async () => {
    const home = place()
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = home
    onTestFinished(() => {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    })
    const old = join(home, 'holdfast-spill-left')
    mkdirSync(old)
    utimesSync(old, new Date(0), new Date(0))
    const { server } = spillServer()
    await exported(await open(memory, server))
    expect(existsSync(old)).toBe(false)
    const [own = ''] = readdirSync(home)
    expect(own).toMatch(/^holdfast-spill-/)
    expect(statSync(join(home, own)).mode & 0o777).toBe(0o700)
    await server.close({ timeoutMs: 100 })
    expect(readdirSync(home)).toEqual([])

    const directory = place()
    const { server: named } = spillServer({ spill: { directory } })
    await exported(await open(memory, named))
    await named.close({ timeoutMs: 100 })
    expect(readdirSync(directory)).toEqual([])
  })

  it('leaves nothing when its source fails, is cancelled, or its call times out', async () => {
    const directory = place()
    const { server } = testServer({ spill: { directory }, timeout: '100ms' })
    const returned: string[] = []
    const source = (name: string) => {
      async function* made(): AsyncGenerator<Uint8Array> {
        try {
          yield new Uint8Array(200_000)
          if (name === 'fails') throw new Error('The source failed.')
          for (;;) {
            yield new Uint8Array(10)
            await new Promise((resolve) => setTimeout(resolve, 1))
          }
        } finally {
          returned.push(name)
        }
      }
      return made()
    }
    for (const name of ['fails', 'times-out', 'is-cancelled']) {
      const options = { description: 'Spills.', ...(name === 'is-cancelled' && { timeout: '1m' as const }) }
      server.tool(name, options, (_args, ctx) =>
        ctx.spill(source(name), { name, mimeType: 'application/octet-stream' }),
      )
    }
    const client = await open(memory, server)
    for (const name of ['fails', 'times-out']) expect((await client.callTool(name)).isError).toBe(true)
    const controller = new AbortController()
    const call = client.callTool('is-cancelled', {}, { signal: controller.signal }).catch(() => undefined)
    await expect.poll(() => readdirSync(directory).length).toBe(1)
    controller.abort()
    await call
    await expect.poll(() => readdirSync(directory)).toEqual([])
    await expect.poll(() => returned.toSorted()).toEqual(['fails', 'is-cancelled', 'times-out'])
    expect(spilled(server)).toEqual(nothing)
  })
})

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
