import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { maxTexts, missingText, otherText } from './column-sample.js'
import { type Desk, openDesk } from './desk.js'
import type { RowPortion } from './stream-rows.js'

let directory: string
let desk: Desk
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'data-desk-portions-'))
  await writeFile(
    join(directory, 'counted.csv'),
    `n\n${Array.from({ length: 20_000 }, (_, n) => n).join('\n')}\n`,
  )
  await writeFile(
    join(directory, 'kinds.csv'),
    'whole,part,day,moment,flag,text\n1,0.5,2024-02-29,2024-02-29 12:30:00,true,a\n,,,,,\n3,inf,1969-12-31,1970-01-01 00:00:01,false,b\n4,1e3,,,,a\n',
  )
  await writeFile(join(directory, 'nested.json'), '[{"a":1,"b":[1,2]},{"a":2,"b":[]}]')
  await writeFile(
    join(directory, 'many.csv'),
    `text\n${Array.from({ length: maxTexts + 5 }, (_, n) => `t${n}`).join('\n')}\nt0\n`,
  )
  desk = await openDesk({ data: directory, connections: 1, exports: 1, waitMs: 100, exportTimeoutMs: 1000 })
})
afterAll(async () => {
  desk.close()
  await rm(directory, { recursive: true })
})

describe('sampleColumns', () => {
  it('brings numbers, moments and texts into shared memory', async () => {
    const sample = await desk.sampleColumns('kinds')
    expect(sample).toMatchObject({ totalRows: 4, rows: 4 })
    const columns = new Map(sample?.columns.map((column) => [column.name, column]))
    expect(columns.get('whole')).toMatchObject({
      kind: 'number',
      values: Float64Array.of(1, Number.NaN, 3, 4),
    })
    expect(columns.get('part')).toMatchObject({
      kind: 'number',
      values: Float64Array.of(0.5, Number.NaN, Number.NaN, 1000),
    })
    expect(columns.get('day')).toMatchObject({
      kind: 'time',
      values: Float64Array.of(Date.UTC(2024, 1, 29), Number.NaN, -86_400_000, Number.NaN),
    })
    expect(columns.get('moment')).toMatchObject({ kind: 'time' })
    expect(columns.get('flag')).toMatchObject({
      kind: 'text',
      codes: Int32Array.of(0, missingText, 1, missingText),
      texts: ['true', 'false'],
    })
    expect(columns.get('text')).toMatchObject({
      codes: Int32Array.of(0, missingText, 1, 0),
      texts: ['a', 'b'],
    })
    for (const column of columns.values()) {
      if (column.kind === 'nested') continue
      const { buffer } = column.kind === 'text' ? column.codes : column.values
      expect(buffer).toBeInstanceOf(SharedArrayBuffer)
    }
    const nested = await desk.sampleColumns('nested')
    expect(nested?.columns.map(({ kind }) => kind)).toEqual(['number', 'nested'])
  })

  it('draws as many rows as its limits let, the same each time', async () => {
    const limits = { rows: 5000, cells: 1000 }
    const [one, two] = [
      await desk.sampleColumns('counted', { limits }),
      await desk.sampleColumns('counted', { limits }),
    ]
    expect(one).toMatchObject({ totalRows: 20_000, rows: 1000 })
    expect(two).toEqual(one)
    const [column] = one?.columns ?? []
    if (column?.kind !== 'number') return expect.unreachable()
    expect(new Set(column.values).size).toBe(1000)
    expect(Math.max(...column.values)).toBeGreaterThan(1000)
  })

  it('keeps a bounded number of texts', async () => {
    const sample = await desk.sampleColumns('many')
    const [column] = sample?.columns ?? []
    if (column?.kind !== 'text') return expect.unreachable()
    expect(column.texts).toHaveLength(maxTexts)
    expect([...column.codes.slice(-6)]).toEqual([...new Array(5).fill(otherText), 0])
  })

  it('knows no dataset that is not there, and is refused as any query', async () => {
    expect(await desk.sampleColumns('nothing')).toBeUndefined()
    await expect(desk.sampleColumns('counted', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    })
  })
})

describe('streamRows', () => {
  const rowsOf = async (portions: AsyncIterable<RowPortion> | undefined): Promise<unknown[]> => {
    const rows: unknown[] = []
    for await (const portion of portions ?? []) rows.push(...portion.rows)
    return rows
  }
  const line = (name: string) => desk.stats().find((one) => one.name === name)

  it('gives all rows in their order, or the first', async () => {
    expect(await rowsOf(desk.streamRows('counted', { limit: 1_000_000 }))).toEqual(
      Array.from({ length: 20_000 }, (_, n) => [n]),
    )
    expect(await rowsOf(desk.streamRows('kinds', { limit: 1, columns: ['text', 'whole'] }))).toEqual([
      ['a', 1],
    ])
    expect(desk.streamRows('nothing', { limit: 1 })).toBeUndefined()
  })

  it('leaves queries their connections, and lets a bounded number read at once', async () => {
    const portions = desk.streamRows('counted', { limit: 20_000 })?.[Symbol.asyncIterator]()
    expect((await portions?.next())?.done).toBe(false)
    expect(line('exports')).toMatchObject({ size: 1, limit: 1 })
    expect((await desk.query('SELECT 42 AS n')).rows).toEqual([{ n: 42 }])
    await expect(rowsOf(desk.streamRows('counted', { limit: 1 }))).rejects.toMatchObject({
      code: 'desk_busy',
    })
    // Who stops taking rows gives its place back.
    await portions?.return?.()
    expect(line('exports')).toMatchObject({ size: 0 })
    expect(await rowsOf(desk.streamRows('counted', { limit: 1 }))).toEqual([[0]])
  })

  it('ends by its signal and by its time, also while nobody takes a row', async () => {
    for (const code of ['cancelled', 'query_timeout']) {
      const cancel = new AbortController()
      const portions = desk
        .streamRows('counted', { limit: 20_000, signal: cancel.signal })
        ?.[Symbol.asyncIterator]()
      await portions?.next()
      if (code === 'cancelled') cancel.abort()
      await expect.poll(() => line('exports')?.size, { timeout: 5000 }).toBe(0)
      const rest = async (): Promise<void> => {
        for (let step = await portions?.next(); step?.done === false; ) step = await portions?.next()
      }
      await expect(rest()).rejects.toMatchObject({ code })
    }
    expect(await rowsOf(desk.streamRows('counted', { limit: 1 }))).toEqual([[0]])
  })
})
