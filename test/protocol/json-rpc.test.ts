import { PassThrough } from 'node:stream'
import { serveStreams } from 'holdfast/node'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { envelopeOf, gate, handClock, open, refused, testServer, textOf } from './support.js'

function echoing({ sanitize = true } = {}) {
  const { server } = testServer()
  const options = { description: 'Returns what it is given.', input: { type: 'object' }, sanitize } as const
  server.tool('echo', options, (args) => ({ args }))
  return server
}

interface Answer {
  readonly jsonrpc: string
  readonly id?: unknown
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** Frames that are no message of MCP, with the answer's code and the id that could be read. */
const faulty: readonly (readonly [what: string, frame: string, code: number, id?: unknown])[] = [
  ['no JSON', '{"jsonrpc":"2.0","id":1,', -32700],
  ['half a word', 'tru', -32700],
  ['a byte order mark', '\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}', -32700],
  ['a number', '7', -32600],
  ['null', 'null', -32600],
  ['an empty object', '{}', -32600],
  ['no jsonrpc', '{"id":1,"method":"tools/list"}', -32600, 1],
  ['jsonrpc 1.0', '{"jsonrpc":"1.0","id":"a","method":"tools/list"}', -32600, 'a'],
  ['jsonrpc as a number', '{"jsonrpc":2.0,"id":2,"method":"tools/list"}', -32600, 2],
  ['no method', '{"jsonrpc":"2.0","id":3}', -32600, 3],
  ['a method that is a number', '{"jsonrpc":"2.0","id":4,"method":7}', -32600, 4],
  ['a null id', '{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600],
  ['a fractional id', '{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', -32600],
  ['an id beyond the safe integers', '{"jsonrpc":"2.0","id":9007199254740992,"method":"tools/list"}', -32600],
  ['an id that is true', '{"jsonrpc":"2.0","id":true,"method":"tools/list"}', -32600],
  ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"tools/list"}', -32600],
  ['params that are an array', '{"jsonrpc":"2.0","id":5,"method":"tools/list","params":[]}', -32602, 5],
  ['params that are text', '{"jsonrpc":"2.0","id":6,"method":"tools/list","params":"x"}', -32602, 6],
  [
    'a __proto__ key',
    '{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"__proto__":{"x":1}}}',
    -32600,
    7,
  ],
  [
    'a __proto__ key deep in arguments',
    '{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"echo","arguments":{"a":[{"__proto__":1}]}}}',
    -32600,
    8,
  ],
  [
    'a __proto__ key in escapes',
    '{"jsonrpc":"2.0","id":9,"method":"tools/list","params":{"\\u005f\\u005fproto__":{"x":1}}}',
    -32600,
    9,
  ],
]

describe.each(cells())('$name', (cell) => {
  const { revision, transport } = cell
  const http = transport === 'http'

  it('answers what is no message with the reason, and with the id where one can be read (RPC-03, RPC-06, RPC-07, RPC-16)', async () => {
    const server = echoing()
    let client = await open(cell, server)
    for (const [index, [what, frame, code, id]] of faulty.entries()) {
      // Frames without an id are answered a few times a second only.
      if (index % 4 === 0) client = await open(cell, server)
      const { messages, status } = await client.exchange(frame)
      expect(messages, what).toHaveLength(1)
      const [answer] = messages as Answer[]
      expect(answer?.error, what).toMatchObject({ code, message: expect.any(String) as string })
      expect(answer?.id, what).toBe(id)
      expect(Object.keys(answer ?? {}).includes('id'), what).toBe(id !== undefined)
      if (http) expect(status, what).toBe(400)
    }
    expect(await client.listTools()).toHaveProperty('tools')
    expect(server.stats().counters.invalidFrames).toBe(faulty.length)
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  it('returns each id as it came, in value and type (RPC-01, RPC-02)', async () => {
    const client = await open(cell, echoing())
    for (const id of ['1', 1, 0, '', -1, Number.MAX_SAFE_INTEGER, 'x'.repeat(5000), 'ü\u2028"\\']) {
      await client.request('tools/list', {}, { id })
      const answer = client.received.at(-1) as Answer
      expect(answer.id).toBe(id)
      expect(Object.keys(answer).sort()).toEqual(['id', 'jsonrpc', 'result'])
    }
    await refused(client.request('no/such', {}, { id: 'e' }))
    expect(Object.keys(client.received.at(-1) as Answer).sort()).toEqual(['error', 'id', 'jsonrpc'])
  })

  it('refuses unknown methods by name, those of prototypes too (RPC-05, HTM-16)', async () => {
    const client = await open(cell, echoing())
    for (const method of [
      'doctor/none',
      'constructor',
      'toString',
      '__proto__',
      'hasOwnProperty',
      '',
      'tools/',
    ]) {
      const headers = method === '' ? { 'mcp-method': undefined } : {}
      const refusal = await refused(client.request(method, {}, { headers }))
      if (http && cell.stateless && method === '') continue
      expect(refusal.code).toBe(-32601)
      if (http) expect(refusal.httpStatus).toBe(cell.stateless ? 404 : 200)
    }
  })

  it('never answers notifications, known or not, and counts the unknown (RPC-04, HTM-20)', async () => {
    const server = echoing()
    const client = await open(cell, server)
    for (const method of ['no/such', 'tools/call', 'notifications/cancelled']) {
      const { messages, status } = await client.exchange(
        JSON.stringify({ jsonrpc: '2.0', method, params: { requestId: {} } }),
      )
      expect(messages).toEqual([])
      if (http) expect(status).toBe(202)
    }
    expect(server.stats().counters.unknownNotifications).toBe(2)
  })

  it('never answers responses that nobody asked for, and counts them (HTL-03, HTM-21)', async () => {
    const server = echoing()
    const client = await open(cell, server)
    for (const stray of [
      '{"jsonrpc":"2.0","id":1,"result":{}}',
      '{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"}}',
    ]) {
      const { messages, status } = await client.exchange(stray)
      if (!http) expect(messages).toEqual([])
      else if (!cell.stateless) expect([messages, status]).toEqual([[], 202])
      // There are no requests from the server in this revision, so HTTP says that a response cannot be.
      else expect([status, (messages[0] as Answer).error?.code]).toEqual([400, -32600])
    }
    expect(server.stats().counters.strayResponses).toBe(2)
  })

  it('takes what is nested as deep as allowed and refuses one level more', async () => {
    const { server } = testServer({ limits: { maxDepth: 10 } })
    server.tool('echo', { description: 'Echoes.', input: { type: 'object' } }, () => 'ok')
    const client = await open(cell, server)
    const frame = (depth: number): string => {
      const inside = '['.repeat(depth - 3) + ']'.repeat(depth - 3)
      const params = { name: 'echo', arguments: { x: 0 }, ...envelopeOf(revision) }
      return JSON.stringify({ jsonrpc: '2.0', id: 'deep', method: 'tools/call', params }).replace(
        '"x":0',
        `"x":${inside}`,
      )
    }
    const headers = {
      'mcp-method': cell.stateless ? 'tools/call' : undefined,
      'mcp-name': cell.stateless ? 'echo' : undefined,
    }
    expect((await client.exchange(frame(10), { headers })).messages).toMatchObject([
      { id: 'deep', result: {} },
    ])
    const { messages } = await client.exchange(frame(11), { headers })
    expect(messages).toMatchObject([
      { id: 'deep', error: { code: -32600, message: expect.stringContaining('10 levels') as string } },
    ])
    const hostile = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${'{"a":'.repeat(5000)}`
    expect((await client.exchange(hostile)).messages).toMatchObject([{ error: { code: -32700 } }])
  })

  it('serves large arrays, brackets inside strings and keys like "constructor" (RPC-19)', async () => {
    const client = await open(cell, echoing())
    const args = {
      constructor: 1,
      toString: [],
      many: Array.from({ length: 20_000 }, () => 0),
      text: '[{"'.repeat(500),
    }
    const answered = await client.callTool('echo', args)
    expect(JSON.parse(textOf(answered))).toEqual({ args })
  })

  it('carries any text, lone surrogates too, as valid UTF-8 (RPC-17)', async () => {
    const client = await open(cell, echoing({ sanitize: false }))
    const said = ['😀', 'a\u2028b\u2029c', '\ud800', '\u0000\u001f', 'é', '\ufeff']
    expect(JSON.parse(textOf(await client.callTool('echo', { said })))).toEqual({ args: { said } })
  })

  it('ignores params that it does not know (RPC-18)', async () => {
    const client = await open(cell, echoing())
    const listed = await client.request('tools/list', { extra: { deep: [1] }, task: {} })
    expect(listed).toHaveProperty('tools')
  })

  it('answers twenty requests at once, each with its own id (RPC-12)', async () => {
    const { server } = testServer()
    const finish = gate()
    const input = {
      type: 'object',
      properties: { n: { type: 'integer' }, slow: { type: 'boolean' } },
      required: ['n'],
    } as const
    server.tool('echo', { description: 'Echoes.', input }, async ({ n, slow = false }) => {
      if (slow) await finish.opened
      return String(n)
    })
    const client = await open(cell, server)
    const calls = Array.from({ length: 20 }, (_, n) => client.callTool('echo', { n, slow: n % 4 === 0 }))
    await Promise.all(calls.filter((_, n) => n % 4 !== 0))
    finish.open()
    expect((await Promise.all(calls)).map(textOf)).toEqual(Array.from({ length: 20 }, (_, n) => String(n)))
  })
})

describe.each(cells({ transports: ['http'] }))('ids in flight over HTTP ($name)', (cell) => {
  it('are one in a session and free across stateless POSTs', async () => {
    const { server } = testServer()
    const finish = gate()
    const both = gate()
    let running = 0
    server.tool('slow', { description: 'Waits.' }, async () => {
      running += 1
      if (running === (cell.stateless ? 2 : 1)) both.open()
      await finish.opened
      return 'finished'
    })
    const client = await open(cell, server)
    const call = (): Promise<unknown> => client.request('tools/call', { name: 'slow' }, { id: 'same' })
    const first = call()
    if (cell.stateless) {
      const second = call()
      await both.opened
      finish.open()
      expect(await Promise.all([first, second])).toHaveLength(2)
    } else {
      await both.opened
      expect((await refused(call())).code).toBe(-32600)
      finish.open()
      expect(await first).toHaveProperty('content')
      expect(await call()).toHaveProperty('content')
    }
  })
})

describe.each(cells({ transports: ['memory', 'stdio'] }))('frames without an id ($name)', (cell) => {
  it('are answered a few times a second and then only counted', async () => {
    const clock = handClock()
    const { server } = testServer({ clock })
    server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    const volley = async (): Promise<number> => {
      const before = client.received.length
      for (let n = 0; n < 20; n += 1) await client.post('garbage')
      await client.listTools()
      return client.received.slice(before).filter((message) => 'error' in (message as object)).length
    }
    expect(await volley()).toBe(4)
    expect(server.stats().counters).toMatchObject({ invalidFrames: 20, unansweredFrames: 16 })
    // A readable id is answered however much garbage came before it.
    const { messages } = await client.exchange('{"jsonrpc":"1.0","id":"still","method":"ping"}')
    expect(messages).toMatchObject([{ id: 'still', error: { code: -32600 } }])
    clock.advance(1000)
    expect(await volley()).toBe(4)
  })
})

describe('lines over stdio', () => {
  it('that are too long or not UTF-8 are answered without an id, and the next one is served (STD-06 over stdio, 2025-11-25)', async () => {
    const server = echoing()
    const input = new PassThrough()
    const output = new PassThrough()
    const served = serveStreams(server, { input, output, maxMessageBytes: 1000 })
    const lines: string[] = []
    output.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n').filter(Boolean)))
    input.write(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${'y'.repeat(2000)}"}}\n`)
    input.write(Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]))
    input.write('\r\n{"jsonrpc":"2.0","id":2,"method"')
    input.write(':"ping"}\r\n')
    await expect.poll(() => lines.length).toBe(3)
    const answers = lines.map((line) => JSON.parse(line) as Answer)
    expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
      [undefined, -32700],
      [undefined, -32700],
      [2, undefined],
    ])
    input.end()
    await served.closed
  })
})
