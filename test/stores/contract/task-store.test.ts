import { describe, expect, it } from 'vitest'
import type { TaskRecord } from '../../../src/contracts/task-store.js'
import { kinds } from './kinds.js'

function record(id: string, more: Partial<TaskRecord> = {}): TaskRecord {
  const now = Date.now()
  return {
    id,
    owner: '["issuer","ada"]',
    tool: 'report',
    status: 'working',
    createdAt: now,
    updatedAt: now,
    ttlMs: 60_000,
    ...more,
  }
}

describe.each(kinds)('TaskStore: $name', ({ make }) => {
  it('gives back every field', async () => {
    const { tasks } = make()
    const whole = record('a', {
      status: 'input_required',
      statusMessage: 'Half of it — 世界',
      inputRequests: { 'q-1': { method: 'elicitation/create', params: { message: 'Go on?' } } },
    })
    await tasks.create(whole)
    expect(await tasks.get('a')).toEqual(whole)
    const done = record('a', { status: 'completed', result: '{"content":[]}' })
    await tasks.update(done)
    expect(await tasks.get('a')).toEqual(done)
    expect(await tasks.get('b')).toBeUndefined()
  })

  it.each(['completed', 'cancelled', 'failed'] as const)(
    'lets nothing change a task that is %s',
    async (status) => {
      const { tasks } = make()
      await tasks.create(record('a'))
      await tasks.update(record('a', { status }))
      for (const next of ['working', 'completed', 'cancelled', 'failed'] as const) {
        await tasks.update(record('a', { status: next, statusMessage: 'late' }))
      }
      const kept = await tasks.get('a')
      expect(kept?.status).toBe(status)
      expect(kept?.statusMessage).toBeUndefined()
    },
  )

  it('of many ends that come at once keeps one', async () => {
    const { tasks } = make()
    await tasks.create(record('a'))
    const ends = Array.from({ length: 20 }, (_, n) => record('a', { status: 'completed', result: `"${n}"` }))
    await Promise.all(ends.map((end) => tasks.update(end)))
    const kept = await tasks.get('a')
    expect(kept?.status).toBe('completed')
    await tasks.update(record('a', { status: 'failed' }))
    expect(await tasks.get('a')).toEqual(kept)
  })

  it('forgets a task when its time from its creation is over, also one that was updated', async () => {
    const { tasks } = make()
    await tasks.create(record('a', { ttlMs: 80 }))
    const { createdAt } = (await tasks.get('a')) ?? record('a')
    await tasks.update(record('a', { createdAt, ttlMs: 80, status: 'completed' }))
    await expect.poll(() => tasks.get('a'), { interval: 10 }).toBeUndefined()
    expect(Date.now()).toBeGreaterThanOrEqual(createdAt + 75)
    await tasks.update(record('a', { status: 'failed' }))
    expect(await tasks.get('a')).toBeUndefined()
  })
})
