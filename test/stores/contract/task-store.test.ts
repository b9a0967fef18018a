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

  it('begins a later attempt once, however many nodes try, and gives that one the call', async () => {
    const { tasks } = make()
    await tasks.create(record('a', { attempt: 1 }), 'sealed')
    const next = record('a', { attempt: 2, statusMessage: 'It runs again.' })
    const tries = await Promise.all(Array.from({ length: 20 }, () => tasks.restart?.(next)))
    expect(tries.filter((call) => call !== undefined)).toEqual(['sealed'])
    expect(await tasks.get('a')).toEqual(next)
    expect(await tasks.restart?.(record('a', { attempt: 1 }))).toBeUndefined()
    expect(await tasks.restart?.(record('a', { attempt: 3 }))).toBe('sealed')
  })

  it('takes nothing of an earlier attempt, also no end, and all of this or a later one', async () => {
    const { tasks } = make()
    await tasks.create(record('a', { attempt: 1 }), 'sealed')
    await tasks.restart?.(record('a', { attempt: 2 }))
    for (const late of [{ attempt: 1 }, {}]) {
      await tasks.update(record('a', { ...late, statusMessage: 'late' }))
      await tasks.update(record('a', { ...late, status: 'completed', result: '"late"' }))
      expect(await tasks.get('a')).toMatchObject({ status: 'working', attempt: 2 })
    }
    expect((await tasks.get('a'))?.statusMessage).toBeUndefined()
    await tasks.update(record('a', { attempt: 2, statusMessage: 'Half.' }))
    expect((await tasks.get('a'))?.statusMessage).toBe('Half.')
    await tasks.update(record('a', { attempt: 2, status: 'completed', result: '"in time"' }))
    expect(await tasks.get('a')).toMatchObject({ status: 'completed', result: '"in time"' })
  })

  it.each(['completed', 'cancelled', 'failed'] as const)(
    'begins nothing of a task that is %s, nor of one whose call is not kept or that is not there',
    async (status) => {
      const { tasks } = make()
      await tasks.create(record('a', { attempt: 1 }), 'sealed')
      await tasks.update(record('a', { attempt: 1, status }))
      await tasks.create(record('b', { attempt: 1 }))
      for (const id of ['a', 'b', 'c']) {
        expect([id, await tasks.restart?.(record(id, { attempt: 2 }))]).toEqual([id, undefined])
      }
      expect(await tasks.get('a')).toMatchObject({ status, attempt: 1 })
      expect(await tasks.get('b')).toMatchObject({ attempt: 1 })
    },
  )

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
