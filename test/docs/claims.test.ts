import { createServer, DefinitionError, type Server, type ToolOptions } from 'holdfast'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

// What README.md and the pages in docs say of the whole, where no other test says it of a part.

const keys = ['a secret of the tests, long enough to seal']
const make = (more: object = {}): Server => {
  const server = createServer({ name: 'claims', version: '1.0.0', keys, ...more })
  server.tool('add', { description: 'Adds.' }, () => 'done')
  return server as Server
}

/** One POST of a handshake revision, as a balancer would pass it to any node. */
async function post(server: Server, method: string, params: object, session?: string): Promise<Response> {
  return server.fetch(
    new Request('http://127.0.0.1/mcp', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(session && { 'mcp-session-id': session }) },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    }),
  )
}

async function openSession(server: Server): Promise<string> {
  const opened = await post(server, 'initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'claims', version: '0' },
  })
  return opened.headers.get('mcp-session-id') ?? ''
}

describe('a session', () => {
  it('opens on another server with the same keys, also behind a new first one, and on no other', async () => {
    const session = await openSession(make())
    expect(session.length).toBeLessThanOrEqual(512)
    expect((await post(make(), 'tools/list', {}, session)).status).toBe(200)
    const rotated = make({ keys: ['another secret, also long enough to seal', ...keys] })
    expect((await post(rotated, 'tools/list', {}, session)).status).toBe(200)
    const stranger = make({ keys: ['another secret, also long enough to seal'] })
    expect((await post(stranger, 'tools/list', {}, session)).status).toBe(404)
  })

  it('ends with DELETE where it is deleted', async () => {
    const server = make()
    const session = await openSession(server)
    const ended = await server.fetch(
      new Request('http://127.0.0.1/mcp', { method: 'DELETE', headers: { 'mcp-session-id': session } }),
    )
    expect(ended.status).toBe(204)
    expect((await post(server, 'tools/list', {}, session)).status).toBe(404)
  })
})

describe('a wrong definition', () => {
  const description = 'Find one order.'
  it.each([
    ['a name with a space', 'find order', { description }, /cannot name a tool/],
    ['no description', 'find-order', { description: ' ' }, /has no description/],
    [
      'hints that contradict',
      'find-order',
      { description, annotations: { readOnlyHint: true, destructiveHint: true } },
      /drop one/,
    ],
    [
      'an input that is no object',
      'find-order',
      { description, input: z.string() },
      /make it an object with one property for each parameter/,
    ],
    [
      'a schema that yields no JSON Schema',
      'find-order',
      { description, input: v.object({ id: v.string() }) },
      /wrap it with `toStandardJsonSchema/,
    ],
    ['a timeout that is none', 'find-order', { description, timeout: '0s' as const }, /positive number/],
    ['a name that is taken', 'add', { description }, /There is a tool "add" already/],
  ])('is refused when it is made: %s', (_what, name, options: ToolOptions, sentence) => {
    const server = make()
    const define = () => server.tool(name, options, () => 'never')
    expect(define).toThrow(DefinitionError)
    expect(define).toThrow(sentence)
  })
})
