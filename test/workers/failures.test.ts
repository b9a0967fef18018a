import { cells } from 'holdfast/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { open } from '../protocol/support.js'
import { built, errorOf, line, workerServer } from './support.js'

let library: Awaited<ReturnType<typeof built>>
beforeAll(async () => {
  library = await built()
}, 180_000)

const one = { threads: 1, memory: 32 }
const [memory] = cells({ transports: ['memory'], revisions: ['2025-11-25'] })

/** What ends a thread, and what the caller is told. */
const deadly = [
  ['exit', {}, 'worker_failed', /its thread ended before it was done/],
  ['hungry', {}, 'worker_failed', /more memory than the 32 MB that a worker may use/],
  ['throwing', { how: 'timer' }, 'worker_failed', /something that it started failed unnoticed/],
  ['throwing', { how: 'rejection' }, 'worker_failed', /something that it started failed unnoticed/],
  ['spin-briefly', {}, 'timed_out', /did not finish within 400 ms/],
] as const

describe.each(cells({ revisions: ['2025-11-25', '2026-07-28'] }))('over $name', (cell) => {
  it('a worker answers, and what kills its thread costs its own call only', async () => {
    const { server, logged } = workerServer(library, { workers: one })
    const client = await open(cell, server)
    expect(await client.callTool('sum', { numbers: [1, 2, 3] })).toMatchObject({
      structuredContent: { sum: 6 },
    })
    for (const [name, args, code, message] of deadly) {
      const quick = client.callTool('quick')
      const error = errorOf(await client.callTool(name, args))
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
      expect(error?.retryable).toBe(code === 'timed_out')
      expect((await quick).content).toEqual([{ type: 'text', text: 'quick' }])
    }
    const { structuredContent } = await client.callTool('sum', { numbers: [4] })
    expect(structuredContent).toEqual({ sum: 4 })
    expect(line(server, 'worker threads')).toMatchObject({ size: 1, limit: 1 })
    const text = JSON.stringify(client.received)
    expect(text).not.toMatch(/rejected unnoticed|thrown in a timer|\.mjs/)
    const causes = logged.map(({ fields }) => String((fields['cause'] as Error | undefined)?.stack))
    expect(causes.some((stack) => /rejected unnoticed[\s\S]*throwing\.mjs/.test(stack))).toBe(true)
    expect(causes.some((stack) => /thrown in a timer[\s\S]*throwing\.mjs/.test(stack))).toBe(true)
  })
})

describe('what a worker throws', () => {
  it('is told as its handler would tell it: tool errors whole, anything else masked and logged', async () => {
    const { server, logged } = workerServer(library, { workers: one })
    const client = await memory?.connect(server)
    const call = async (how: string) => errorOf((await client?.callTool('throwing', { how })) as never)
    expect(await call('catalogue')).toEqual({
      code: 'too_large',
      message: 'It is too large.',
      hint: 'Ask for less.',
      value: 7,
      retryable: true,
      data: { limit: 5 },
    })
    expect(await call('class')).toEqual({
      code: 'busy',
      message: 'It is busy.',
      hint: 'Come later.',
      retryable: true,
      retryAfterMs: 1500,
      data: { at: [1, 2] },
    })
    expect(logged.at(-1)?.fields['cause']).toMatchObject({ message: 'the secret reason' })
    const masked = await call('unknown')
    expect(masked).toMatchObject({ code: 'internal', message: expect.not.stringContaining('inner') })
    const fields = logged.at(-1)?.fields ?? {}
    expect(fields['correlationId']).toBe(masked?.data?.['correlationId'])
    expect(fields['error']).toMatchObject({
      name: 'RangeError',
      message: 'inner secret',
      stack: expect.stringContaining('throwing.mjs'),
      cause: expect.objectContaining({ message: 'deeper' }),
    })
    expect(await call('nothing')).toMatchObject({ code: 'internal' })
    const unclonable = errorOf((await client?.callTool('unclonable')) as never)
    expect(unclonable).toMatchObject({
      code: 'worker_failed',
      message: expect.stringContaining('its result is no data'),
    })
    expect(errorOf((await client?.callTool('no-worker')) as never)).toMatchObject({ code: 'internal' })
    expect(logged.at(-1)?.fields['error']).toMatchObject({
      message: expect.stringMatching(/exports no worker; write: export default defineWorker/),
    })
    await client?.close()
  })

  it('after its answer is logged, and costs neither it nor the next call', async () => {
    const { server, logged } = workerServer(library, { workers: one })
    const client = await memory?.connect(server)
    expect(await client?.callTool('leaving', { afterMs: 20 })).toMatchObject({ content: [{ text: 'left' }] })
    // The next call is at work when what the first left behind fails.
    expect(await client?.callTool('spin', { ms: 60 })).toMatchObject({ content: [{ text: 'spun' }] })
    expect(await client?.callTool('sum', { numbers: [2] })).toMatchObject({ structuredContent: { sum: 2 } })
    expect(await client?.callTool('leaving', { afterMs: 1 })).toMatchObject({ content: [{ text: 'left' }] })
    await expect.poll(() => logged.filter(({ message }) => message.includes('left behind')).length).toBe(2)
    expect(await client?.callTool('sum', { numbers: [3] })).toMatchObject({ structuredContent: { sum: 3 } })
    await client?.close()
  })
})

it('arguments are checked before a thread sees them', async () => {
  const { server } = workerServer(library, { workers: one })
  const client = await memory?.connect(server)
  expect(errorOf((await client?.callTool('sum', { numbers: 'none' })) as never)?.code).toBe(
    'invalid_arguments',
  )
  expect(server.stats().bounded.map(({ name }) => name)).not.toContain('worker threads')
  await client?.close()
})
