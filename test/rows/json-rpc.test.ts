import { cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { oneTool } from '../protocol/http-support.js'
import { envelopeOf, open, testServer, textOf } from '../protocol/support.js'
import { fullServer, visitAll } from './full-server.js'

const newest = '2026-07-28'
const both = { transports: ['stdio', 'http'] } as const

/** Every error code that a client could be sent, by provoking what can go wrong. */
async function codesOf(client: TestClient): Promise<readonly number[]> {
  await visitAll(client)
  await client.callTool('asks').catch(() => undefined)
  const version = 'io.modelcontextprotocol/protocolVersion'
  for (const meta of [{ [version]: '2999-01-01' }, { [version]: 7 }]) {
    // Some revisions read none of this and answer.
    await client.request('tools/list', {}, { meta }).catch(() => undefined)
  }
  const { transport, revision } = client
  const frame = (params: object): string =>
    JSON.stringify({ jsonrpc: '2.0', id: 'f', method: 'tools/list', params })
  await client.exchange(`[${frame(envelopeOf(revision))}]`)
  await client.exchange(frame({ _meta: {} }))
  if (transport === 'http') {
    for (const headers of [
      { 'mcp-protocol-version': '1999-01-01' },
      { 'mcp-session-id': 'x' },
      { accept: 'a/b' },
    ]) {
      await client.exchange(frame(envelopeOf(revision)), { headers })
    }
    await client.exchange(frame(envelopeOf(revision)), { headers: { 'mcp-method': 'tools/call' } })
    await client.exchange(frame(envelopeOf(revision)), { headers: { 'content-type': 'text/plain' } })
  }
  const errors = (client.received as Message[]).flat().filter((message) => 'error' in (message as Message))
  return errors.map((message) => Number((message as { error: Message }).error['code']))
}

describe.each(cells(both))('$name', (cell) => {
  const { revision, transport } = cell
  const http = transport === 'http'

  it('every message is one of JSON-RPC 2.0: a result or an error with an integer code and a text (RPC-01)', async () => {
    const client = await open(cell, fullServer())
    await client.callTool('echo', { say: 'hi' }, { meta: { progressToken: 1 } })
    await visitAll(client)
    const kinds = new Set<string>()
    for (const message of client.received as Message[]) {
      const { jsonrpc, id, method, result, error, ...more } = message
      expect([jsonrpc, more]).toEqual([
        '2.0',
        method === undefined ? {} : { params: expect.anything() as unknown },
      ])
      if (method !== undefined) {
        expect([typeof method, id, result, error]).toEqual(['string', undefined, undefined, undefined])
      } else if (error === undefined) {
        kinds.add('result')
        expect([typeof result, ['string', 'number'].includes(typeof id)]).toEqual(['object', true])
      } else {
        kinds.add('error')
        expect(Object.keys(message)).not.toContain('result')
        const { code, message: said, data: _, ...rest } = error as Message
        expect([Number.isInteger(code), typeof said, rest]).toEqual([true, 'string', {}])
      }
    }
    expect(kinds).toEqual(new Set(['result', 'error']))
  })

  it('runs no request whose id is null (RPC-03)', async () => {
    const { server } = testServer()
    let runs = 0
    server.tool('count', { description: 'Counts.' }, () => {
      runs += 1
      return 'counted'
    })
    const client = await open(cell, server)
    const params = { name: 'count', arguments: {}, ...envelopeOf(revision) }
    await client.exchange(JSON.stringify({ jsonrpc: '2.0', id: null, method: 'tools/call', params }))
    expect(textOf(await client.callTool('count'))).toBe('counted')
    expect(runs).toBe(1)
  })

  it('sends none of the numbers that codes had before they were released (RPC-15)', async () => {
    const codes = await codesOf(await open(cell, fullServer()))
    expect(codes.length).toBeGreaterThan(10)
    for (const outdated of [-32001, -32003, -32004]) expect(codes).not.toContain(outdated)
  })

  it('outlives 2,000 levels, 100,000 elements and the names of prototypes (RPC-19)', async () => {
    const { server } = testServer()
    const input = { type: 'object', properties: { value: {} } } as const
    server.tool('take', { description: 'Takes anything.', input }, ({ value }) =>
      Array.isArray(value) ? String(value.length) : typeof value,
    )
    const client = await open(cell, server)
    const call = (value: string): Promise<Message> =>
      client
        .exchange(
          JSON.stringify({
            jsonrpc: '2.0',
            id: 'h',
            method: 'tools/call',
            params: { name: 'take', arguments: { value: 0 }, ...envelopeOf(revision) },
          }).replace('"value":0', `"value":${value}`),
        )
        .then(({ messages }) => messages[0] as Message)
    expect(await call(`${'['.repeat(2000)}${']'.repeat(2000)}`)).toMatchObject({
      id: 'h',
      error: { code: -32600 },
    })
    expect(await call(`[${'0,'.repeat(99_999)}0]`)).toMatchObject({
      id: 'h',
      result: { content: [{ text: '100000' }] },
    })
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString']) {
      const answer = await call(`{"${key}":{"polluted":true}}`)
      expect([key, answer['id'], 'error' in answer || 'result' in answer]).toEqual([key, 'h', true])
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect(await client.listTools()).toHaveProperty('tools')
  })

  it('refuses what is larger than it reads: a body over 4 MiB, a line over 10 MiB (RPC-20)', async () => {
    const client = await open(cell, oneTool())
    const say = (bytes: number): string =>
      JSON.stringify({
        jsonrpc: '2.0',
        id: 'big',
        method: 'tools/list',
        params: { ...envelopeOf(revision), padding: 'x'.repeat(bytes) },
      })
    const limit = http ? 4 * 1024 * 1024 : 10 * 1024 * 1024
    if (http) {
      expect((await client.exchange(say(limit))).status).toBe(413)
    } else {
      const from = client.received.length
      await client.post(say(limit))
      const refusal = await client.waitFor((message) => 'error' in (message as Message), from)
      expect(refusal).toMatchObject({ error: { code: -32700 } })
    }
    expect((await client.exchange(say(limit - 1000))).messages).toMatchObject([{ id: 'big', result: {} }])
  })
})

describe.each(cells({ ...both, revisions: [newest] }))('$name', (cell) => {
  it('sends only codes that this revision has, and none that it leaves to others (RPC-13, RPC-14)', async () => {
    const codes = new Set(await codesOf(await open(cell, fullServer())))
    // Those that were to be provoked were.
    expect([...codes]).toEqual(expect.arrayContaining([-32700, -32600, -32601, -32602, -32603, -32021]))
    if (cell.transport === 'http') expect([...codes]).toEqual(expect.arrayContaining([-32020]))
    const standard = [-32700, -32600, -32601, -32602, -32603]
    const own = [-32020, -32021, -32022]
    for (const code of codes) {
      const isTheirs = code < -32768 || code > -32000
      expect([code, isTheirs || standard.includes(code) || own.includes(code)]).toEqual([code, true])
    }
  })
})
