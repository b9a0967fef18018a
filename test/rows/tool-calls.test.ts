import { Ajv2020 } from 'ajv/dist/2020.js'
import { type JsonSchema, jsonSchema, type ToolOptions } from 'holdfast'
import { cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, testServer, textOf } from '../protocol/support.js'
import { fullServer, objectsIn, png, visitAll, wav } from './full-server.js'

const both = { transports: ['stdio', 'http'] } as const

describe.each(cells(both))('$name', (cell) => {
  const { revision } = cell

  it('carries pictures and sound whole, in blocks that the revision has (TOOL-15, TOOL-16)', async () => {
    const client = await open(cell, fullServer())
    const { content } = await client.callTool('media')
    const types = content.map(({ type }) => type)
    const audio = revision === '2024-11-05' ? 'resource' : 'audio'
    const link = revision < '2025-06-18' ? 'text' : 'resource_link'
    expect(types).toEqual(['text', 'image', audio, link, 'resource'])
    const encoded = objectsIn(content).flatMap(({ data, blob, mimeType }) =>
      data === undefined && blob === undefined
        ? []
        : [[mimeType, Buffer.from(String(data ?? blob), 'base64')]],
    )
    expect(encoded).toEqual([
      ['image/png', Buffer.from(png)],
      ['audio/wav', Buffer.from(wav)],
      ['image/png', Buffer.from(png)],
    ])
    for (const { data, blob } of objectsIn(content)) {
      if (data !== undefined || blob !== undefined)
        expect(data ?? blob).toMatch(/^(?:[\w+/]{4})*(?:[\w+/]{2}==|[\w+/]{3}=)?$/)
    }
  })

  it('says why a call failed without a trace of the inside (TOOL-17)', async () => {
    const client = await open(cell, fullServer())
    const texts: string[] = []
    for (const name of ['throws', 'fails', 'slow']) texts.push(textOf(await client.callTool(name)))
    texts.push(textOf(await client.callTool('echo', { say: 7 })))
    for (const text of texts) {
      expect(text).toMatch(/\w.*[.!?]$/s)
      expect(text).not.toMatch(/\n\s+at |node:|\/[a-z]+\/[a-z]+\/|\.[cm]?[jt]s\b|10\.0\.0\.7|Error:/)
    }
  })

  it('stands fifty calls at once (TOOL-27)', async () => {
    const client = await open(cell, fullServer())
    const calls = Array.from({ length: 50 }, (_, n) => client.callTool('echo', { say: String(n) }))
    const said = (await Promise.all(calls)).map((result) => [textOf(result), result.isError])
    expect(said).toEqual(Array.from({ length: 50 }, (_, n) => [String(n), undefined]))
    expect(textOf(await client.callTool('echo', { say: 'after' }))).toBe('after')
  })
})

describe.each(cells({ ...both, revisions: ['2025-06-18', '2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  it('gives a structured value that fits the listed schema, and the same as text (TOOL-13, TOOL-14)', async () => {
    const { server } = testServer()
    const outputs: [name: string, output: JsonSchema, value: unknown][] = [
      ['object', { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }, { n: 1.5 }],
      ['list', { type: 'array', items: { type: 'string' } }, ['é', '😀']],
      ['scalar', { type: ['integer', 'null'] }, null],
    ]
    for (const [name, output, value] of outputs) {
      server.tool(name, { description: 'A tool.', output: jsonSchema(output) }, () => value as never)
    }
    const client = await open(cell, server)
    const { tools } = await client.listTools()
    for (const [name, , value] of outputs) {
      const schema = tools.find((tool) => tool.name === name)?.outputSchema
      const result = await client.callTool(name)
      expect(Object.hasOwn(result, 'structuredContent')).toBe(true)
      expect(new Ajv2020().validate(schema ?? false, result.structuredContent)).toBe(true)
      expect(JSON.parse(textOf(result))).toEqual(value)
    }
  })

  it('sends metadata as objects only (TOOL-24)', async () => {
    const client = await open(cell, fullServer())
    const metas = objectsIn(await visitAll(client)).filter((object) => Object.hasOwn(object, '_meta'))
    expect(metas.length).toBeGreaterThan(3)
    for (const { _meta } of metas) expect(Object.prototype.toString.call(_meta)).toBe('[object Object]')
  })
})

describe.each(cells({ ...both, revisions: ['2026-07-28'] }))('$name', (cell) => {
  const define = (input: object) => () => {
    const { server } = testServer()
    return server.tool('t', { description: 'A tool.', input } as ToolOptions, () => 'x')
  }
  const withHeader = (header: unknown, type: unknown): object => ({
    type: 'object',
    properties: { a: { type, 'x-mcp-header': header } },
  })

  it('lists schemas less than 32 levels deep and of less than 2,000 schemas (TOOL-07)', async () => {
    const nested = (levels: number): Message =>
      levels === 1 ? { type: 'string' } : { type: 'object', properties: { a: nested(levels - 1) } }
    const wide = (count: number): Message => ({
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: count - 1 }, (_, n) => [`p${n}`, { type: 'string' }]),
      ),
    })
    expect(define(nested(33))).toThrow('32 levels')
    expect(define(wide(2001))).toThrow('2000 subschemas')
    const { server } = testServer()
    server.tool('deep', { description: 'Deep.', input: nested(31) } as ToolOptions, () => 'x')
    server.tool('wide', { description: 'Wide.', input: wide(1999) } as ToolOptions, () => 'x')
    const client = await open(cell, server)
    const [deep, broad] = (await client.listTools()).tools
    expect(levelsOf(deep?.inputSchema)).toBe(31)
    expect(Object.keys(broad?.inputSchema['properties'] as object)).toHaveLength(1998)
  })

  it('lists mirrored parameters that every client can send (TOOL-21)', async () => {
    for (const header of ['', 'a b', 'a:b', 'ä', 'a\r\nb', 7]) {
      expect(define(withHeader(header, 'string')), String(header)).toThrow('x-mcp-header')
    }
    for (const type of ['number', 'object', 'array', 'null', ['string', 'null'], undefined]) {
      expect(define(withHeader('A', type)), String(type)).toThrow('x-mcp-header')
    }
    const a = { type: 'string', 'x-mcp-header': 'Region' }
    expect(define({ type: 'object', properties: { a, b: { ...a, 'x-mcp-header': 'REGION' } } })).toThrow(
      'both',
    )
    for (const unreachable of [
      { items: a, type: 'array' },
      { anyOf: [a] },
      { type: 'object', additionalProperties: a },
      { $ref: '#/$defs/a' },
    ]) {
      expect(define({ type: 'object', properties: { list: unreachable }, $defs: { a } })).toThrow(
        'x-mcp-header',
      )
    }
    const { server } = testServer()
    const good = {
      type: 'object',
      properties: { a, in: { type: 'object', properties: { b: { type: 'integer', 'x-mcp-header': 'B' } } } },
    }
    server.tool('good', { description: 'A tool.', input: good } as ToolOptions, () => 'x')
    const client = await open(cell, server)
    expect((await client.listTools()).tools[0]?.inputSchema).toMatchObject(good)
  })

  it('mirrors no secret into a header, where proxies write it down (TOOL-22)', async () => {
    const { server } = testServer()
    for (const [at, name] of ['password', 'apiKey', 'access_token', 'clientSecret', 'ssn'].entries()) {
      const input = { type: 'object', properties: { [name]: { type: 'string', 'x-mcp-header': 'Value' } } }
      // Refused where it is defined, or else left out where it is listed.
      try {
        server.tool(`t${at}`, { description: 'A tool.', input } as ToolOptions, () => 'x')
      } catch (error) {
        expect(error).toHaveProperty('name', 'DefinitionError')
      }
    }
    server.tool('plain', { description: 'A tool.' }, () => 'x')
    const client = await open(cell, server)
    const { tools } = await client.listTools()
    expect(tools.at(-1)?.name).toBe('plain')
    expect(objectsIn(tools).filter((schema) => Object.hasOwn(schema, 'x-mcp-header'))).toEqual([])
  })

  it('lists what there is to every connection alike, while tools come and go (TOOL-30)', async () => {
    const server = fullServer()
    const [one, two] = [await open(cell, server), await open(cell, server)]
    const names = async (client: TestClient): Promise<string[]> =>
      (await client.listTools()).tools.map(({ name }) => name)
    const before = await names(one)
    const said: string[] = []
    const handle = server.tool('late', { description: 'A tool.' }, () => 'late')
    for (const step of [
      () => undefined,
      () => handle.disable(),
      () => handle.enable(),
      () => handle.remove(),
    ]) {
      step()
      said.push(textOf(await one.callTool('echo', { say: 'same' })))
      expect(await names(two)).toEqual(await names(one))
    }
    expect(said).toEqual(['same', 'same', 'same', 'same'])
    expect([await names(one), await names(two)]).toEqual([before, before])
  })
})

function levelsOf(schema: unknown): number {
  const { properties } = (schema ?? {}) as { properties?: { a?: unknown } }
  return properties?.a === undefined ? 1 : 1 + levelsOf(properties.a)
}
