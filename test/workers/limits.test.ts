import { cells } from 'holdfast/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { open } from '../protocol/support.js'
import { built, errorOf, line, workerServer } from './support.js'

let library: Awaited<ReturnType<typeof built>>
beforeAll(async () => {
  library = await built()
}, 180_000)

const one = { threads: 1 }
const all = cells({ revisions: ['2025-11-25'] })

describe.each(all)('over $name', (cell) => {
  it('a million notices of progress reach the client as few, the last among them', async () => {
    const { server, logged } = workerServer(library, { workers: one })
    const client = await open(cell, server)
    const before = process.memoryUsage().rss
    const result = await client.callTool(
      'telling',
      { steps: 1_000_000, logs: 5000 },
      { meta: { progressToken: 'p' } },
    )
    expect(result.content).toEqual([{ type: 'text', text: 'told' }])
    const told = client.notifications.map(({ params }) => Number(params['progress']))
    expect(told.length).toBeGreaterThan(1)
    expect(told.length).toBeLessThan(1000)
    expect(told.at(-1)).toBe(1_000_000)
    expect(told).toEqual([...told].sort((left, right) => left - right))
    expect((process.memoryUsage().rss - before) / 1024 / 1024).toBeLessThan(200)
    const logs = logged.filter(({ message }) => message === 'A step was done.')
    expect(logs.length).toBeGreaterThan(50)
    expect(logs.length).toBeLessThan(500)
    expect(logs[0]?.fields).toMatchObject({ count: 0, name: 'telling', correlationId: expect.any(String) })
    const said = logged.find(({ message }) => message.includes('the rest was left out'))
    expect(said?.fields['leftOut']).toBe(5000 - logs.length)
  })

  it('who cancels stops the work: at once where it looks, with its thread where it does not', async () => {
    const { server, logged } = workerServer(library, { workers: one })
    const client = await open(cell, server)
    for (const how of ['loop', 'await']) {
      const leave = new AbortController()
      const from = logged.length
      const said = (text: string) => () => logged.slice(from).some(({ message }) => message === text)
      const call = client.callTool('cooperative', { how }, { signal: leave.signal })
      await expect.poll(said('It runs.')).toBe(true)
      leave.abort(new Error('left'))
      await expect(call).rejects.toThrow('left')
      await expect.poll(said('It stopped.')).toBe(true)
    }
    // The same thread did all of it.
    const { content } = await client.callTool('cooperative', { how: 'count' })
    expect(content).toMatchObject([{ text: '{"calls":3}' }])
    const leave = new AbortController()
    const call = client.callTool('spin', {}, { signal: leave.signal })
    const began = () => logged.some(({ message }) => message === 'It spins.')
    await expect.poll(began).toBe(true)
    leave.abort(new Error('left'))
    await expect(call).rejects.toThrow('left')
    expect(await client.callTool('sum', { numbers: [1] })).toMatchObject({ structuredContent: { sum: 1 } })
    expect((await client.callTool('cooperative', { how: 'count' })).content).toMatchObject([
      { text: '{"calls":1}' },
    ])
  })
})

describe('the pool', () => {
  it('refuses at once what does not fit into its queue, and what could not be done in time', async () => {
    const { server } = workerServer(library, { workers: { threads: 1, maxQueue: 2 }, timeout: '5s' })
    const client = await open(all[0] ?? expect.unreachable(), server)
    await client.callTool('spin', { ms: 50 })
    const calls = Array.from({ length: 6 }, () => client.callTool('spin', { ms: 300 }))
    const errors = (await Promise.all(calls)).map(errorOf)
    expect(errors.filter((error) => error === undefined)).toHaveLength(3)
    for (const error of errors.filter((one) => one !== undefined)) {
      expect(error).toMatchObject({
        code: 'overloaded',
        message: '"spin" was not begun because 1 worker threads are busy and 2 calls wait already.',
        retryable: true,
        data: { queued: 2, limit: 1 },
      })
      expect(error.retryAfterMs).toBeGreaterThan(0)
    }
    expect(line(server, 'calls that wait for a worker')).toMatchObject({ size: 0, limit: 2, dropped: 3 })
    const long = client.callTool('spin', { ms: 300 })
    // By what was learned there is no time for it behind the other.
    expect(errorOf(await client.callTool('spin-briefly', { ms: 1 }))).toMatchObject({
      code: expect.stringMatching(/overloaded|timed_out/),
    })
    await long
  })

  it('goes on with the other calls while a thread is ended, and never has more threads than it may', async () => {
    const { server } = workerServer(library, { workers: { threads: 2 } })
    const client = await open(all[0] ?? expect.unreachable(), server)
    const endless = client.callTool('spin-briefly', {})
    let most = 0
    const done: unknown[] = []
    let over = false
    const killed = endless.then((result) => {
      over = true
      return errorOf(result)
    })
    while (!over) {
      done.push((await client.callTool('sum', { numbers: [done.length] })).structuredContent)
      most = Math.max(most, line(server, 'worker threads').size)
    }
    expect(await killed).toMatchObject({ code: 'timed_out' })
    // How many there are is the machine's matter.
    expect(done.length).toBeGreaterThan(0)
    expect(done).toEqual(done.map((_, index) => ({ sum: index })))
    expect(most).toBe(2)
  })

  it('keeps the deadline of a call that waits, and takes it out of the queue', async () => {
    const { server } = workerServer(library, { workers: { threads: 1 } })
    const client = await open(all[0] ?? expect.unreachable(), server)
    const [first, second] = [client.callTool('spin', { ms: 900 }), client.callTool('spin-briefly', {})]
    // Or it is told at once that it would be late, when the first had run for as long already.
    expect(errorOf(await second)).toMatchObject({ code: expect.stringMatching(/overloaded|timed_out/) })
    expect(line(server, 'calls that wait for a worker').size).toBe(0)
    expect(errorOf(await first)).toBeUndefined()
  })

  it('leaves no thread when the server closes, also not one that loops', async () => {
    const { server } = workerServer(library, { workers: { threads: 2 } })
    const client = await open(all[0] ?? expect.unreachable(), server)
    const endless = client.callTool('spin', {})
    await client.callTool('sum', { numbers: [1] })
    expect(line(server, 'worker threads').size).toBe(2)
    await server.close({ timeoutMs: 50 })
    expect(errorOf(await endless)).toMatchObject({ code: 'shutting_down' })
    expect(line(server, 'worker threads').size).toBe(0)
  })

  it('is used by the definition: cache, concurrency and tasks stand around a worker as around a handler', async () => {
    const { server } = workerServer(library, { workers: { threads: 2 } })
    server.tool('kept', {
      description: 'Keeps.',
      annotations: { readOnlyHint: true },
      cache: { ttl: '1m' },
      worker: new URL('../fixtures/workers/cooperative.mjs', import.meta.url),
      input: { type: 'object', properties: { how: { type: 'string', description: 'Any.' } } },
    })
    const client = await open(all[0] ?? expect.unreachable(), server)
    const first = await client.callTool('kept', { how: 'count' })
    expect(await client.callTool('kept', { how: 'count' })).toEqual(first)
    expect(server.stats().counters.cacheHits).toBe(1)
  })
})
