import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { handClock, open, refused, testServer } from '../protocol/support.js'
import { exported, memory, nothing, place, principal, read, spilled, spillServer } from './spill-server.js'

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

  it('is swept although something else in the directory cannot be removed', async () => {
    const directory = place()
    // Of every such pair the directory lists one first.
    const [file, folder] = [`${'ab'.repeat(32)}.data`, `${'cd'.repeat(32)}.data`]
    writeFileSync(join(directory, file), 'left')
    for (const name of [folder, `${'01'.repeat(32)}.data`]) mkdirSync(join(directory, name))
    const past = new Date(Date.now() - 1000)
    for (const name of readdirSync(directory)) utimesSync(join(directory, name), past, past)
    const { server, logged } = spillServer({ spill: { directory } })
    await open(memory, server)
    await expect.poll(() => readdirSync(directory)).not.toContain(file)
    await expect.poll(() => logged.some(({ message }) => message.includes('could not be removed'))).toBe(true)
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
