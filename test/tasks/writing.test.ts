import type { Bus, TaskRecord } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { gate } from '../protocol/support.js'
import { begin, look, lookUntil, memoryCells, runningTasks, tasked, taskStore } from './support.js'

describe.each(memoryCells)('$name', (cell) => {
  it('what a handler reports faster than its store writes is not kept in line: the newest counts', async () => {
    const [reported, slow, finish] = [gate(), gate(), gate()]
    const written: (string | undefined)[] = []
    const store = taskStore({
      update: async (record: TaskRecord) => {
        written.push(record.statusMessage)
        await slow.opened
      },
    })
    const { client } = await tasked(
      cell,
      async (ctx) => {
        for (let step = 1; step <= 2000; step += 1) await ctx.progress(step, 2000, `Step ${step}.`)
        reported.open()
        await finish.opened
        return 'done'
      },
      { server: { stores: { tasks: store } } },
    )
    const { taskId } = await begin(client)
    await reported.opened
    slow.open()
    const newest = ({ statusMessage }: { statusMessage?: string }): boolean => statusMessage === 'Step 2000.'
    await lookUntil(client, taskId, newest)
    finish.open()
    await lookUntil(client, taskId, ({ status }) => status === 'completed')
    expect(written.length).toBeLessThan(20)
  })

  it.each<readonly [how: string, status: string]>([
    ['is cancelled', 'cancelled'],
    ['fails', 'failed'],
    ['is done', 'completed'],
  ])(
    'a task that %s while its store is away for a moment comes to an end all the same',
    async (how, status) => {
      let away = true
      const [working, go] = [gate(), gate()]
      const store = taskStore({
        update: async (record: TaskRecord) => {
          if (record.status === 'working' || !away) return
          away = false
          throw new Error('The store is away.')
        },
      })
      const { client, server } = await tasked(
        cell,
        async (ctx) => {
          working.open()
          await go.opened
          if (how === 'fails') await ctx.roots()
          return 'done'
        },
        {
          server: { stores: { tasks: store } },
          client: { capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } },
        },
      )
      const { taskId } = await begin(client)
      await working.opened
      if (how === 'is cancelled') await client.request('tasks/cancel', { taskId })
      go.open()
      await expect.poll(() => runningTasks(server)).toBe(0)
      await expect.poll(async () => (await look(client, taskId)).status).toMatch(/cancelled|failed|completed/)
      if (status !== 'completed') expect((await look(client, taskId)).status).toBe(status)
    },
  )

  it('what another version of the server says of a task and this one does not know changes nothing', async () => {
    const listeners = new Map<string, Set<(message: string) => void>>()
    const bus: Bus = {
      publish(topic, message) {
        for (const listener of listeners.get(topic) ?? []) listener(message)
      },
      subscribe(topic, listener) {
        const all = listeners.get(topic) ?? new Set()
        listeners.set(topic, all.add(listener))
        return () => void all.delete(listener)
      },
    }
    const finish = gate()
    const { client } = await tasked(cell, () => finish.opened.then(() => 'done'), {
      server: { stores: { bus } },
    })
    const { taskId } = await begin(client)
    for (const topic of listeners.keys()) {
      void bus.publish(topic, JSON.stringify({ from: 'a newer version', id: taskId, paused: true }))
      void bus.publish(topic, JSON.stringify({ from: 'a newer version', id: taskId, responses: 'none' }))
    }
    finish.open()
    const task = await lookUntil(client, taskId, ({ status }) => status !== 'working')
    expect(task.status).toBe('completed')
  })
})
