import { Agent } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inParallel, type LoadServer, open, openSession, send, startLoadServer } from './load-server.js'

const sessions = 10_000
const streams = 1000
const mebibyte = 1024 * 1024

let server: LoadServer

beforeAll(async () => {
  server = await startLoadServer()
})
afterAll(() => server.stop())

it('10,000 sessions that called, set a level and subscribed, then went idle, add at most 10 MB of heap', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const use = async (): Promise<void> => {
    const session = await openSession(server.port, agent)
    const post = async (method: string, params: object): Promise<void> => {
      const { status } = await send(server.port, { session, body: { id: 2, method, params }, agent })
      expect(status).toBe(200)
    }
    await post('tools/call', { name: 'add', arguments: {} })
    await post('logging/setLevel', { level: 'info' })
    await post('resources/subscribe', { uri: 'app://one' })
  }
  // What is loaded and compiled once is no session's.
  await inParallel(500, 16, use)
  const before = await server.heap()
  await inParallel(sessions, 16, use)
  agent.destroy()
  const added = (await server.heap()) - before
  console.log(`heap for ${sessions} idle sessions: ${(added / mebibyte).toFixed(2)} MiB`)
  expect(added).toBeLessThan(10_000_000)
  const { bounded } = await server.stats()
  for (const { size, limit } of bounded) expect(size).toBeLessThanOrEqual(limit)
}, 120_000)

it('1,000 open GET streams cost what their sockets cost, and nothing once they are closed', async () => {
  const before = await server.heap()
  const open1000 = await openStreams()
  const during = await server.heap()
  console.log(
    `heap for ${streams} open GET streams: ${((during - before) / mebibyte).toFixed(2)} MiB, ${((during - before) / streams / 1024).toFixed(1)} KiB each`,
  )
  for (const close of open1000) close()
  await expect.poll(async () => streamsOpen(), { timeout: 10_000 }).toBe(0)
  // A stream without a connection is kept for a while, for its client to come back to.
  expect((await server.heap()) - before).toBeLessThan(3 * mebibyte)
}, 120_000)

async function openStreams(): Promise<readonly (() => void)[]> {
  const closers: (() => void)[] = []
  await inParallel(streams, 16, async () => {
    const session = await openSession(server.port)
    const stream = await open(server.port, { method: 'GET', session })
    expect(stream.statusCode).toBe(200)
    stream.on('error', () => undefined)
    closers.push(() => stream.destroy())
  })
  expect(await streamsOpen()).toBe(streams)
  return closers
}

async function streamsOpen(): Promise<number | undefined> {
  const { bounded } = await server.stats()
  return bounded.find(({ name }) => name === 'streams opened by GET (HTTP)')?.size
}
