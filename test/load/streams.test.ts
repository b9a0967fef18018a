import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inParallel, type LoadServer, open, openSession, send, startLoadServer } from './load-server.js'

const mebibyte = 1024 * 1024
const subscribers = 1000
const newest = '2026-07-28'

let server: LoadServer

beforeAll(async () => {
  server = await startLoadServer()
})
afterAll(() => server.stop())

it('a client that never reads its stream is cut at 1 MiB unread, and costs nothing after', async () => {
  const session = await openSession(server.port)
  const before = await server.heap()
  const params = { name: 'pour', arguments: {}, _meta: { progressToken: 1 } }
  const stream = await open(server.port, { session, body: { id: 5, method: 'tools/call', params } })
  // Nobody reads: the response stays paused.
  await expect.poll(async () => (await server.stats()).counters.cutStreams, { timeout: 20_000 }).toBe(1)
  await new Promise((resolve) => stream.on('error', resolve).on('close', resolve).resume())
  const { bounded } = await server.stats()
  const log = bounded.find(({ name }) => name === 'events for clients that come back')
  expect(log?.size).toBeLessThanOrEqual(log?.limit ?? 0)
  // What is kept for its return is bounded by the log; beyond it nothing is held.
  expect((await server.heap()) - before - (log?.size ?? 0)).toBeLessThan(mebibyte)
}, 60_000)

it('a handler that waits for its progress goes no faster than its client reads', async () => {
  const session = await openSession(server.port)
  const params = { name: 'pour-politely', arguments: {}, _meta: { progressToken: 1 } }
  const cut = (await server.stats()).counters.cutStreams
  const stream = await open(server.port, { session, body: { id: 6, method: 'tools/call', params } })
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
  expect(text).toContain('"text":"2000"')
  expect((await server.stats()).counters.cutStreams).toBe(cut)
}, 60_000)

it('1,000 subscribers each hear each change once, on GET streams and on subscriptions/listen', async () => {
  const heard: string[][] = []
  const ends: (() => void)[] = []
  await inParallel(subscribers, 16, async (index) => {
    const stream = index % 2 === 0 ? await subscribe() : await listen(index)
    const uris: string[] = []
    heard.push(uris)
    let rest = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      const events = (rest + chunk).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        const uri = /"method":"notifications\/resources\/updated".*"uri":"([^"]+)"/.exec(event)?.[1]
        if (uri !== undefined) uris.push(uri)
      }
    })
    stream.on('error', () => undefined)
    ends.push(() => stream.destroy())
  })
  for (let change = 0; change < 3; change += 1) await server.change('app://one')
  await expect.poll(() => heard.every((uris) => uris.length >= 3), { timeout: 20_000 }).toBe(true)
  expect(heard.map((uris) => uris.length)).toEqual(Array.from({ length: subscribers }, () => 3))
  for (const end of ends) end()
}, 60_000)

async function subscribe(): Promise<IncomingMessage> {
  const session = await openSession(server.port)
  const body = { id: 2, method: 'resources/subscribe', params: { uri: 'app://one' } }
  expect((await send(server.port, { session, body })).status).toBe(200)
  return open(server.port, { method: 'GET', session })
}

async function listen(id: number): Promise<IncomingMessage> {
  const method = 'subscriptions/listen'
  return open(server.port, {
    headers: { 'mcp-protocol-version': newest, 'mcp-method': method },
    body: {
      id,
      method,
      params: {
        notifications: { resourceSubscriptions: ['app://one'] },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': newest,
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    },
  })
}
