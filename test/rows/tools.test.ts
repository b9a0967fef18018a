import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { jsonSchema, type ToolOptions } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, testServer } from '../protocol/support.js'
import { fullServer, objectsIn } from './full-server.js'

const both = { transports: ['stdio', 'http'] } as const
type Schema = Readonly<Record<string, unknown>>

/** Whether the schema is one of the dialect that it names; ajv throws where it is not. */
function compiles(schema: Schema): boolean {
  const isDraft07 = String(schema['$schema']).includes('draft-07')
  const ajv = isDraft07 ? new Ajv({ strict: false }) : new Ajv2020({ strict: false })
  ajv.compile(schema)
  return true
}

/** A server where a tool with these options is defined or refused. */
function defining(): (name: string, options: Partial<ToolOptions> | object) => () => unknown {
  const { server } = testServer()
  return (name, options) => () =>
    server.tool(name, { description: 'A tool.', ...options } as ToolOptions, () => 'x')
}

describe.each(cells(both))('$name', (cell) => {
  it('lists no text that looks other than it is: no escapes, no hidden characters (TOOL-25)', async () => {
    const { server } = testServer()
    const hidden = ['\u001b[2J', '\u0008', '\u202e', '\u2066', '\u200b', '\u2060', '\u{e0041}']
    for (const [at, character] of hidden.entries()) {
      const text = `Adds.${character} Reads.`
      const input = {
        type: 'object',
        properties: { a: { type: 'string', description: text } },
      } as const
      for (const [kind, options] of [
        ['described', { description: text }],
        ['titled', { description: 'A tool.', title: text }],
        ['taking', { description: 'A tool.', input }],
      ] as const) {
        // Refused where it is defined, or else cleaned where it is listed.
        try {
          server.tool(`${kind}-${at}`, options, () => 'x')
        } catch (error) {
          expect(error).toHaveProperty('name', 'DefinitionError')
        }
      }
    }
    server.tool('plain', { description: 'Größe\tin Zeilen\nund Emoji 👩‍💻 ist erlaubt.' }, () => 'x')
    const client = await open(cell, server)
    const { tools } = await client.listTools()
    expect(tools.at(-1)?.name).toBe('plain')
    for (const { name, title = '', description = '', inputSchema } of tools) {
      const described = objectsIn(inputSchema).map((schema) => String(schema['description'] ?? ''))
      const shown = [title, description, ...described].join(' ')
      expect([name, hidden.filter((character) => shown.includes(character))]).toEqual([name, []])
    }
  })

  it('lists names that clients can call, each once (TOOL-01, TOOL-02)', async () => {
    const { server } = testServer()
    const names = ['a', 'x'.repeat(128), 'A-Z_a.z-0', 'a.b', 'A']
    for (const name of names) server.tool(name, { description: 'A tool.' }, () => name)
    const define = defining()
    for (const name of ['', 'x'.repeat(129), 'a b', 'a/b', 'ä', 'a\n', 'a:b']) {
      expect(define(name, {}), name).toThrow('1 to 128')
    }
    expect(() => server.tool('a', { description: 'Again.' }, () => 'x')).toThrow('"a"')
    const client = await open(cell, server)
    const listed = (await client.listTools()).tools.map(({ name }) => name)
    expect(listed).toEqual(names)
    for (const name of listed) expect(name).toMatch(/^[A-Za-z0-9_.-]{1,128}$/)
  })

  it('lists an input schema with an object at its root, whatever it was written in (TOOL-03, TOOL-04)', async () => {
    const { server } = testServer()
    const inputs = {
      none: undefined,
      zod: z.object({ at: z.iso.datetime().optional(), kind: z.enum(['a', 'b']) }),
      plain: { type: 'object', properties: { n: { $ref: '#/$defs/n' } }, $defs: { n: { type: 'integer' } } },
      older: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] } },
      },
    }
    for (const [name, input] of Object.entries(inputs)) {
      const options =
        input === undefined ? {} : { input: 'parse' in input ? input : jsonSchema(input as never) }
      server.tool(name, { description: 'A tool.', ...options } as ToolOptions, () => 'x')
    }
    const define = defining()
    for (const input of [
      { type: 'array' },
      { type: ['object', 'null'] },
      z.string(),
      z.union([z.object({}), z.null()]),
    ]) {
      expect(define('wrong', { input })).toThrow('type: "object"')
    }
    const unknown = 'https://json-schema.org/draft/2019-09/schema'
    expect(define('wrong', { input: { $schema: unknown, type: 'object' } })).toThrow('unknown dialect')
    expect(define('wrong', { input: { type: 'object', properties: { a: { type: 'text' } } } })).toThrow(
      'type',
    )
    const client = await open(cell, server)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(Object.keys(inputs))
    for (const { inputSchema } of tools) {
      expect(inputSchema['type']).toBe('object')
      expect(compiles(inputSchema)).toBe(true)
    }
  })

  it('every tool says what it is for (TOOL-18)', async () => {
    const define = defining()
    for (const description of [undefined, '', ' \n', 7, null]) {
      expect(define('silent', { description })).toThrow('description')
    }
    const client = await open(cell, fullServer())
    const { tools } = await client.listTools()
    expect(tools.length).toBeGreaterThan(5)
    for (const { description } of tools) expect(description).toMatch(/\S{3}/)
  })
})

describe.each(cells({ ...both, revisions: ['2025-06-18', '2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  it('lists output schemas that compile, of objects where only objects may be (TOOL-05)', async () => {
    const { server } = testServer()
    const outputs = {
      object: { type: 'object', properties: { n: { type: 'number' } } },
      list: { type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: { type: 'integer' } } },
      scalar: { enum: ['a', 'b'] },
    }
    for (const [name, output] of Object.entries(outputs)) {
      server.tool(name, { description: 'A tool.', output: jsonSchema(output as never) }, () => ({}) as never)
    }
    expect(defining()('wrong', { output: { type: 'text' } })).toThrow('type')
    const client = await open(cell, server)
    for (const { name, outputSchema } of (await client.listTools()).tools) {
      expect(compiles(outputSchema ?? {})).toBe(true)
      const isObject = outputSchema?.['type'] === 'object'
      expect([name, isObject]).toEqual([name, name === 'object' || cell.revision !== '2026-07-28'])
    }
  })
})

describe.each(cells({ ...both, revisions: ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] }))(
  '$name',
  (cell) => {
    it('lists hints that are true or false and do not contradict each other (TOOL-19)', async () => {
      const { server } = testServer()
      const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false } as const
      server.tool('look', { description: 'Looks.', annotations }, () => 'x')
      server.tool('drop', { description: 'Drops.', annotations: { destructiveHint: true } }, () => 'x')
      const define = defining()
      for (const wrong of [
        { readOnlyHint: true, destructiveHint: true },
        { readOnlyHint: 'yes' },
        { destructiveHint: 1 },
        { safe: true },
      ]) {
        expect(define('wrong', { annotations: wrong })).toThrow(Object.keys(wrong)[0])
      }
      const client = await open(cell, server)
      const hints = (await client.listTools()).tools.map((tool) => tool.annotations)
      expect(hints).toEqual([annotations, { destructiveHint: true }])
    })
  },
)

describe.each(cells({ ...both, revisions: ['2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  it('lists icons that a client may load (TOOL-20)', async () => {
    const { server } = testServer()
    const icons = [
      { src: 'https://example.com/i.png', mimeType: 'image/png', sizes: ['48x48'] },
      { src: 'data:image/png;base64,iVBORw0KGgo=', mimeType: 'image/png' },
    ]
    server.tool('seen', { description: 'A tool.', icons }, () => 'x')
    const define = defining()
    for (const src of ['http://example.com/i.png', 'javascript:alert(1)', 'file:///i.png', '/i.png', '', 7]) {
      expect(define('wrong', { icons: [{ src }] })).toThrow('icons[0].src')
    }
    expect(define('wrong', { icons: [{ src: icons[0]?.src, mimeType: 'png' }] })).toThrow('icons[0].mimeType')
    const client = await open(cell, server)
    expect((await client.listTools()).tools[0]?.icons).toEqual(icons)
  })

  it('lists no reference out of the schema itself (TOOL-06)', async () => {
    const define = defining()
    for (const $ref of [
      'https://evil.example/schema.json',
      '//evil.example/schema.json#/$defs/a',
      'file:///etc/passwd',
      'other.json#/$defs/a',
      '#/$defs/none',
    ]) {
      expect(define('wrong', { input: { type: 'object', properties: { a: { $ref } } } }), $ref).toThrow(
        '$ref',
      )
      expect(define('wrong', { output: { type: 'object', allOf: [{ $ref }] } }), $ref).toThrow('$ref')
    }
    const { server } = testServer()
    const tree = z.object({
      name: z.string(),
      get kids() {
        return z.array(tree)
      },
    })
    server.tool('tree', { description: 'A tree.', input: tree }, () => 'x')
    const client = await open(cell, server)
    const { tools } = await client.listTools()
    const references = objectsIn(tools).flatMap(({ $ref }) => ($ref === undefined ? [] : [$ref]))
    expect(references).not.toEqual([])
    for (const reference of references) expect(reference).toMatch(/^#/)
  })
})
