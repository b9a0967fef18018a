import { type Cell, cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { expectRefusal, listRequest, newest, oneTool, raw, speak } from '../protocol/http-support.js'
import { envelopeOf, open, refused, testServer } from '../protocol/support.js'
import { fullServer } from './full-server.js'

const mismatch = { code: -32020, httpStatus: 400 }

function frame(id: string | number, method: string, params: object = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, ...envelopeOf(newest) } })
}

const encoded = (value: string | Uint8Array): string => `=?base64?${Buffer.from(value).toString('base64')}?=`

describe.each(cells({ transports: ['http'], revisions: [newest] }))('$name', (cell: Cell) => {
  it('Mcp-Name must say which resource and which prompt (HTM-05)', async () => {
    const client = await open(cell, fullServer())
    const asked: [method: string, params: Message, name: string, other: string][] = [
      ['resources/read', { uri: 'app://config' }, 'app://config', 'app://bytes'],
      ['prompts/get', { name: 'greet', arguments: { who: 'Ada' } }, 'greet', 'broken'],
    ]
    for (const [method, params, name, other] of asked) {
      for (const value of [undefined, other, name.toUpperCase(), encoded(other)]) {
        const refusal = await refused(client.request(method, params, { headers: { 'mcp-name': value } }))
        expect([value, refusal]).toEqual([value, expect.objectContaining(mismatch)])
      }
      for (const value of [name, encoded(name)]) {
        expect(await client.request(method, params, { headers: { 'mcp-name': value } })).toBeTypeOf('object')
      }
    }
  })

  it('takes header names in any case, and their values only as they are written (HTM-06, HTM-07)', async () => {
    const client = await open(cell, oneTool())
    const { headers, body } = listRequest()
    for (const spell of [
      (name: string) => name.toUpperCase(),
      (name: string) => name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
    ]) {
      const spelt = Object.fromEntries(Object.entries(headers).map(([name, value]) => [spell(name), value]))
      expect((await raw(client.url ?? '', { headers: spelt, body })).status).toBe(200)
    }
    for (const method of ['TOOLS/LIST', 'Tools/List', 'tools/lisT']) {
      const reply = await raw(client.url ?? '', { headers: { ...headers, 'mcp-method': method }, body })
      expectRefusal(reply, 400)
      expect(JSON.parse(reply.text)).toMatchObject({ id: 1, error: { code: -32020 } })
    }
  })

  it('reads a value without the blanks around it (HTM-08)', async () => {
    const client = await open(cell, oneTool())
    const { host, port } = new URL(client.url ?? '')
    const body = frame(1, 'tools/call', { name: 'one' })
    const answer = await speak(Number(port), [
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nAccept: application/json\r\n`,
      `MCP-Protocol-Version: \t ${newest} \t\r\nMcp-Method:tools/call\t \r\nMcp-Name:   one  \r\n`,
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ])
    expect(answer).toContain(' 200 ')
    expect(answer).toContain('"result"')
  })

  it('refuses a name that is no Base64, no UTF-8 or holds what no name does (HTM-10)', async () => {
    const { server } = testServer()
    server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    for (const value of [
      '=?base64?%%%?=',
      '=?base64?b25l',
      '=?base64?b25?=',
      '=?base64??=',
      encoded(Uint8Array.of(0xff, 0xfe)),
      encoded('one\u0000'),
      encoded('o\u001bne'),
      'on\u00e9',
    ]) {
      const refusal = await refused(client.callTool('one', {}, { headers: { 'mcp-name': value } }))
      expect([value, refusal]).toEqual([value, expect.objectContaining(mismatch)])
    }
    const { host, port } = new URL(client.url ?? '')
    const body = frame(1, 'tools/call', { name: 'one' })
    const answer = await speak(Number(port), [
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nMcp-Name: on\u0001e\r\n`,
      `MCP-Protocol-Version: ${newest}\r\nMcp-Method: tools/call\r\n`,
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ])
    expect(answer).toContain(' 400 ')
  })

  it('takes POST alone where it serves no sessions (HTM-17)', async () => {
    const client = await open(cell, oneTool({ revisions: [newest] }))
    for (const method of ['GET', 'DELETE']) {
      for (const headers of [{ accept: 'text/event-stream' }, { 'mcp-session-id': 'made-up' }]) {
        const reply = await raw(client.url ?? '', { method, headers })
        expect([method, reply.status]).toEqual([method, 405])
        expect(reply.headers.allow).toContain('POST')
      }
    }
  })

  it('ends the stream behind the answer (HTM-23)', async () => {
    const { server } = testServer()
    server.tool('work', { description: 'Works.' }, async (_args, ctx) => {
      await ctx.progress(1)
      return 'done'
    })
    const client = await open(cell, server)
    const { headers } = listRequest()
    const reply = await raw(client.url ?? '', {
      headers: { ...headers, accept: 'text/event-stream', 'mcp-method': 'tools/call', 'mcp-name': 'work' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 's',
        method: 'tools/call',
        params: { name: 'work', _meta: { ...(envelopeOf(newest)['_meta'] as object), progressToken: 1 } },
      }),
    })
    // It was read to its end, and nothing stands behind the answer.
    expect(reply.headers['content-type']).toBe('text/event-stream')
    const data = reply.text.split('\n').filter((line) => line.startsWith('data:') && line.length > 6)
    expect(data.map((line) => JSON.parse(line.slice(5)) as Message)).toMatchObject([
      { method: 'notifications/progress' },
      { id: 's', result: { content: [{ text: 'done' }] } },
    ])
  })

  it('remembers nothing of a connection: each request comes alone, without a cookie (HTM-27)', async () => {
    const { server } = testServer({ pageSize: 1 })
    for (const name of ['one', 'two']) server.tool(name, { description: name }, () => name)
    const client = await open(cell, server)
    const { headers, body } = listRequest()
    const first = await raw(client.url ?? '', { headers, body })
    expect(first.headers['set-cookie']).toBeUndefined()
    const { result } = JSON.parse(first.text) as { result: { nextCursor: string } }
    const second = await raw(client.url ?? '', {
      headers,
      body: frame(1, 'tools/list', { cursor: result.nextCursor }),
    })
    expect(JSON.parse(second.text)).toMatchObject({ id: 1, result: { tools: [{ name: 'two' }] } })
    const call = { ...headers, 'mcp-method': 'tools/call', 'mcp-name': 'two' }
    const third = await raw(client.url ?? '', {
      headers: call,
      body: frame(2, 'tools/call', { name: 'two' }),
    })
    expect(JSON.parse(third.text)).toMatchObject({ id: 2, result: { content: [{ text: 'two' }] } })
  })

  it('says every error in JSON, under the id of its request (HTM-16, HTM-29)', async () => {
    const client = await open(cell, fullServer())
    const envelope = envelopeOf(newest)
    const odd = {
      _meta: { ...(envelope['_meta'] as object), 'io.modelcontextprotocol/clientCapabilities': [] },
    }
    const asked: [status: number, code: number, method: string, params: Message, headers?: Message][] = [
      [404, -32601, 'doctor/none', envelope],
      [404, -32601, 'ping', envelope],
      [400, -32602, 'tools/list', odd],
      [400, -32602, 'tools/list', {}],
      [400, -32020, 'tools/list', envelope, { 'mcp-method': 'tools/call' }],
      [400, -32020, 'tools/list', envelope, { 'mcp-protocol-version': '2025-11-25' }],
      [400, -32021, 'tools/call', { name: 'asks', ...envelope }],
      [200, -32602, 'tools/call', { name: 'nobody', ...envelope }],
      [200, -32602, 'resources/read', { uri: 'app://nobody', ...envelope }],
      [200, -32603, 'prompts/get', { name: 'broken', ...envelope }],
    ]
    for (const id of ['e-1', '', 7, 0]) {
      for (const [status, code, method, params, headers = {}] of asked) {
        const text = JSON.stringify({ jsonrpc: '2.0', id, method, params })
        const reply = await client.exchange(text, { headers: headers as Record<string, string> })
        expect([method, reply.status, reply.headers?.get('content-type')]).toEqual([
          method,
          status,
          'application/json',
        ])
        expect(reply.messages).toMatchObject([{ jsonrpc: '2.0', id, error: { code } }])
      }
    }
  })
})
