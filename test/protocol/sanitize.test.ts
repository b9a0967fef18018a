import { embed, image, link, result, text } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, testServer } from './support.js'

const hidden = '\u{e0049}\u{e0067}\u{e006e}\u{e006f}\u{e0072}\u{e0065}'
const red = '\u001b[31mred\u001b[0m'
const smuggled = `Total: 5${hidden} ${red}\u202e.`
const kept = 'Total: 5 red.'
const removed = [
  { kind: 'ansi', count: 2 },
  { kind: 'bidi', count: 1 },
  { kind: 'tag', count: 6 },
]
const persian =
  'می\u200cخواهم 👩\u200d👩\u200d👧 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} क्\u200dष'

describe.each(cells())('results, $name', (cell) => {
  it('come without what nobody would see, and say what was taken out', async () => {
    const { server, logged } = testServer()
    server.tool('speak', { description: 'Speaks.' }, () => smuggled)
    const client = await open(cell, server)
    const answer = await client.callTool('speak')
    expect(answer.content).toEqual([{ type: 'text', text: kept }])
    expect(answer._meta).toMatchObject({ 'dev.holdfast/removed': removed })
    await client.callTool('speak')
    const told = logged.filter(({ message }) => message.includes('hidden characters'))
    expect(told.map(({ level, fields }) => [level, fields['removed']])).toEqual([
      ['warn', removed],
      ['debug', removed],
    ])
    expect(server.stats().counters.sanitizedResults).toBe(2)
  })

  it('keep what a script or an emoji is written with', async () => {
    const { server } = testServer()
    server.tool('speak', { description: 'Speaks.' }, async () => persian)
    const client = await open(cell, server)
    const answer = await client.callTool('speak')
    expect(answer.content).toEqual([{ type: 'text', text: persian }])
    expect(answer._meta ?? {}).not.toHaveProperty('dev.holdfast/removed')
    expect(server.stats().counters.sanitizedResults).toBe(0)
  })

  it('are clean in each block that is read, and untouched in the others', async () => {
    const { server } = testServer()
    const data = new Uint8Array([0, 1, 2])
    server.tool('blocks', { description: 'Blocks.' }, () => [
      text(smuggled),
      image(data, 'image/png'),
      link({ uri: 'app://a', name: `a${hidden}`, description: smuggled }),
      embed({ uri: 'app://b', mimeType: 'text/plain', text: smuggled }),
    ])
    const client = await open(cell, server)
    const { content } = await client.callTool('blocks')
    expect(JSON.stringify(content)).not.toMatch(/\\u001b|[\u202e\u{e0000}-\u{e007f}]/u)
    expect(content[0]).toEqual({ type: 'text', text: kept })
    expect(content[1]).toMatchObject({ type: 'image', data: 'AAEC' })
    expect(JSON.stringify(content[3])).toContain(kept)
  })

  it('are clean before their output is validated', async () => {
    const { server } = testServer()
    const output = z.object({ state: z.enum(['open', 'closed']), notes: z.record(z.string(), z.string()) })
    server.tool('state', { description: 'The state.', output }, () => ({
      state: `op${hidden}en` as 'open',
      notes: { [`k${hidden}ey`]: smuggled },
    }))
    const client = await open(cell, server)
    const answer = await client.callTool('state')
    expect(answer.isError ?? false).toBe(false)
    const expected = { state: 'open', notes: { key: kept } }
    expect(answer.structuredContent ?? JSON.parse((answer.content[0] as { text: string }).text)).toEqual(
      expected,
    )
  })

  it('are clean where they are instances of classes, and untouched where those are clean', async () => {
    class Row {
      readonly note: string
      constructor(note: string) {
        this.note = note
      }
    }
    class Written extends Row {
      toJSON(): object {
        return { written: this.note }
      }
    }
    const { server } = testServer()
    server.tool('rows', { description: 'Rows.' }, () => ({
      rows: [new Row(smuggled), new Written(smuggled)],
    }))
    server.tool('clean', { description: 'Rows.' }, () => ({ rows: [new Row('a'), new Written('b')] }))
    const client = await open(cell, server)
    const read = async (name: string): Promise<unknown> =>
      JSON.parse(((await client.callTool(name)).content[0] as { text: string }).text)
    expect(await read('rows')).toEqual({ rows: [{ note: kept }, { written: kept }] })
    expect(await read('clean')).toEqual({ rows: [{ note: 'a' }, { written: 'b' }] })
  })

  it('are clean where they are errors', async () => {
    const { server } = testServer()
    server.tool('fail', { description: 'Fails.' }, (_args, ctx) => {
      throw ctx.error('backend_failed', {
        message: smuggled,
        hint: `Wait${hidden}.`,
        data: { said: smuggled },
      })
    })
    server.tool('fail-later', { description: 'Fails.' }, async (_args, ctx) => {
      throw ctx.error('backend_failed', { message: smuggled })
    })
    const client = await open(cell, server)
    const now = await client.callTool('fail')
    expect([now.isError, now.content]).toEqual([true, [{ type: 'text', text: `${kept} Wait.` }]])
    expect(now._meta).toMatchObject({
      'dev.holdfast/error': { code: 'backend_failed', message: kept, hint: 'Wait.', data: { said: kept } },
    })
    const later = await client.callTool('fail-later')
    expect([later.isError, later.content]).toEqual([true, [{ type: 'text', text: kept }]])
  })

  it('are sent as they are where a tool says so', async () => {
    const { server } = testServer()
    server.tool('raw', { description: 'Raw.', sanitize: false }, () => smuggled)
    server.group({ prefix: 'g-', sanitize: false }).tool('raw', { description: 'Raw.' }, () => smuggled)
    const client = await open(cell, server)
    for (const name of ['raw', 'g-raw']) {
      expect((await client.callTool(name)).content).toEqual([{ type: 'text', text: smuggled }])
    }
  })

  it('are clean where a middleware of the user put them', async () => {
    const { server } = testServer()
    server.use(async (_call, next) => {
      await next()
      return result({ content: smuggled })
    })
    server.tool('speak', { description: 'Speaks.' }, () => 'x')
    const client = await open(cell, server)
    expect((await client.callTool('speak')).content).toEqual([{ type: 'text', text: kept }])
  })
})
