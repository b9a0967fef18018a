import { image, result } from 'holdfast'
import { cells, type ToolCallResult } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, testServer, textOf } from '../protocol/support.js'

const Row = z.object({ id: z.number(), name: z.string() })
const rows = Array.from({ length: 5000 }, (_, id) => ({ id, name: `row number ${id}` }))
const budget = 8192

interface Cut {
  readonly path: string
  readonly kept: number
  readonly total?: number
  readonly unit: string
  readonly rest?: string
}

function cutsOf({ _meta }: ToolCallResult): readonly Cut[] {
  return (_meta?.['dev.holdfast/cut'] ?? []) as readonly Cut[]
}

/** What a result weighs that is told by its structured value. */
function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

describe.each(cells())('$name', (cell) => {
  const hasStructured = cell.revision >= '2025-06-18'

  it('cuts the longest array, says so twice, and leads to all of it', async () => {
    const { server } = testServer({ results: { bytes: budget } })
    const output = z.object({ title: z.string(), rows: z.array(Row).min(1) })
    server.tool('list', { description: 'Lists.', output }, () => ({ title: 'all', rows }))
    const client = await open(cell, server)
    const answer = await client.callTool('list')
    const kept = JSON.parse(textOf(answer)) as { title: string; rows: unknown[] }
    expect(kept.title).toBe('all')
    expect(kept.rows).toEqual(rows.slice(0, kept.rows.length))
    if (hasStructured) expect(answer.structuredContent).toEqual(kept)
    expect(bytesOf(kept)).toBeLessThan(budget)
    expect(bytesOf(kept)).toBeGreaterThan(budget - 3000)
    const [cut] = cutsOf(answer)
    expect(cut).toMatchObject({ path: 'rows', kept: kept.rows.length, total: rows.length, unit: 'items' })
    expect(textOf({ content: answer.content.slice(1) })).toContain(
      `"rows" has the first ${kept.rows.length} of ${rows.length} items`,
    )
    const read = await client.request<{ contents: { text: string; mimeType: string }[] }>('resources/read', {
      uri: cut?.rest ?? '',
    })
    expect(read.contents[0]?.mimeType).toBe('application/json')
    expect(JSON.parse(read.contents[0]?.text ?? '')).toEqual({ title: 'all', rows })
    expect(server.stats().counters).toMatchObject({ cutResults: 1, refusedResults: 0 })
  })

  it('takes of a source what fits, and leads to the rest', async () => {
    const { server } = testServer({ results: { bytes: budget } })
    let ended = 0
    server.tool('stream', { description: 'Streams.', output: z.array(Row) }, async function* () {
      try {
        yield* rows
      } finally {
        ended += 1
      }
    })
    const client = await open(cell, server)
    const answer = await client.callTool('stream')
    const kept = JSON.parse(textOf(answer)) as unknown[]
    if (hasStructured) {
      const wrapped = cell.stateless ? kept : { result: kept }
      expect(answer.structuredContent).toEqual(wrapped)
    }
    const [cut] = cutsOf(answer)
    expect(cut).toMatchObject({ path: '', kept: kept.length, total: rows.length })
    const read = await client.request<{ contents: { text: string }[] }>('resources/read', {
      uri: cut?.rest ?? '',
    })
    const rest = (read.contents[0]?.text ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect([...kept, ...rest]).toEqual(rows)
    expect(ended).toBe(1)
  })
})

const [cell] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
if (cell === undefined) throw new Error('There is no such cell.')

describe('a budget', () => {
  it('is counted in tokens, too, by the text of any script', async () => {
    const { server } = testServer({ spill: false })
    const words = Array.from({ length: 2000 }, () => '東京')
    server.tool(
      'words',
      { description: 'Words.', output: z.array(z.string()), maxResult: { tokens: 1024 } },
      () => words,
    )
    const answer = await (await open(cell, server)).callTool('words')
    const kept = answer.structuredContent as string[]
    // Two tokens of text and three quarters of marks.
    expect(kept.length).toBe(Math.floor((1024 - 512 - 0.5 + 0.25) / 2.75))
    expect(cutsOf(answer)).toEqual([{ path: '', kept: kept.length, total: 2000, unit: 'items' }])
    expect(textOf({ content: answer.content.slice(1) })).toContain('What is missing was not kept')
  })

  it('of a text ends with a line, and of one long line between two characters', async () => {
    const { server } = testServer({ spill: false, results: { bytes: 4096 } })
    const lines = Array.from({ length: 4000 }, (_, index) => `line ${index}`).join('\n')
    server.tool('lines', { description: 'Lines.' }, () => lines)
    server.tool('line', { description: 'A line.' }, () => `x${'😀'.repeat(3000)}`)
    const client = await open(cell, server)
    const text = textOf(await client.callTool('lines'))
    expect(lines.startsWith(text)).toBe(true)
    expect(text.endsWith('\n')).toBe(true)
    const line = await client.callTool('line')
    expect(textOf(line)).toMatch(/^x(?:😀)+$/u)
    expect(Buffer.byteLength(textOf(line))).toBe(2045)
    expect(cutsOf(line)).toEqual([{ path: 'content[0]', kept: 2045, total: 12_001, unit: 'bytes' }])
  })

  it('cuts a long text in the data where no array is long, if the schema takes it', async () => {
    const { server } = testServer({ spill: false, results: { bytes: 4096 } })
    const body = 'word '.repeat(2000)
    server.tool(
      'free',
      { description: 'Free.', output: z.object({ id: z.string(), body: z.string() }) },
      () => ({
        id: 'a',
        body,
      }),
    )
    server.tool('bound', { description: 'Bound.', output: z.object({ body: z.string().min(9000) }) }, () => ({
      body,
    }))
    const client = await open(cell, server)
    const free = await client.callTool('free')
    const { id, body: kept } = free.structuredContent as { id: string; body: string }
    expect(id).toBe('a')
    expect(body.startsWith(kept)).toBe(true)
    expect(cutsOf(free)).toEqual([{ path: 'body', kept: kept.length, total: body.length, unit: 'bytes' }])
    const bound = await client.callTool('bound')
    expect(bound.isError).toBe(true)
    expect(bound._meta?.['dev.holdfast/error']).toMatchObject({
      code: 'result_too_large',
      data: { bytes: 10_011, limit: 4096 },
    })
  })

  it('refuses images, and arrays that would be too short', async () => {
    const { server } = testServer({ results: { bytes: 4096 } })
    server.tool('picture', { description: 'Shows.' }, () => image(new Uint8Array(5000), 'image/png'))
    server.tool('all', { description: 'All.', output: z.array(Row).min(4000) }, () => rows)
    const client = await open(cell, server)
    for (const name of ['picture', 'all']) {
      const { isError, _meta } = await client.callTool(name)
      expect(isError).toBe(true)
      expect(_meta?.['dev.holdfast/error']).toMatchObject({ code: 'result_too_large' })
    }
    expect(server.stats().counters).toMatchObject({ cutResults: 0, refusedResults: 2 })
  })

  it('is shared by content and data; a text that repeats the data is cut with it', async () => {
    const { server } = testServer({ results: { bytes: 10_000 } })
    server.tool('both', { description: 'Both.' }, () =>
      result({ content: 'a line\n'.repeat(2000), structured: { rows } }),
    )
    server.tool('same', { description: 'Same.' }, () =>
      result({ content: JSON.stringify({ rows }), structured: { rows } }),
    )
    const client = await open(cell, server)
    const both = await client.callTool('both')
    expect(cutsOf(both).map(({ path }) => path)).toEqual(['rows', 'content[0]'])
    expect(Buffer.byteLength(textOf(both)) + bytesOf(both.structuredContent)).toBeLessThan(10_000)
    const read = await client.request<{ contents: { text: string }[] }>('resources/read', {
      uri: cutsOf(both)[0]?.rest ?? '',
    })
    expect(JSON.parse(read.contents[0]?.text ?? '')).toEqual({
      structured: { rows },
      text: 'a line\n'.repeat(2000),
    })
    const same = await client.callTool('same')
    expect(JSON.parse(textOf(same))).toEqual(same.structuredContent)
  })

  it('of a cached answer is kept once cut', async () => {
    const { server } = testServer({ results: { bytes: budget } })
    let made = 0
    server.tool(
      'kept',
      {
        description: 'Keeps.',
        annotations: { readOnlyHint: true },
        cache: { ttl: '1m' },
        output: z.array(Row),
      },
      () => {
        made += 1
        return rows
      },
    )
    const client = await open(cell, server)
    const first = await client.callTool('kept')
    expect(await client.callTool('kept')).toEqual(first)
    expect(made).toBe(1)
    expect(first.content.map(({ type }) => type)).toEqual(['text', 'text', 'resource_link'])
    expect(server.stats().counters.cutResults).toBe(1)
  })
})

describe('a source', () => {
  it('is pulled one item at a time, and ended where nothing is kept', async () => {
    const { server } = testServer({ spill: false })
    let pulled = 0
    let ended = 0
    const source = async function* (): AsyncGenerator<number> {
      try {
        for (;;) yield pulled++
      } finally {
        ended += 1
      }
    }
    server.tool('numbers', { description: 'Counts.', maxResult: { items: 10 } }, () => source())
    const answer = await (await open(cell, server)).callTool('numbers')
    expect(answer.structuredContent).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(cutsOf(answer)).toEqual([{ path: '', kept: 10, unit: 'items' }])
    expect({ pulled, ended }).toEqual({ pulled: 11, ended: 1 })
  })

  it('whose first item is too large alone is told as cut, and so is that item', async () => {
    const { server } = testServer({ results: { bytes: budget } })
    server.tool('stream', { description: 'Streams.', output: z.array(Row) }, async function* () {
      yield { id: 0, name: 'x'.repeat(20_000) }
      yield { id: 1, name: 'one' }
      yield { id: 2, name: 'two' }
    })
    const client = await open(cell, server)
    const cuts = cutsOf(await client.callTool('stream'))
    expect(cuts).toEqual([
      { path: '', kept: 1, total: 3, unit: 'items', rest: expect.stringMatching(/^spill:/) },
      { path: '[0].name', kept: expect.any(Number), total: 20_000, unit: 'bytes', rest: expect.any(String) },
    ])
    const { contents } = await client.request<{ contents: { text: string }[] }>('resources/read', {
      uri: cuts[0]?.rest ?? '',
    })
    expect(contents[0]?.text).toBe('{"id":1,"name":"one"}\n{"id":2,"name":"two"}\n')
  })

  it('is ended once when its call is cancelled', async () => {
    const { server } = testServer()
    let returned = 0
    let release: () => void = () => undefined
    const begun = new Promise<void>((resolve) => {
      server.tool('slow', { description: 'Waits.' }, () => ({
        [Symbol.asyncIterator]: () => ({
          next: () =>
            new Promise<IteratorResult<number>>((settle) => {
              release = () => settle({ done: false, value: 1 })
              resolve()
            }),
          return: () => {
            returned += 1
            return Promise.resolve({ done: true as const, value: undefined })
          },
        }),
      }))
    })
    const client = await open(cell, server)
    const controller = new AbortController()
    const call = client.callTool('slow', {}, { signal: controller.signal }).catch(() => undefined)
    await begun
    controller.abort()
    await expect.poll(() => returned).toBe(1)
    release()
    await call
    // Whatever the late item sets off has run when two turns are over.
    for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate)
    expect(server.stats().counters.cancelled).toBe(1)
    expect(returned).toBe(1)
  })

  it('that fails in the middle fails the call, also while the rest is kept', async () => {
    const { server, logged } = testServer({ results: { bytes: budget } })
    server.tool('early', { description: 'Fails.' }, async function* () {
      yield 1
      throw new Error('early')
    })
    server.tool('late', { description: 'Fails.' }, async function* () {
      yield* rows
      throw new Error('late')
    })
    const client = await open(cell, server)
    for (const name of ['early', 'late']) expect((await client.callTool(name)).isError).toBe(true)
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(2)
    const spilled = server.stats().bounded.filter(({ name }) => name.includes('spilled'))
    expect(spilled.map(({ size }) => size)).toEqual([0, 0])
  })
})
