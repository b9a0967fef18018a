import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LoadServer, send, startLoadServer, type Watched } from './load-server.js'

/** `npm run load:spill` exports all rows, and shows what it measured. */
const long = process.env['MODE'] === 'load'
const count = long ? 200_000 : 20_000
const mebibyte = 1024 * 1024
const newest = '2026-07-28'

let server: LoadServer
beforeAll(async () => {
  server = await startLoadServer('spill-server.mjs')
})
afterAll(() => server.stop())

async function request(
  method: string,
  params: { readonly name?: string; readonly uri?: string; readonly arguments?: object },
): Promise<unknown> {
  const name = params.name ?? params.uri ?? ''
  const { text } = await send(server.port, {
    version: newest,
    headers: { 'mcp-protocol-version': newest, 'mcp-method': method, 'mcp-name': name },
    body: {
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': newest,
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    },
  })
  return (JSON.parse(text) as { readonly result: unknown }).result
}

interface Called {
  readonly structuredContent?: readonly unknown[]
  readonly content: readonly { readonly type: string; readonly uri?: string }[]
}

interface Read {
  readonly contents: readonly [
    { readonly text: string; readonly _meta: { readonly 'dev.holdfast/spill': { readonly next?: string } } },
  ]
}

/** Calls a tool, and counts the lines of what its link leads to, reading part after part. */
async function exported(
  tool: string,
  rows: number,
): Promise<{ readonly sent: number; readonly lines: number }> {
  const called = (await request('tools/call', { name: tool, arguments: { count: rows } })) as Called
  let lines = 0
  for (let uri = called.content.find(({ type }) => type === 'resource_link')?.uri; uri !== undefined; ) {
    const { contents } = (await request('resources/read', { uri })) as Read
    lines += contents[0].text.split('\n').length - 1
    uri = contents[0]._meta['dev.holdfast/spill'].next
  }
  return { sent: called.structuredContent?.length ?? 0, lines }
}

it.each(['spill', 'stream'])(
  '%s: an export of many rows takes little memory and keeps nobody waiting',
  async (tool) => {
    // What is loaded and compiled once is no part of it.
    for (let warm = 0; warm < 3; warm += 1) await exported(tool, 12_000)
    const idle = await server.watch(() => pause(long ? 3000 : 500))
    let done = { sent: 0, lines: 0 }
    const busy = await server.watch(async () => {
      done = await exported(tool, count)
    })
    if (long) {
      const row = ({ held, rss, p99Ms }: Watched): string =>
        `heap and external ${(held / mebibyte).toFixed(1)} MiB, resident ${(rss / mebibyte).toFixed(1)} MiB, loop delay p99 ${p99Ms.toFixed(1)} ms`
      process.stderr.write(`${tool}, ${count} rows\n  idle: ${row(idle)}\n  busy: ${row(busy)}\n`)
    }
    expect(done.sent + done.lines).toBe(count)
    expect(busy.held - idle.held).toBeLessThan(64 * mebibyte)
    // Beside other tests it is their time, too.
    expect(busy.p99Ms - idle.p99Ms).toBeLessThan(long ? 50 : 250)
  },
)
