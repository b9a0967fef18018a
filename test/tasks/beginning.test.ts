import { describe, expect, it } from 'vitest'
import { fillsIn, nameForm } from '../interaction/support.js'
import { gate, textOf } from '../protocol/support.js'
import { begin, look, lookUntil, memoryCells, runningTasks, taskCells, tasked, taskStore } from './support.js'

const isOver = ({ status }: { readonly status: string }): boolean => /cancelled|failed|completed/.test(status)
const byHandler = { support: 'optional', begins: 'handler' } as const

describe.each(taskCells)('$name', (cell) => {
  it('a call that its handler never makes a task is a call like any other', async () => {
    const { client, server } = await tasked(
      cell,
      async (ctx) => {
        await ctx.progress(1, 2)
        return 'done'
      },
      { task: byHandler },
    )
    const params = { name: 'work', arguments: {} }
    const result = await client.request('tools/call', params, { meta: { progressToken: 't' } })
    expect(result).toMatchObject({ resultType: 'complete', content: [{ type: 'text', text: 'done' }] })
    expect(runningTasks(server)).toBe(0)
  })

  it('what a handler reports before its call is a task reaches the client that waits for it', async () => {
    const { client } = await tasked(
      cell,
      async (ctx) => {
        await ctx.progress(1, 2)
        return 'done'
      },
      { task: byHandler },
    )
    const params = { name: 'work', arguments: {} }
    await client.request('tools/call', params, { meta: { progressToken: 't' } })
    expect(client.notifications.map(({ params: { progress } }) => progress)).toEqual([1])
  })

  it('a question before the task is asked at once, and the task begins with its answer', async () => {
    const { client, server } = await tasked(
      cell,
      async (ctx) => {
        const { action } = await ctx.elicit(nameForm)
        await ctx.beginTask()
        return action
      },
      { task: byHandler },
    )
    const first = await begin(client)
    expect([first.resultType, runningTasks(server)]).toEqual(['input_required', 0])
    const [key = ''] = Object.keys(first.inputRequests ?? {})
    const inputResponses = { [key]: { action: 'decline' } }
    const task = await begin(client, { requestState: first.requestState, inputResponses })
    expect(task.resultType).toBe('task')
    const { result } = await lookUntil(client, task.taskId, ({ status }) => status === 'completed')
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'decline' }] })
    expect(runningTasks(server)).toBe(0)
  })
})

describe.each(memoryCells)('$name', (cell) => {
  it('a handler that swallows its question and goes on as a task is answered by its question all the same', async () => {
    const { client, server } = await tasked(
      cell,
      async (ctx) => {
        const answer = await ctx.elicit(nameForm).catch(() => undefined)
        await ctx.beginTask()
        return answer?.action ?? 'nobody'
      },
      { task: byHandler },
    )
    const first = await begin(client)
    const task = first.resultType === 'task' ? await lookUntil(client, first.taskId, isOver) : undefined
    expect(task?.result?.resultType).not.toBe('input_required')
    expect([first.resultType, runningTasks(server)]).toEqual(['input_required', 0])
    const kept = server.stats().bounded.find(({ name }) => name === 'tasks')
    expect(kept?.size).toBe(0)
  })

  it('a handler that goes on as a task after its call was answered by a question begins none', async () => {
    const [answered, over] = [gate(), gate()]
    const { client, server } = await tasked(
      cell,
      async (ctx) => {
        const answer = await ctx.elicit(nameForm).catch(() => undefined)
        await answered.opened
        try {
          await ctx.beginTask()
        } finally {
          over.open()
        }
        return answer?.action ?? 'nobody'
      },
      { task: byHandler },
    )
    expect((await begin(client)).resultType).toBe('input_required')
    answered.open()
    await over.opened
    expect(runningTasks(server)).toBe(0)
    const kept = server.stats().bounded.find(({ name }) => name === 'tasks')
    expect(kept?.size).toBe(0)
  })

  it('a call that is cancelled while its task is being kept leaves no task that runs', async () => {
    const [creating, keep, over] = [gate(), gate(), gate()]
    const store = taskStore({
      create: () => {
        creating.open()
        return keep.opened
      },
    })
    const { client, server } = await tasked(
      cell,
      (ctx) => {
        over.open()
        return String(ctx.signal.aborted)
      },
      { server: { stores: { tasks: store } } },
    )
    const cancel = new AbortController()
    begin(client, {}, cancel.signal).catch(() => undefined)
    await creating.opened
    cancel.abort(new Error('enough'))
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    keep.open()
    const [record] = await expect
      .poll(() => [...store.records.values()])
      .toHaveLength(1)
      .then(() => [...store.records.values()])
    await expect.poll(() => runningTasks(server)).toBe(0)
    await expect.poll(() => store.records.get(record?.id ?? '')?.status).toBe('cancelled')
  })

  it('a call whose time is over while its task is being kept leaves no task that runs', async () => {
    const keep = gate()
    const store = taskStore({ create: () => keep.opened })
    const { client, server } = await tasked(cell, () => 'done', {
      timeout: 50,
      server: { stores: { tasks: store } },
    })
    const result = await begin(client)
    expect(result.isError).toBe(true)
    keep.open()
    await expect.poll(() => store.records.size).toBe(1)
    await expect.poll(() => runningTasks(server)).toBe(0)
  })

  it('a question that still waits when the task begins does not become what the task came to', async () => {
    const { client } = await tasked(
      cell,
      async (ctx) => {
        const question = ctx.elicit(nameForm)
        question.catch(() => undefined)
        await ctx.beginTask()
        return (await question).action
      },
      { task: byHandler, client: { answers: {} } },
    )
    const first = await begin(client)
    if (first.resultType === 'task') {
      const task = await lookUntil(client, first.taskId, ({ status }) => status !== 'working')
      expect(JSON.stringify(task.result ?? {})).not.toContain('input_required')
    } else {
      expect(first.resultType).toBe('input_required')
    }
  })

  it('a store that has no room refuses the call, and its reason stays in the log', async () => {
    const store = taskStore({ create: () => Promise.reject(new Error('10.0.0.7 is full')) })
    const { client, server, logged } = await tasked(cell, () => 'done', {
      server: { stores: { tasks: store } },
    })
    const result = await begin(client)
    expect(JSON.stringify(result)).toContain('"overloaded"')
    expect(JSON.stringify(result)).not.toContain('10.0.0.7')
    expect(logged.some(({ level }) => level === 'error')).toBe(true)
    expect(runningTasks(server)).toBe(0)
  })

  it('a client without tasks waits for the result, and is asked on the way', async () => {
    const { client, server } = await tasked(
      cell,
      async (ctx) => `${(await ctx.elicit(nameForm)).action}, ${await ctx.beginTask()}`,
      { client: { capabilities: { elicitation: {} }, answers: fillsIn } },
    )
    expect(textOf(await client.callTool('work'))).toBe('accept, false')
    expect(runningTasks(server)).toBe(0)
  })

  it('a task that was never given out is there for nobody', async () => {
    const { client } = await tasked(cell, () => 'done')
    await expect(look(client, 'made-up')).rejects.toMatchObject({ code: -32602 })
    await expect(look(client, 'x'.repeat(10_000))).rejects.toMatchObject({ code: -32602 })
  })
})
