import { cells, type Message, type TestClient } from 'holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { envelopeOf, open, testServer } from '../../protocol/support.js'

/** Keys that JSON gives as own members and that assignments to a path would follow. */
const harmlessHere = [
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'valueOf',
  'then',
]
const polluting = '{"polluted":true,"isAdmin":true}'

function expectClean(): void {
  for (const prototype of [Object.prototype, Array.prototype, Function.prototype, String.prototype]) {
    expect(Object.keys(prototype)).toEqual([])
    for (const name of ['polluted', 'isAdmin', 'x']) expect(name in prototype).toBe(false)
  }
  expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  expect(Object.prototype.toString.call({})).toBe('[object Object]')
  expect(typeof Object.prototype.hasOwnProperty).toBe('function')
}
afterEach(expectClean)

/** Every object in a value, whose prototype must be the one of all objects. */
function* objectsIn(value: unknown): Generator<object> {
  if (typeof value !== 'object' || value === null) return
  yield value
  for (const member of Object.values(value)) yield* objectsIn(member)
}

function expectOrdinary(value: unknown): void {
  for (const object of objectsIn(value)) {
    expect([Object.prototype, Array.prototype, null]).toContain(Object.getPrototypeOf(object))
    expect('polluted' in object && !Object.hasOwn(object, 'polluted')).toBe(false)
  }
}

const anything = { type: 'object', properties: { value: {} } } as const
const passthrough = z.looseObject({ value: z.unknown().optional() }).describe('Anything.')
const record = z.object({ value: z.record(z.string(), z.unknown()).describe('Any members.') })

function keepingServer(): { server: ReturnType<typeof testServer>['server']; seen: unknown[] } {
  const { server } = testServer()
  const seen: unknown[] = []
  const keep = (input: unknown, meta: unknown): string => {
    seen.push(input, meta)
    return 'kept'
  }
  server.tool('json', { description: 'JSON Schema.', input: anything }, (input) => keep(input, undefined))
  server.tool('loose', { description: 'Zod, loose.', input: passthrough }, (input) => keep(input, undefined))
  server.tool('record', { description: 'Zod, a record.', input: record }, (input) => keep(input, undefined))
  return { server, seen }
}

describe.each(cells())('$name', (cell) => {
  const frame = (params: string, rest = ''): string =>
    `{"jsonrpc":"2.0","id":"p","method":"tools/call"${rest},"params":{${params}}}`
  const meta = JSON.stringify(envelopeOf(cell.revision)['_meta'] ?? {})
  /** The headers that mirror a frame of the newest revision cannot be read from one that is no JSON object. */
  const sent = async (client: TestClient, text: string, name: string): Promise<Message> => {
    const mirrored = { 'mcp-method': 'tools/call', 'mcp-name': name }
    const headers = cell.stateless ? { headers: mirrored } : {}
    const { messages } = await client.exchange(text, headers)
    return messages[0] as Message
  }

  it('refuses the key __proto__ wherever it stands and however it is spelled', async () => {
    const { server, seen } = keepingServer()
    const client = await open(cell, server)
    const spellings = ['__proto__', '\\u005f_proto__', '__pr\\u006fto__', '\\u005F\\u005Fproto\\u005f\\u005f']
    for (const key of spellings) {
      const member = `"${key}":${polluting}`
      for (const [place, text] of [
        ['the message', frame(`"name":"json","arguments":{},"_meta":${meta}`, `,${member}`)],
        ['the params', frame(`"name":"json","arguments":{},"_meta":${meta},${member}`)],
        ['the arguments', frame(`"name":"json","arguments":{${member}},"_meta":${meta}`)],
        ['a value', frame(`"name":"json","arguments":{"value":{${member}}},"_meta":${meta}`)],
        ['an array', frame(`"name":"json","arguments":{"value":[1,[{${member}}]]},"_meta":${meta}`)],
        ['a constructor', frame(`"name":"json","arguments":{"constructor":{${member}}},"_meta":${meta}`)],
        [
          'the metadata',
          frame(
            `"name":"json","arguments":{},"_meta":${meta.replace(/^\{/, `{${member}${meta === '{}' ? '' : ','}`)}`,
          ),
        ],
        [
          'behind its like',
          frame(`"name":"json","arguments":{"value":1,${member},"value":2},"_meta":${meta}`),
        ],
        ['twice', frame(`"name":"json","arguments":{${member},${member}},"_meta":${meta}`)],
        ['with nothing in it', frame(`"name":"json","arguments":{"${key}":null},"_meta":${meta}`)],
      ] as const) {
        expect([place, await sent(client, text, 'json')]).toMatchObject([
          place,
          { id: 'p', error: { code: -32600 } },
        ])
      }
    }
    expect(seen).toEqual([])
    expect(await client.listTools()).toHaveProperty('tools')
  })

  it.each(['json', 'loose', 'record'])('gives a handler every other name as a member: %s', async (tool) => {
    const { server, seen } = keepingServer()
    const client = await open(cell, server)
    for (const key of harmlessHere) {
      const value = `{"${key}":${polluting},"list":[{"${key}":{"prototype":{"x":1}}}]}`
      const answer = await sent(
        client,
        frame(`"name":"${tool}","arguments":{"value":${value}},"_meta":${meta}`),
        tool,
      )
      expect([key, answer]).toMatchObject([key, { result: { content: [{ text: 'kept' }] } }])
      const [input] = seen.splice(0) as [{ value: Record<string, unknown> }]
      expect(JSON.parse(JSON.stringify(input.value))).toEqual(JSON.parse(value))
      expect(Object.hasOwn(input.value, key)).toBe(true)
      expectOrdinary(input)
    }
  })

  it('takes the last of two members with one name, as JSON.parse does, for checks and handler alike', async () => {
    const { server, seen } = keepingServer()
    const client = await open(cell, server)
    await sent(
      client,
      frame(
        `"name":"json","arguments":{"value":1,"value":{"constructor":2,"constructor":3}},"_meta":${meta}`,
      ),
      'json',
    )
    expect(seen[0]).toEqual({ value: { constructor: 3 } })
  })

  it('pollutes nothing by names in the place of tools, prompts, resources and methods', async () => {
    const { server } = keepingServer()
    const client = await open(cell, server)
    for (const name of ['__proto__', ...harmlessHere]) {
      for (const [method, params] of [
        ['tools/call', { name, arguments: {} }],
        ['prompts/get', { name, arguments: { [name]: 'x' } }],
        ['completion/complete', { ref: { type: 'ref/prompt', name }, argument: { name, value: '' } }],
        ['logging/setLevel', { level: name }],
        [name, {}],
      ] as const) {
        await expect(client.request(method, params)).rejects.toMatchObject({ name: 'RequestError' })
      }
    }
  })

  it('carries such names in structured results, and refuses to send __proto__ in silence', async () => {
    const { server, logged } = testServer()
    const output = { type: 'object', additionalProperties: true } as const
    server.tool(
      'names',
      { description: 'Names.', output },
      () =>
        JSON.parse(`{"constructor":${polluting},"prototype":{"x":1},"toString":"s"}`) as Record<
          string,
          unknown
        >,
    )
    server.tool(
      'proto',
      { description: 'Proto.', output },
      () => JSON.parse(`{"a":1,"__proto__":${polluting}}`) as Record<string, unknown>,
    )
    const client = await open(cell, server)
    const named = await client.callTool('names')
    const expected = { constructor: { polluted: true, isAdmin: true }, prototype: { x: 1 }, toString: 's' }
    if (cell.revision >= '2025-06-18') expect(named.structuredContent).toEqual(expected)
    expect(JSON.parse(String(Reflect.get(named.content[0] ?? {}, 'text')))).toEqual(expected)
    const proto = await client.callTool('proto')
    const text = JSON.stringify(proto)
    // Either all of it goes out as it is, as a member, or the call fails and the log says why.
    const whole = text.includes('__proto__')
    expect([whole, proto.isError ?? false]).toEqual([!proto.isError, !whole])
    if (proto.isError) expect(logged.length).toBeGreaterThan(0)
    expectOrdinary(proto)
  })
})
