import { cells } from 'holdfast/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { open } from '../protocol/support.js'
import { built, errorOf, line, worker, workerServer } from './support.js'

let library: Awaited<ReturnType<typeof built>>
beforeAll(async () => {
  library = await built()
}, 180_000)

const one = { threads: 1, memory: 32 }

/** The fixtures' server, with handlers that have their work done on a thread. */
function handlerServer() {
  const { server, logged } = workerServer(library, { workers: one })
  const fetched = { description: 'Fetches, and has it computed.' }
  const how = { type: 'string', description: 'Any.' } as const
  const input = { type: 'object', properties: { how } } as const
  server.tool('sum-fetched', fetched, async (_args, ctx) => {
    const numbers = await Promise.resolve([1, 2, 3])
    return ctx.runWorker(worker('sum'), { numbers })
  })
  server.tool('endless', { ...fetched, timeout: 400 }, (_args, ctx) => ctx.runWorker(worker('spin'), {}))
  server.tool('asked-to-stop', { ...fetched, input }, ({ how }, ctx) =>
    ctx.runWorker(worker('cooperative'), { how }),
  )
  server.tool('told', fetched, (_args, ctx) => ctx.runWorker(worker('telling'), { steps: 1000, logs: 1 }))
  server.tool('caught', { ...fetched, input }, async ({ how }, ctx) => {
    try {
      return await ctx.runWorker(worker(String(how)), {})
    } catch (error) {
      return { name: (error as Error).name, code: Reflect.get(error as Error, 'code') }
    }
  })
  server.tool(
    'refused',
    { ...fetched, input, errors: { too_large: { message: 'It is too large.', hint: 'Ask for less.' } } },
    ({ how }, ctx) => ctx.runWorker(worker('throwing'), { how }),
  )
  server.tool('shared', fetched, async (_args, ctx) => {
    const numbers = new Float64Array(new SharedArrayBuffer(16))
    numbers.set([20, 22])
    const { sum } = (await ctx.runWorker(worker('sum'), { numbers })) as { sum: number }
    // What is copied would be gone here, what is transferred would be empty.
    return { sum, still: [...numbers] }
  })
  server.tool('nowhere', fetched, (_args, ctx) => ctx.runWorker(worker('nowhere'), {}))
  return { server, logged }
}

describe.each(cells({ revisions: ['2025-11-25', '2026-07-28'] }))('ctx.runWorker over $name', (cell) => {
  it('computes from what a handler fetched, and tells and throws as the call', async () => {
    const { server, logged } = handlerServer()
    const client = await open(cell, server)
    expect((await client.callTool('sum-fetched')).content).toMatchObject([{ text: '{"sum":6}' }])
    expect((await client.callTool('shared')).content).toMatchObject([{ text: '{"sum":42,"still":[20,22]}' }])
    await client.callTool('told', {}, { meta: { progressToken: 'p' } })
    expect(client.notifications.at(-1)?.params).toMatchObject({ progressToken: 'p', progress: 1000 })
    expect(logged.find(({ message }) => message === 'A step was done.')?.fields).toMatchObject({
      name: 'told',
    })
    expect(errorOf(await client.callTool('refused', { how: 'catalogue' }))).toMatchObject({
      code: 'too_large',
      hint: 'Ask for less.',
    })
    expect(errorOf(await client.callTool('refused', { how: 'unknown' }))?.code).toBe('internal')
    expect(line(server, 'worker threads')).toMatchObject({ size: 1, limit: 1 })
  })

  it('ends with its call, and costs a handler that catches it nothing more', async () => {
    const { server, logged } = handlerServer()
    const client = await open(cell, server)
    expect(errorOf(await client.callTool('endless'))).toMatchObject({ code: 'timed_out' })
    const leave = new AbortController()
    const call = client.callTool('asked-to-stop', { how: 'await' }, { signal: leave.signal })
    const said = (text: string) => () => logged.some(({ message }) => message === text)
    await expect.poll(said('It runs.')).toBe(true)
    leave.abort(new Error('left'))
    await expect(call).rejects.toThrow('left')
    await expect.poll(said('It stopped.')).toBe(true)
    for (const how of ['exit', 'unclonable']) {
      expect((await client.callTool('caught', { how })).content).toMatchObject([
        { text: '{"name":"ToolError","code":"worker_failed"}' },
      ])
    }
    expect((await client.callTool('sum-fetched')).content).toMatchObject([{ text: '{"sum":6}' }])
  })
})

it('a module that is not there is the author’s mistake: the log says which', async () => {
  const { server, logged } = handlerServer()
  const [memory] = cells({ transports: ['memory'], revisions: ['2025-11-25'] })
  const client = await open(memory ?? expect.unreachable(), server)
  expect(errorOf(await client.callTool('nowhere'))?.code).toBe('internal')
  expect(logged.at(-1)?.fields['error']).toMatchObject({
    name: 'DefinitionError',
    message: expect.stringMatching(
      /^ctx\.runWorker in "nowhere": "worker" leads to .*nowhere\.mjs, and there is no such file/,
    ),
  })
})
