import { describe, expect, it } from 'vitest'
import type { TaskRecord } from '../../contracts/task-store.js'
import { MemoryTaskStore } from './memory-task-store.js'

function rig(limit = 2) {
  const time = { now: 1000 }
  const clock = { now: () => time.now, monotonic: () => 0, after: () => () => undefined }
  const record = (id: string, more: Partial<TaskRecord> = {}): TaskRecord => ({
    id,
    owner: '',
    tool: 'report',
    status: 'working',
    createdAt: time.now,
    updatedAt: time.now,
    ttlMs: 100,
    ...more,
  })
  return { time, record, store: new MemoryTaskStore(limit, clock) }
}

describe('MemoryTaskStore', () => {
  it('keeps a task for its time, and then as if it had never been', async () => {
    const { store, time, record } = rig()
    await store.create(record('a'))
    expect(await store.get('a')).toMatchObject({ id: 'a', status: 'working' })
    time.now += 100
    expect(await store.get('a')).toBeUndefined()
    await store.update(record('a', { status: 'completed', result: '{}' }))
    expect(await store.get('a')).toBeUndefined()
  })

  it.each(['completed', 'cancelled', 'failed'] as const)(
    'leaves a task that is %s as it is',
    async (status) => {
      const { store, record } = rig()
      await store.create(record('a'))
      await store.update(record('a', { status }))
      await store.update(record('a', { status: 'working' }))
      expect((await store.get('a'))?.status).toBe(status)
    },
  )

  it('drops no task before its time: when it is full it refuses', async () => {
    const { store, time, record } = rig()
    await store.create(record('a'))
    await store.create(record('b', { ttlMs: 500 }))
    await expect(store.create(record('c'))).rejects.toThrow('2 tasks whose time is not over')
    expect(store.stats()).toMatchObject({ size: 2, limit: 2, dropped: 1 })
    time.now += 100
    await store.create(record('c'))
    expect([await store.get('a'), (await store.get('b'))?.id]).toEqual([undefined, 'b'])
  })

  it('bounds the bytes of results, and has room again when they go', async () => {
    const { store, time, record } = rig(10)
    const result = 'x'.repeat(20 * 1024 * 1024)
    for (const id of ['a', 'b']) await store.create(record(id))
    await store.update(record('a', { status: 'completed', result }))
    await expect(store.update(record('b', { status: 'completed', result }))).rejects.toThrow(
      'bytes of results',
    )
    expect((await store.get('b'))?.status).toBe('working')
    time.now += 100
    await store.create(record('c'))
    await store.update(record('c', { status: 'completed', result }))
    expect((await store.get('c'))?.status).toBe('completed')
  })
})
