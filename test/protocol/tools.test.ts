import { audio, createServer, embed, image, jsonSchema, link, result, text, toolsFor } from 'holdfast'
import { cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, refused, testServer, textOf } from './support.js'

const pixel = Uint8Array.from([0x89, 0x50, 0x4e, 0x47])
const icons = [{ src: 'https://example.com/i.png', sizes: ['48x48'] }]

describe.each(cells())('$name', (cell) => {
  const { revision, stateless } = cell

  it('lists a tool with the fields that the revision has (TOOL-01..03, TOOL-19, TOOL-20)', async () => {
    const { server } = testServer()
    server.tool(
      'find-order',
      {
        title: 'Find an order',
        description: 'Find one order by its number.',
        annotations: { readOnlyHint: true },
        icons,
        meta: { 'com.example/team': 'orders' },
        input: z.object({ orderId: z.string().describe('Order number') }),
        output: z.object({ total: z.number() }),
      },
      () => ({ total: 1 }),
    )
    const client = await open(cell, server)
    const [tool] = (await client.listTools()).tools
    const structured = revision >= '2025-06-18'
    expect(tool).toEqual({
      name: 'find-order',
      description: 'Find one order by its number.',
      inputSchema: expect.objectContaining({ type: 'object', required: ['orderId'] }) as object,
      ...(structured && {
        title: 'Find an order',
        outputSchema: expect.objectContaining({ type: 'object', required: ['total'] }) as object,
        annotations: { readOnlyHint: true },
        _meta: { 'com.example/team': 'orders' },
      }),
      // Before titles had a field of their own, they were an annotation.
      ...(revision === '2025-03-26' && { annotations: { title: 'Find an order', readOnlyHint: true } }),
      ...(revision >= '2025-11-25' && { icons }),
    })
  })

  it('a tool without input takes no arguments and says so (TOOL-08)', async () => {
    const { server } = testServer()
    server.tool('now', { description: 'Tells the time.' }, () => 'noon')
    const client = await open(cell, server)
    const [tool] = (await client.listTools()).tools
    expect(tool?.inputSchema).toEqual({ type: 'object', properties: {}, additionalProperties: false })
    expect(textOf(await client.request('tools/call', { name: 'now' }))).toBe('noon')
    expect((await client.callTool('now', { where: 'here' })).isError).toBe(true)
  })

  it('refuses calls of unknown tools and malformed calls as protocol errors (TOOL-09, TOOL-12)', async () => {
    const { server } = testServer()
    server.tool('now', { description: 'Tells the time.' }, () => 'noon')
    const client = await open(cell, server)
    const malformed: Message[] = [
      { name: 'nobody' },
      { name: 'constructor' },
      { name: '__proto__' },
      { name: 'Now' },
      { name: 7 },
      {},
      { name: 'now', arguments: [] },
      { name: 'now', arguments: null },
      { name: 'now', arguments: 7 },
    ]
    for (const params of malformed) {
      const refusal = await refused(client.request('tools/call', params))
      expect([params, refusal.code]).toEqual([params, -32602])
    }
    expect((await refused(client.callTool('nobody'))).message).toContain('"nobody"')
  })

  it('sends structured values as text too, and as structuredContent where there is such a field (TOOL-13, TOOL-14)', async () => {
    const { server } = testServer()
    const output = z.object({ total: z.number(), note: z.string().optional() })
    server.tool('sum', { description: 'Sums.', output }, () => ({ total: 3, note: undefined }))
    const client = await open(cell, server)
    const answered = await client.callTool('sum')
    expect(textOf(answered)).toBe('{"total":3}')
    expect(answered.structuredContent).toEqual(revision >= '2025-06-18' ? { total: 3 } : undefined)
    expect(answered.isError).toBeUndefined()
  })

  it('turns what a handler returns into what it means', async () => {
    const { server } = testServer()
    const values: Record<string, () => unknown> = {
      text: () => 'plain',
      empty: () => '',
      nothing: () => undefined,
      object: () => ({ content: [{ type: 'text', text: 'data, not protocol' }], isError: true }),
      nulled: () => null,
      number: () => 0,
      flag: () => false,
      list: () => [1, 'two'],
      none: () => [],
      block: () => text('a block'),
      blocks: () => [text('one'), text('two')],
      later: () => Promise.resolve('later'),
      full: () => result({ content: 'said', structured: { a: 1 }, meta: { 'com.example/x': 1 } }),
      failed: () => result({ content: 'no', isError: true }),
    }
    for (const [name, value] of Object.entries(values)) server.tool(name, { description: name }, value)
    const client = await open(cell, server)
    const call = async (name: string): Promise<unknown[]> => {
      const { content, structuredContent, isError } = await client.callTool(name)
      return [content.map((block) => ('text' in block ? block.text : block.type)), structuredContent, isError]
    }
    const wrapped = (value: unknown): unknown =>
      revision < '2025-06-18' ? undefined : stateless ? value : { result: value }
    const data = { content: [{ type: 'text', text: 'data, not protocol' }], isError: true }
    expect(await call('text')).toEqual([['plain'], undefined, undefined])
    expect(await call('empty')).toEqual([[''], undefined, undefined])
    expect(await call('nothing')).toEqual([[], undefined, undefined])
    expect(await call('object')).toEqual([
      [JSON.stringify(data)],
      revision < '2025-06-18' ? undefined : data,
      undefined,
    ])
    expect(await call('nulled')).toEqual([['null'], wrapped(null), undefined])
    expect(await call('number')).toEqual([['0'], wrapped(0), undefined])
    expect(await call('flag')).toEqual([['false'], wrapped(false), undefined])
    expect(await call('list')).toEqual([['[1,"two"]'], wrapped([1, 'two']), undefined])
    expect(await call('none')).toEqual([['[]'], wrapped([]), undefined])
    expect(await call('block')).toEqual([['a block'], undefined, undefined])
    expect(await call('blocks')).toEqual([['one', 'two'], undefined, undefined])
    expect(await call('later')).toEqual([['later'], undefined, undefined])
    expect(await call('full')).toEqual([['said'], revision < '2025-06-18' ? undefined : { a: 1 }, undefined])
    expect(await call('failed')).toEqual([['no'], undefined, true])
    expect((await client.callTool('full'))._meta).toMatchObject({ 'com.example/x': 1 })
  })

  it('masks values that JSON cannot carry, and logs where they stand', async () => {
    const { server, logged } = testServer()
    const values: Record<string, () => unknown> = {
      date: () => ({ order: { made: new Date(0) } }),
      bigint: () => ({ rows: [1n] }),
      nan: () => ({ mean: Number.NaN }),
      map: () => new Map(),
      cycle: () => {
        const self: Record<string, unknown> = {}
        self['self'] = self
        return self
      },
      function: () => ({ then_: () => 1 }),
    }
    for (const [name, value] of Object.entries(values)) server.tool(name, { description: name }, value)
    const client = await open(cell, server)
    for (const name of Object.keys(values)) {
      const answered = await client.callTool(name)
      expect([name, answered.isError]).toEqual([name, true])
      expect(textOf(answered)).toContain('for a reason of its own')
    }
    const faults = logged
      .filter(({ level }) => level === 'error')
      .map(({ fields }) => String(fields['error']))
    expect(faults[0]).toContain('"order.made"')
    expect(faults[1]).toContain('"rows[0]"')
    expect(faults[2]).toContain('"mean"')
    expect(faults).toHaveLength(6)
  })

  it('a tool that declares an output and returns nothing failed, and the log says so', async () => {
    const { server, logged } = testServer()
    const output = jsonSchema<{ a: number }>({ type: 'object' })
    server.tool('quiet', { description: 'Says nothing.', output }, () => result({}))
    const client = await open(cell, server)
    expect((await client.callTool('quiet')).isError).toBe(true)
    expect(String(logged.at(-1)?.fields['error'])).toContain('declares an output')
  })

  it('carries each kind of content in a form that the revision has (TOOL-15, TOOL-16)', async () => {
    const { server } = testServer()
    server.tool('all', { description: 'Everything.' }, () => [
      text('said', { annotations: { audience: ['user'], lastModified: '2026-01-01T00:00:00Z' } }),
      image(pixel, 'image/png'),
      audio('AAAA', 'audio/wav'),
      link({ uri: 'app://one', name: 'one', title: 'One' }),
      embed({ uri: 'app://two', text: 'two', mimeType: 'text/plain' }),
    ])
    const client = await open(cell, server)
    const { content } = await client.callTool('all')
    const lastModified = revision >= '2025-06-18' ? { lastModified: '2026-01-01T00:00:00Z' } : {}
    expect(content).toEqual([
      { type: 'text', text: 'said', annotations: { audience: ['user'], ...lastModified } },
      { type: 'image', data: 'iVBORw==', mimeType: 'image/png' },
      revision === '2024-11-05'
        ? { type: 'resource', resource: { uri: 'data:audio/wav', mimeType: 'audio/wav', blob: 'AAAA' } }
        : { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
      revision < '2025-06-18'
        ? { type: 'text', text: 'One: app://one' }
        : { type: 'resource_link', uri: 'app://one', name: 'one', title: 'One' },
      { type: 'resource', resource: { uri: 'app://two', mimeType: 'text/plain', text: 'two' } },
    ])
  })

  it('serves groups, tools from files of their own, and services', async () => {
    const db = { rows: () => 42 }
    const server = createServer({ name: 'x', version: '1', services: { db } })
    const count = toolsFor<{ db: typeof db }>()(
      'count',
      { description: 'Counts.', input: z.object({ plus: z.number() }) },
      ({ plus }, ctx) => String(ctx.services.db.rows() + plus),
    )
    server.add(count)
    const admin = server.group({ prefix: 'admin-', annotations: { destructiveHint: true } })
    admin.tool('drop', { description: 'Drops.', annotations: { idempotentHint: true } }, () => 'dropped')
    admin.group({ prefix: 'db-' }).tool('wipe', { description: 'Wipes.' }, () => 'wiped')
    const client = await open(cell, server)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['count', 'admin-drop', 'admin-db-wipe'])
    if (revision > '2024-11-05') {
      expect(tools[1]?.annotations).toEqual({ destructiveHint: true, idempotentHint: true })
      expect(tools[2]?.annotations).toEqual({ destructiveHint: true })
    }
    expect(textOf(await client.callTool('count', { plus: 1 }))).toBe('43')
    expect(textOf(await client.callTool('admin-db-wipe'))).toBe('wiped')
  })
})
