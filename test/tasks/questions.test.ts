import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { accept, nameForm, sizeForm } from '../interaction/support.js'
import { byHeader, gate, refused } from '../protocol/support.js'
import { begin, look, lookUntil, memoryCells, runningTasks, taskCells, tasked } from './support.js'

const waits = ({ status }: { readonly status: string }): boolean => status === 'input_required'
const isOver = ({ status }: { readonly status: string }): boolean => /cancelled|failed|completed/.test(status)

describe.each(taskCells)('$name', (cell) => {
  it('questions wait in the task, are answered one by one, and the handler runs once', async () => {
    let runs = 0
    const { client, server } = await tasked(cell, async (ctx) => {
      runs += 1
      const answers = await Promise.all([ctx.elicit(nameForm), ctx.elicit(sizeForm)])
      return JSON.stringify(answers)
    })
    const { taskId } = await begin(client)
    const both = await lookUntil(client, taskId, (task) => Object.keys(task.inputRequests ?? {}).length === 2)
    const [first = '', second = ''] = Object.keys(both.inputRequests ?? {})
    await client.request('tasks/update', {
      taskId,
      inputResponses: { [first]: accept({ name: 'Ada' }), x: {} },
    })
    const one = await lookUntil(client, taskId, (task) => Object.keys(task.inputRequests ?? {}).length === 1)
    expect(Object.keys(one.inputRequests ?? {})).toEqual([second])
    await client.request('tasks/update', { taskId, inputResponses: { [second]: { action: 'cancel' } } })
    const done = await lookUntil(client, taskId, isOver)
    expect(done).not.toHaveProperty('inputRequests')
    expect(JSON.stringify(done.result)).toContain('cancel')
    expect([runs, runningTasks(server), server.stats().counters.questions]).toEqual([1, 0, 2])
  })

  it('an answer that does not fit is asked for again under another key, with what was wrong', async () => {
    const { client } = await tasked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)))
    const { taskId } = await begin(client)
    const seen = new Set<string>()
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { inputRequests = {} } = await lookUntil(
        client,
        taskId,
        (task) => waits(task) && !Object.keys(task.inputRequests ?? {}).some((key) => seen.has(key)),
      )
      const [[key, question] = ['', { params: {} as Record<string, unknown> }]] =
        Object.entries(inputRequests)
      seen.add(key)
      expect(String(question.params['message']).includes('did not fit')).toBe(attempt > 0)
      await client.request('tasks/update', { taskId, inputResponses: { [key]: accept({ name: attempt }) } })
    }
    const { result } = await lookUntil(client, taskId, isOver)
    expect(result).toMatchObject({ isError: true, _meta: { 'dev.holdfast/error': { code: 'unanswered' } } })
  })

  it('a task that is cancelled while it asks tells its handler, asks nothing more and stays cancelled', async () => {
    const over = gate<unknown>()
    const { client, server } = await tasked(cell, (ctx) =>
      ctx.elicit(nameForm).finally(() => over.open(ctx.signal.reason)),
    )
    const { taskId } = await begin(client)
    const { inputRequests = {} } = await lookUntil(client, taskId, waits)
    const [key = ''] = Object.keys(inputRequests)
    await client.request('tasks/cancel', { taskId })
    expect(await over.opened).toMatchObject({ name: 'AbortError' })
    const task = await lookUntil(client, taskId, isOver)
    expect(task.status).toBe('cancelled')
    expect(task).not.toHaveProperty('inputRequests')
    await client.request('tasks/update', { taskId, inputResponses: { [key]: accept({ name: 'Ada' }) } })
    await client.request('tasks/cancel', { taskId })
    expect((await look(client, taskId)).status).toBe('cancelled')
    expect(runningTasks(server)).toBe(0)
  })

  it.each([null, [], 'yes', undefined])('answers that are %j are refused', async (inputResponses) => {
    const { client } = await tasked(cell, async (ctx) => (await ctx.elicit(nameForm)).action)
    const { taskId } = await begin(client)
    const refusal = await refused(client.request('tasks/update', { taskId, inputResponses }))
    expect(refusal.code).toBe(-32602)
  })
})

describe.each(memoryCells)('$name', (cell) => {
  it('a question that is asked after the task has ended is refused and not left hanging', async () => {
    const [ended, late] = [gate(), gate<unknown>()]
    const { client } = await tasked(cell, (ctx) => {
      void ended.opened.then(() => ctx.elicit(nameForm)).then(late.open, (error: unknown) => late.open(error))
      return 'done'
    })
    const { taskId } = await begin(client)
    await lookUntil(client, taskId, isOver)
    ended.open()
    const turn = new Promise((resolve) => setTimeout(resolve, 100, 'still waits'))
    expect(await Promise.race([late.opened, turn])).not.toBe('still waits')
  })

  it('every bound of the store of tasks can be seen, also that of its bytes', async () => {
    const { client, server } = await tasked(cell, () => 'done')
    await begin(client)
    const units = server
      .stats()
      .bounded.filter(({ name }) => name.startsWith('task'))
      .map(({ unit }) => unit)
    expect(units).toContain('bytes')
  })
})

describe.each(cells({ transports: ['http'], revisions: ['2026-07-28'] }))('$name', (cell) => {
  it('TSX-09 a task is there for who made it, and for nobody else', async () => {
    const { client } = await tasked(cell, async (ctx) => (await ctx.elicit(nameForm)).action, {
      server: { auth: byHeader },
      client: { headers: { 'x-user': 'ada' } },
    })
    const { taskId } = await begin(client)
    const { inputRequests = {} } = await lookUntil(client, taskId, waits)
    const [key = ''] = Object.keys(inputRequests)
    const headers = { 'x-user': 'mallory' }
    const inputResponses = { [key]: { action: 'accept', content: { name: 'Mallory' } } }
    for (const [method, more] of [
      ['tasks/get', {}],
      ['tasks/cancel', {}],
      ['tasks/update', { inputResponses }],
    ] as const) {
      const refusal = await refused(client.request(method, { taskId, ...more }, { headers }))
      expect([refusal.code, refusal.message]).toEqual([-32602, expect.stringContaining('There is no task')])
    }
    expect((await look(client, taskId)).status).toBe('input_required')
  })
})
