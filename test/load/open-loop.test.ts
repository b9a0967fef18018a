import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LoadServer, send, startLoadServer } from './load-server.js'

/** `npm run load:limits` takes longer, and shows what it measured. */
const long = process.env['MODE'] === 'load'
const seconds = long ? 30 : 6
const perSecond = 80
const newest = '2026-07-28'
const mebibyte = 1024 * 1024

let server: LoadServer
const agent = new Agent({ keepAlive: true, maxSockets: 200 })

beforeAll(async () => {
  server = await startLoadServer('limited-server.mjs')
})
afterAll(async () => {
  agent.destroy()
  await server.stop()
})

interface Ended {
  readonly how: string
  /** Milliseconds from when it was due, so that a client that is late does not make the server look fast. */
  readonly ms: number
}

async function call(id: number, dueAt: number): Promise<Ended> {
  const { text } = await send(server.port, {
    agent,
    headers: { 'mcp-protocol-version': newest, 'mcp-method': 'tools/call', 'mcp-name': 'work' },
    body: {
      id,
      method: 'tools/call',
      params: {
        ...{ name: 'work', arguments: { id } },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': newest,
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    },
  })
  const ms = performance.now() - dueAt
  const how = /"code":"(\w+)"/.exec(text)?.[1] ?? (text.includes(`"text":"${id}"`) ? 'answered' : text)
  return { how, ms }
}

/** Sends on time, whatever becomes of what was sent before. */
async function openLoop(firstId: number, lasting: number): Promise<readonly Ended[]> {
  const count = perSecond * lasting
  const begin = performance.now()
  const calls: Promise<Ended>[] = []
  while (calls.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - begin) * perSecond) / 1000) + 1)
    while (calls.length < due)
      calls.push(call(firstId + calls.length, begin + (calls.length * 1000) / perSecond))
    await pause(2)
  }
  return Promise.all(calls)
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

it('four times more calls than can be done: as many as can are answered in time, the rest is refused at once', async () => {
  await openLoop(1, 2)
  await server.measured()
  const before = await server.heap()
  const ended = await openLoop(10_000, seconds)
  const { refusals, twice, running, most } = await server.measured()
  const grown = (await server.heap()) - before
  const answered = ended.filter(({ how }) => how === 'answered').map(({ ms }) => ms)
  const refused = ended.filter(({ how }) => how === 'overloaded').length
  if (long) {
    const row = (ms: readonly number[]) =>
      [0.5, 0.9, 0.99, 1].map((share) => `${percentile(ms, share).toFixed(1)} ms`)
    console.log(`sent          ${ended.length} in ${seconds} s`)
    console.log(`answered      ${answered.length}, ${(answered.length / seconds).toFixed(1)} a second`)
    console.log(`  latency     ${row(answered).join(', ')} (p50, p90, p99, most; from when the call was due)`)
    console.log(`refused       ${refused}`)
    console.log(`  in          ${row(refusals).join(', ')} (p50, p90, p99, most; by the server's clock)`)
    console.log(`timed out     ${ended.filter(({ how }) => how === 'timed_out').length}`)
    console.log(`heap          ${(grown / 1024).toFixed(0)} KiB more than before`)
  }
  expect(answered.length / seconds).toBeGreaterThanOrEqual(19)
  expect(percentile(answered, 0.99)).toBeLessThanOrEqual(1000)
  expect(refusals).toHaveLength(refused)
  expect(percentile(refusals, 0.99)).toBeLessThanOrEqual(5)
  expect(ended.length - answered.length - refused).toBeLessThanOrEqual(ended.length * 0.01)
  expect({ twice, running, mostAtOnce: most }).toEqual({ twice: 0, running: 0, mostAtOnce: 4 })
  expect(grown).toBeLessThan(2 * mebibyte)
  const { bounded } = await server.stats()
  const lines = bounded.filter(({ name }) => name.endsWith('(tool work)'))
  expect(lines.map(({ name, size }) => [name, size])).toEqual([
    ['running calls (tool work)', 0],
    ['waiting calls (tool work)', 0],
  ])
}, 90_000)
