import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LoadServer, send, startLoadServer, type Watched } from './load-server.js'

/** `npm run load:export` exports 200,000 flights, and shows what it measured. */
const long = process.env['MODE'] === 'load'
const rows = long ? 200_000 : 20_000
const mebibyte = 1024 * 1024
const newest = '2026-07-28'

let server: LoadServer
beforeAll(async () => {
  server = await startLoadServer('desk-server.mjs', true)
}, 180_000)
afterAll(() => server.stop())

/** One call, whose result must be no error. */
async function call(name: string, args: object): Promise<Readonly<Record<string, unknown>>> {
  const { text } = await send(server.port, {
    version: newest,
    headers: { 'mcp-protocol-version': newest, 'mcp-method': 'tools/call', 'mcp-name': name },
    body: {
      id: 1,
      method: 'tools/call',
      params: {
        name,
        arguments: args,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': newest,
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    },
  })
  const { result } = JSON.parse(text) as { readonly result?: { readonly structuredContent?: object } }
  if (result?.structuredContent === undefined) throw new Error(`${name} failed: ${text.slice(0, 500)}`)
  return result.structuredContent as Readonly<Record<string, unknown>>
}

it.each([
  ['csv', 'export-dataset', { name: 'flights', format: 'csv', limit: rows }, { rows }],
  ['ndjson', 'export-dataset', { name: 'flights', format: 'ndjson', limit: rows }, { rows }],
  ['a profile', 'profile-dataset', { name: 'flights' }, { sampledRows: 200_000 }],
] as const)(
  'the desk makes %s of many rows with little memory, and keeps nobody waiting',
  async (what, tool, args, expected) => {
    // What is loaded, compiled and described once is no part of it.
    await call(tool, args)
    const idle = await server.watch(() => pause(long ? 3000 : 500))
    const started = performance.now()
    const busy = await server.watch(async () => {
      expect(await call(tool, args)).toMatchObject(expected)
    })
    if (long) {
      const row = ({ held, rss, p99Ms }: Watched): string =>
        `heap and external ${(held / mebibyte).toFixed(1)} MiB, resident ${(rss / mebibyte).toFixed(1)} MiB, loop delay p99 ${p99Ms.toFixed(1)} ms`
      const ms = (performance.now() - started).toFixed(0)
      process.stderr.write(`${what}, ${ms} ms\n  idle: ${row(idle)}\n  busy: ${row(busy)}\n`)
    }
    expect(busy.held - idle.held).toBeLessThan(64 * mebibyte)
    // Resident is also what the threads of the database and the collector have not given back yet: it is judged on a quiet machine.
    if (long) expect(busy.rss - idle.rss).toBeLessThan(64 * mebibyte)
    // Beside other tests it is their time, too.
    expect(busy.p99Ms - idle.p99Ms).toBeLessThan(long ? 50 : 250)
  },
)
