import fc from 'fast-check'
import { jsonSchema, text } from 'holdfast'
import { cells } from 'holdfast/testing'
import { expect, it } from 'vitest'
import { compileSchema } from '../../src/schema/compile.js'
import { open, testServer } from '../protocol/support.js'
import { cases, missing } from './made-values.js'

const [cell] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
if (cell === undefined) throw new Error('There is no such cell.')
const memory = cell
const budget = 4096

interface Cut {
  readonly path: string
  readonly kept: number
  readonly total: number
  readonly unit: string
  readonly rest?: string
}

it('a result is within its budget and what its output says, with all that is missing told, or it is refused', async () => {
  const seen = { whole: 0, cut: 0, refused: 0 }
  const check = fc.asyncProperty(cases, fc.boolean(), async ({ schema, value }, spills) => {
    const { server } = testServer({ results: { bytes: budget }, ...(!spills && { spill: false }) })
    server.tool(
      'made',
      { description: 'Makes.', sanitize: false, output: jsonSchema(schema) },
      () => value as never,
    )
    const client = await open(memory, server)
    const { structuredContent, content, isError, _meta } = await client.callTool('made')
    await client.close()
    await server.close({ timeoutMs: 100 })
    if (isError === true) {
      expect(_meta?.['dev.holdfast/error']).toMatchObject({
        code: 'result_too_large',
        data: { limit: budget },
      })
      seen.refused += 1
      return
    }
    const { check } = compileSchema(schema, { role: 'output', owner: 'test' })
    expect(await check(structuredContent)).toMatchObject({ ok: true })
    const json = JSON.stringify(structuredContent)
    const isText = typeof structuredContent === 'string'
    expect(content[0]).toEqual({ type: 'text', text: isText ? structuredContent : json })
    const notices = content
      .slice(1)
      .map((block) => (block.type === 'text' ? block.text : JSON.stringify(block)))
    expect(Buffer.byteLength(json) + Buffer.byteLength(notices.join(''))).toBeLessThanOrEqual(budget)
    const cuts = (_meta?.['dev.holdfast/cut'] ?? []) as readonly Cut[]
    const found: string[] = []
    missing(JSON.parse(JSON.stringify(value)), structuredContent, '', found)
    expect(cuts.map(({ path, kept, total }) => `${path}: ${kept} of ${total}`).sort()).toEqual(found.sort())
    expect(content.length > 1).toBe(cuts.length > 0)
    seen[cuts.length > 0 ? 'cut' : 'whole'] += 1
  })
  await fc.assert(check, { numRuns: 150 })
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(3)
})

it('texts of any kind are within it, and told where they were cut', async () => {
  const { server } = testServer({ results: { bytes: budget } })
  let blocks: readonly string[] = []
  server.tool('texts', { description: 'Writes.', sanitize: false }, () => blocks.map((block) => text(block)))
  const client = await open(memory, server)
  const pieces = fc.array(fc.string({ unit: 'grapheme', minLength: 0, maxLength: 4000 }), {
    minLength: 1,
    maxLength: 6,
  })
  const check = fc.asyncProperty(pieces, async (given) => {
    blocks = given
    const { content, _meta } = await client.callTool('texts')
    const all = content.map((block) => (block.type === 'text' ? block.text : JSON.stringify(block)))
    expect(Buffer.byteLength(all.join(''))).toBeLessThanOrEqual(budget)
    const cuts = (_meta?.['dev.holdfast/cut'] ?? []) as readonly Cut[]
    const kept = cuts.length === 0 ? all : all.slice(0, -2)
    const [bytes] = cuts.filter(({ unit }) => unit === 'bytes')
    const [dropped] = cuts.filter(({ unit }) => unit === 'blocks')
    const index = bytes === undefined ? given.length : Number(/\d+/.exec(bytes.path)?.[0])
    expect(kept.join('')).toBe(
      given.slice(0, index).join('') +
        Buffer.from(given[index] ?? '')
          .subarray(0, bytes?.kept ?? 0)
          .toString(),
    )
    if (dropped !== undefined)
      expect(dropped).toMatchObject({ path: 'content', kept: index + 1, total: given.length })
    else expect(index).toBeGreaterThanOrEqual(given.length - 1)
    // What was kept whole leads back to all of it.
    if (cuts.length > 0) {
      const { contents } = await client.request<{ contents: { text: string }[] }>('resources/read', {
        uri: cuts[0]?.rest ?? '',
      })
      expect(contents[0]?.text).toBe(given.join('\n'))
    }
  })
  await fc.assert(check, { numRuns: 60 })
})
