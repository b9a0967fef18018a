import { gzipSync } from 'node:zlib'
import { cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { oneTool } from '../../protocol/http-support.js'
import { envelopeOf, open, testServer } from '../../protocol/support.js'
import { listen, send, stateless } from './raw-requests.js'

const levels = 100_000
const input = {
  type: 'object',
  properties: { value: { description: 'Anything.' }, amount: { type: 'number', description: 'A number.' } },
} as const

describe.each(cells({ revisions: ['2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  /** A call of `take` whose argument is written out by hand. */
  const frame = (args: string): string =>
    JSON.stringify({
      jsonrpc: '2.0',
      id: 'h',
      method: 'tools/call',
      params: { name: 'take', arguments: 'ARGUMENTS', ...envelopeOf(cell.revision) },
    }).replace('"ARGUMENTS"', () => args)

  async function taking() {
    const { server } = testServer()
    const seen: unknown[] = []
    server.tool('take', { description: 'Takes anything.', input }, (args) => {
      seen.push(args)
      return 'taken'
    })
    const client = await open(cell, server)
    // What a client cannot read it cannot mirror; the headers are those of the call.
    const headers = cell.stateless ? { 'mcp-method': 'tools/call', 'mcp-name': 'take' } : {}
    const call = async (args: string): Promise<Message> =>
      (await client.exchange(frame(args), { headers })).messages[0] as Message
    // On a connection only the first few in a second are answered, and all are counted.
    const expectUnreadable = async (text: string): Promise<void> => {
      const before = server.stats().counters.invalidFrames
      const { messages } = await client.exchange(text, { headers })
      expect([text.slice(0, 40), server.stats().counters.invalidFrames]).toEqual([
        text.slice(0, 40),
        before + 1,
      ])
      for (const message of messages) expect(message).toMatchObject({ error: { code: -32700 } })
      if (cell.transport === 'http') expect(messages).toHaveLength(1)
    }
    return { seen, client, call, headers, expectUnreadable }
  }

  it.each([
    ['arrays', '['.repeat(levels) + ']'.repeat(levels)],
    ['objects', `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`],
    ['both in turn', `${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`],
    [
      'arrays behind many that are flat',
      `[${'[],'.repeat(levels)}${'['.repeat(levels)}${']'.repeat(levels)}]`,
    ],
    [
      'arrays behind brackets in a text',
      `["${'[{'.repeat(levels)}\\"",${'['.repeat(levels)}${']'.repeat(levels)}]`,
    ],
  ])('refuses 100,000 levels with the id, and goes on: %s', async (_label, value) => {
    const { seen, client, call } = await taking()
    expect(await call(`{"value":${value}}`)).toMatchObject({ id: 'h', error: { code: -32600 } })
    expect(seen).toEqual([])
    expect(await call('{"value":1}')).toMatchObject({ id: 'h', result: {} })
    expect(await client.listTools()).toHaveProperty('tools')
  })

  it('refuses what is open 100,000 times and never closed', async () => {
    const { seen, client } = await taking()
    const { messages } = await client.exchange(`{"jsonrpc":"2.0","id":1,"method":${'[{"a":'.repeat(levels)}`)
    expect(messages).toMatchObject([{ error: { code: -32700 } }])
    expect(seen).toEqual([])
    expect(await client.listTools()).toHaveProperty('tools')
  })

  it('takes no number for what JSON cannot say again', async () => {
    const { seen, call, expectUnreadable } = await taking()
    for (const number of ['1e999', '-1e999', '9'.repeat(400)]) {
      const answer = await call(`{"amount":${number}}`)
      expect(['result', 'error'].filter((name) => name in answer)).toHaveLength(1)
      for (const { amount } of seen.splice(0) as { amount: number }[]) {
        expect([number.slice(0, 10), Number.isFinite(amount)]).toEqual([number.slice(0, 10), true])
      }
    }
    for (const number of [
      '1e-999',
      '-0',
      '0.1e1',
      `0.${'1'.repeat(100_000)}`,
      '5e-324',
      '1.7976931348623157e308',
    ]) {
      expect(await call(`{"amount":${number}}`)).toMatchObject({
        id: 'h',
        result: { content: [{ text: 'taken' }] },
      })
    }
    for (const number of ['01', '+1', '1.', '.5', '0x10', 'NaN', 'Infinity', '1_000', '--1']) {
      await expectUnreadable(frame(`{"amount":${number}}`))
    }
  })

  it('outlives 200,000 members, a text of 3 MB and 50,000 duplicates', async () => {
    const { seen, call } = await taking()
    const members = Array.from({ length: 200_000 }, (_, n) => `"k${n}":0`).join(',')
    expect(await call(`{"value":{${members}}}`)).toMatchObject({ id: 'h', result: {} })
    expect(await call(`{"value":"${'x'.repeat(3_000_000)}"}`)).toMatchObject({ id: 'h', result: {} })
    expect(await call(`{${'"value":1,'.repeat(50_000)}"value":2}`)).toMatchObject({ id: 'h', result: {} })
    expect(seen.at(-1)).toEqual({ value: 2 })
  })

  it('takes the last of two methods, ids and names, for every check alike', async () => {
    const { seen, client, headers } = await taking()
    const text = frame('{"value":1}')
    const twice = text
      .replace('"id":"h"', '"id":1,"id":"h"')
      .replace('"name":"take"', '"name":"other","name":"take"')
    const doubled = twice.replace('"method":', '"method":"tools/list","method":')
    expect((await client.exchange(doubled, { headers })).messages).toMatchObject([{ id: 'h', result: {} }])
    expect(seen).toEqual([{ value: 1 }])
  })

  it('refuses a byte order mark, and text around the message', async () => {
    const { seen, call, expectUnreadable } = await taking()
    // Windows shells put a mark before what they pipe, so stdio overlooks one at the very beginning.
    await call('{"value":1}')
    const text = frame('{"value":1}')
    for (const spoiled of [
      `\ufeff${text}`,
      `${text},`,
      `${text}${text}`,
      `\u00a0${text}`,
      `/**/${text}`,
      `${text}\0`,
    ]) {
      await expectUnreadable(spoiled)
    }
    expect(seen).toHaveLength(1)
  })

  it('carries halves of a pair, and shows them to nobody else', async () => {
    const { seen, call } = await taking()
    expect(await call('{"value":"\\ud800 and \\udfff"}')).toMatchObject({ id: 'h', result: {} })
    expect(seen).toEqual([{ value: '\ud800 and \udfff' }])
    const wrong = await call('{"amount":"\\ud800"}')
    expect(JSON.stringify(wrong)).not.toMatch(/\\ud8/)
  })
})

describe('HTTP bodies', () => {
  it('are never unpacked: a bomb of 100 MB in 100 KB is refused by its head', async () => {
    const port = await listen(oneTool())
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, ' '))
    const before = process.memoryUsage.rss()
    for (const encoding of [
      'gzip',
      'x-gzip',
      'deflate',
      'br',
      'zstd',
      'gzip, gzip',
      'identity, gzip',
      'GZip',
    ]) {
      const response = await send(port, { headers: [`Content-Encoding: ${encoding}`], body: bomb })
      expect([encoding, response.status, response.headers.get('accept-encoding')]).toEqual([
        encoding,
        415,
        'identity',
      ])
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024)
    // Without the head it is no text.
    expect((await send(port, { body: bomb })).status).toBe(400)
  })

  it('are UTF-8 and nothing else', async () => {
    const port = await listen(oneTool())
    const { headers, body } = stateless('tools/list')
    expect((await send(port, { headers, body })).status).toBe(200)
    for (const bytes of [
      Buffer.from(body, 'utf16le'),
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(body, 'utf16le')]),
      Buffer.from(body.replace('"id":1', '"id":"\u00e9"'), 'latin1'),
      Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from([0xc0, 0xaf]), Buffer.from('}')]),
      Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from(',"\ud83d', 'utf8').subarray(0, 4)]),
    ]) {
      const response = await send(port, { headers, body: bytes })
      expect([response.status, JSON.parse(response.body)]).toMatchObject([400, { error: { code: -32700 } }])
    }
  })
})
