import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newest } from './feature-cells.js'
import { featuresForFile } from './served-features.js'
import { connectTasks, type TaskClient, tasksExtension } from './task-client.js'

const served = featuresForFile()

describe.each(['stdio', 'http'] as const)(`v2 pinned, %s, ${newest}`, (transport) => {
  let client: TaskClient
  beforeAll(async () => {
    const place = transport === 'stdio' ? transport : served()
    client = await connectTasks(place, () => ({ action: 'accept', content: { sure: true } }))
  })
  afterAll(async () => {
    await client.close()
    expect(client.errors).toEqual([])
  })

  /** Has begun a task whose only question is there. */
  async function asked(name: string): Promise<{ taskId: string; key: string; request: unknown }> {
    const { taskId } = await client.start('asking-job', { name })
    const { inputRequests = {} } = await client.poll(taskId, 'input_required')
    const [[key, request] = ['', undefined], ...more] = Object.entries(inputRequests)
    expect(more).toEqual([])
    return { taskId, key, request }
  }

  it('is told that there are tasks', () => {
    expect(client.serverCapabilities).toMatchObject({ extensions: { [tasksExtension]: {} } })
  })

  it('looks at a task until it is done', async () => {
    const name = randomUUID()
    const task = await client.start('long-job', { name })
    expect(task).toMatchObject({ status: 'working', ttlMs: 3_600_000, pollIntervalMs: 20 })
    const { taskId } = task
    expect(await client.get(taskId)).toMatchObject({ taskId, status: 'working', statusMessage: 'half done' })
    await client.call('happen', { name })
    const done = await client.poll(taskId, 'completed')
    expect(done.result).toMatchObject({ content: [{ type: 'text', text: `${name} is done` }] })
    expect(Date.parse(done.lastUpdatedAt)).toBeGreaterThanOrEqual(Date.parse(task.lastUpdatedAt))
    // It stays what it was.
    expect(await client.get(taskId)).toEqual(done)
    await client.cancel(taskId)
    expect(await client.get(taskId)).toEqual(done)
  })

  it('answers what a task asks', async () => {
    const name = randomUUID()
    const { taskId, key, request } = await asked(name)
    expect(request).toMatchObject({ method: 'elicitation/create', params: { message: 'Go on?' } })
    await client.answer(taskId, { [key]: { action: 'accept', content: { sure: true } } })
    const { result, inputRequests } = await client.poll(taskId, 'completed')
    expect(result?.content).toEqual([{ type: 'text', text: `${name}: true` }])
    expect(inputRequests).toBeUndefined()
  })

  it('declines what a task asks', async () => {
    const name = randomUUID()
    const { taskId, key } = await asked(name)
    await client.answer(taskId, { [key]: { action: 'decline' } })
    expect((await client.poll(taskId, 'completed')).result?.content).toEqual([
      { type: 'text', text: `${name}: decline` },
    ])
  })

  it('is asked again, under another key, when the answer does not fit', async () => {
    const name = randomUUID()
    const { taskId, key } = await asked(name)
    await client.answer(taskId, { [key]: { action: 'accept', content: { sure: 'perhaps' } } })
    const { inputRequests = {} } = await client.poll(taskId, 'input_required')
    const [again = ''] = Object.keys(inputRequests)
    expect(again).not.toBe(key)
    expect(inputRequests[again]).toMatchObject({
      params: { message: expect.stringMatching(/^Go on\?.*did not fit/s) as string },
    })
    await client.answer(taskId, { [again]: { action: 'accept', content: { sure: false } } })
    expect((await client.poll(taskId, 'completed')).result?.content).toEqual([
      { type: 'text', text: `${name}: false` },
    ])
  })

  it('cancels a task, and its handler hears of it', async () => {
    const name = randomUUID()
    const { taskId } = await client.start('endless-job', { name })
    await client.cancel(taskId)
    await client.call('until', { name: `${name} aborted` })
    const cancelled = await client.poll(taskId, 'cancelled')
    expect(cancelled.result).toBeUndefined()
    expect(cancelled.error).toBeUndefined()
  })

  it('cancels a task that asks', async () => {
    const { taskId } = await asked(randomUUID())
    await client.cancel(taskId)
    expect((await client.get(taskId)).status).toBe('cancelled')
  })

  it('is given a failed tool’s result', async () => {
    const { taskId } = await client.start('failing-job')
    expect((await client.poll(taskId, 'completed')).result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: expect.stringContaining('It broke.') as string }],
    })
  })

  it('answers before the call becomes a task where the tool says so', async () => {
    const name = randomUUID()
    const { taskId } = await client.start('asks-first', { name })
    expect((await client.get(taskId)).status).toBe('working')
    await client.call('happen', { name })
    expect((await client.poll(taskId, 'completed')).result?.content).toEqual([
      { type: 'text', text: `${name}: accept` },
    ])
  })

  it('refuses arguments before there is a task', async () => {
    expect(await client.call('long-job', {})).toContain('name')
  })

  it('follows tasks on a stream', async () => {
    const name = randomUUID()
    const { taskId } = await client.start('long-job', { name })
    const from = client.told.items.length
    const stream = await client.follow([taskId, 'nobody'])
    expect(stream.agreed).toEqual({ taskIds: [taskId] })
    const of = (status: string) => (state: { taskId: string; status: string }) =>
      state.taskId === taskId && state.status === status
    await client.told.until(of('working'), from)
    await client.call('happen', { name })
    const done = await client.told.until(of('completed'), from)
    expect(done.result?.content).toEqual([{ type: 'text', text: `${name} is done` }])
    await stream.close()
  })

  it('hears of a question on a stream, and answers it', async () => {
    const name = randomUUID()
    const { taskId, key } = await asked(name)
    const stream = await client.follow([taskId])
    const waiting = await client.told.until((state) => state.taskId === taskId)
    expect(Object.keys(waiting.inputRequests ?? {})).toEqual([key])
    await client.answer(taskId, { [key]: { action: 'cancel' } })
    await client.told.until((state) => state.taskId === taskId && state.status === 'completed')
    await stream.close()
  })

  it('knows no other task', async () => {
    const nobody = expect.objectContaining({
      code: -32602,
      message: expect.stringContaining('nobody'),
    }) as Error
    await expect(client.get('nobody')).rejects.toEqual(nobody)
    await expect(client.cancel('nobody')).rejects.toEqual(nobody)
    await expect(client.answer('nobody', {})).rejects.toEqual(nobody)
  })
})
