import { describe, expect, it } from 'vitest'
import type { Leases } from '../contracts/leases.js'
import { isTerminal, type TaskRecord, type TaskStore } from '../contracts/task-store.js'
import { LeasedTasks } from './leased-tasks.js'

/** Time, and timers that run when it has passed; all nodes of a test share it. */
function sharedTime() {
  const timers = new Set<{ at: number; fn: () => void }>()
  const time = { now: 1000 }
  const clock = {
    now: () => time.now,
    monotonic: () => time.now,
    after(ms: number, fn: () => void) {
      const timer = { at: time.now + ms, fn }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
  }
  const pass = async (ms: number): Promise<void> => {
    const until = time.now + ms
    for (; time.now < until; time.now += 100) {
      for (const timer of [...timers]) {
        if (timer.at > time.now || !timers.delete(timer)) continue
        timer.fn()
        await new Promise(setImmediate)
      }
    }
  }
  return { clock, pass }
}

/** Leases and tasks by the plainest means. */
function sharedParts(now: () => number) {
  const held = new Map<string, { holder: string; until: number }>()
  const leases: Leases = {
    async hold(ids, holder, ttlMs) {
      const lost = ids.filter((id) => (held.get(id)?.holder ?? holder) !== holder)
      for (const id of ids) if (!lost.includes(id)) held.set(id, { holder, until: now() + ttlMs })
      return lost
    },
    async release(ids, holder) {
      for (const id of ids) if (held.get(id)?.holder === holder) held.delete(id)
    },
    async claim(holder, limit, ttlMs) {
      const ids = [...held].filter(([, { until }]) => until <= now()).slice(0, limit)
      for (const [id] of ids) held.set(id, { holder, until: now() + ttlMs })
      return ids.map(([id]) => id)
    },
  }
  const records = new Map<string, TaskRecord>()
  const calls = new Map<string, string>()
  const ends: string[] = []
  const store: TaskStore = {
    async create(record, call) {
      records.set(record.id, record)
      if (call !== undefined) calls.set(record.id, call)
    },
    get: async (id) => records.get(id),
    async update(record) {
      const before = records.get(record.id)
      if (before === undefined || isTerminal(before.status)) return
      if ((before.attempt ?? 0) > (record.attempt ?? 0)) return
      if (isTerminal(record.status)) ends.push(`${record.id} ${record.status}`)
      records.set(record.id, record)
    },
    async restart(record) {
      const before = records.get(record.id)
      if (before === undefined || isTerminal(before.status)) return undefined
      if ((before.attempt ?? 0) >= (record.attempt ?? 0)) return undefined
      if (calls.has(record.id)) records.set(record.id, record)
      return calls.get(record.id)
    },
  }
  return { held, leases, store, records, ends }
}

const record: TaskRecord = {
  ...{ id: 'task', owner: '', tool: 'report', status: 'input_required', createdAt: 1000, updatedAt: 1000 },
  ...{ ttlMs: 3_600_000, inputRequests: { 'q-1': {} } },
}

function rig() {
  const { clock, pass } = sharedTime()
  const parts = sharedParts(clock.now)
  const told: string[] = []
  const state = { room: true, obstacle: undefined as string | undefined }
  const node = (name: string) => {
    const running = new Set<string>()
    const attempts = new Map<string, number | undefined>()
    const tasks = new LeasedTasks({
      ...{ store: parts.store, leases: parts.leases, node: name, leaseMs: 3000, clock },
      logger: { debug() {}, info() {}, warn() {}, error: (message) => void told.push(message) },
      running: () => [...running],
      onLost: (id) => void told.push(`${name} lost ${id}`),
      onInterrupted: ({ id }) => void told.push(`${name} ended ${id}`),
      hasRoom: () => state.room,
      runHere: (id) => (running.has(id) ? { attempt: attempts.get(id) } : undefined),
      async rerun({ id, attempt }, call) {
        if (state.obstacle !== undefined) return state.obstacle
        told.push(`${name} runs ${id} (${attempt}) by ${call}`)
        running.add(id)
        attempts.set(id, attempt)
        return undefined
      },
    })
    return { tasks, running, attempts }
  }
  return { ...parts, pass, told, node, state }
}

describe('LeasedTasks', () => {
  it('leaves a task alone for as long as its node gives signs', async () => {
    const { node, pass, records, told } = rig()
    const [one] = [node('one'), node('two')]
    await one?.tasks.create(record)
    one?.running.add('task')
    await pass(60_000)
    expect(records.get('task')).toBe(record)
    expect(told).toEqual([])
  })

  it('ends the task of a silent node once, whoever looks', async () => {
    const { node, pass, records, ends, held, told } = rig()
    const one = node('one')
    for (const name of ['two', 'three', 'four']) node(name)
    await one.tasks.create(record)
    one.running.add('task')
    await pass(5000)
    one.tasks.stop()
    await pass(2000)
    expect(ends).toEqual([])
    await pass(3000)
    expect(ends).toEqual(['task failed'])
    expect(told).toHaveLength(1)
    expect(records.get('task')).toMatchObject({
      status: 'failed',
      error: { code: -32603, message: expect.stringContaining('interrupted') },
    })
    expect(records.get('task')).not.toHaveProperty('inputRequests')
    expect(held.size).toBe(0)
  })

  it('tells a node that was silent for too long that it has lost its task, and lets its result change nothing', async () => {
    const { node, pass, records, ends, leases, told } = rig()
    const one = node('one')
    await one.tasks.create(record)
    one.running.add('task')
    await leases.hold(['task'], 'one', -1)
    await leases.claim('two', 1, 60_000)
    await pass(1500)
    expect(told).toEqual(['one lost task'])
    await one.tasks.update({ ...record, status: 'failed' })
    await one.tasks.update({ ...record, status: 'completed' })
    expect(ends).toEqual(['task failed'])
    expect(records.get('task')?.status).toBe('failed')
  })

  it('gives up the lease with the end, and when there was no room', async () => {
    const { node, held, store } = rig()
    const { tasks } = node('one')
    await tasks.create(record)
    expect([...held.keys()]).toEqual(['task'])
    await tasks.update({ ...record, status: 'completed' })
    expect(held.size).toBe(0)
    store.create = () => Promise.reject(new Error('full'))
    await expect(tasks.create({ ...record, id: 'next' })).rejects.toThrow('full')
    expect(held.size).toBe(0)
  })

  it('ends no task of a node that lives after an outage in which all leases ran out, whoever comes back first', async () => {
    const { node, pass, leases, ends, told } = rig()
    // Started first, so it looks first.
    node('two')
    const one = node('one')
    await one.tasks.create(record)
    one.running.add('task')
    const { hold, claim } = leases
    const away = () => Promise.reject(new Error('out of reach'))
    Object.assign(leases, { hold: away, claim: away })
    await pass(20_000)
    Object.assign(leases, { hold, claim })
    await pass(20_000)
    expect(ends).toEqual([])
    expect(told.filter((line) => line.startsWith('The leases'))).toHaveLength(2)
  })

  it('goes on looking after an outage of the leases, and tells of each once', async () => {
    const { node, pass, leases, ends, told } = rig()
    const one = node('one')
    node('two')
    await one.tasks.create(record)
    one.tasks.stop()
    const { hold } = leases
    leases.hold = () => Promise.reject(new Error('out of reach'))
    await pass(10_000)
    expect(ends).toEqual([])
    leases.hold = hold
    await pass(6000)
    expect(ends).toEqual(['task failed'])
    expect(told).toEqual(['The leases of tasks cannot be renewed.', 'two ended task'])
  })

  const repeatable: TaskRecord = { ...record, attempt: 1 }

  it('runs a repeatable task of a silent node again, on one node, and keeps its lease', async () => {
    const { node, pass, records, ends, held, told } = rig()
    const one = node('one')
    for (const name of ['two', 'three', 'four']) node(name)
    await one.tasks.create(repeatable, 'its call')
    one.running.add('task')
    await pass(5000)
    one.tasks.stop()
    await pass(60_000)
    expect(told).toEqual([expect.stringMatching(/^(two|three|four) runs task \(2\) by its call$/)])
    expect(records.get('task')).toMatchObject({ status: 'working', attempt: 2 })
    expect(records.get('task')).not.toHaveProperty('inputRequests')
    expect(ends).toEqual([])
    expect([...held.values()].map(({ holder }) => holder)).toEqual([told[0]?.split(' ')[0]])
  })

  it('ends a task that three nodes have died of, and no node dies after that', async () => {
    const { node, pass, records, ends, told } = rig()
    const nodes = new Map(['one', 'two', 'three', 'four', 'five'].map((name) => [name, node(name)]))
    const first = nodes.get('one')
    await first?.tasks.create(repeatable, 'its call')
    first?.running.add('task')
    first?.tasks.stop()
    for (let n = 0; n < 200; n += 1) {
      await pass(100)
      for (const { tasks, running } of nodes.values()) if (running.size > 0) tasks.stop()
    }
    expect(told.filter((line) => line.includes('runs'))).toEqual([
      expect.stringContaining('(2)'),
      expect.stringContaining('(3)'),
    ])
    expect(ends).toEqual(['task failed'])
    expect(records.get('task')).toMatchObject({
      error: { message: 'The task was interrupted: each of the 3 servers that ran it stopped.' },
    })
  })

  it('takes nothing of an earlier attempt from a node that was only slow', async () => {
    const { node, pass, records, ends } = rig()
    const one = node('one')
    node('two')
    await one.tasks.create(repeatable, 'its call')
    one.running.add('task')
    one.tasks.stop()
    await pass(10_000)
    await one.tasks.update({ ...repeatable, status: 'completed', result: '"late"' })
    expect(ends).toEqual([])
    expect(records.get('task')).toMatchObject({ status: 'working', attempt: 2 })
  })

  it('tells a node that was only slow that it has lost its task once that runs elsewhere, and not before', async () => {
    const { node, pass, told, leases, store } = rig()
    const one = node('one')
    await one.tasks.create(repeatable, 'its call')
    one.running.add('task')
    one.attempts.set('task', 1)
    await leases.hold(['task'], 'one', -1)
    await leases.claim('two', 1, 60_000)
    await pass(3000)
    expect(told).toEqual([])
    // Given up by who came too late.
    await leases.release(['task'], 'two')
    await pass(3000)
    await leases.hold(['task'], 'one', -1)
    // It does nothing with the lease, which then comes back to who runs the task.
    await leases.claim('four', 1, 1000)
    await pass(6000)
    expect(told).toEqual([])
    await leases.hold(['task'], 'one', -1)
    const [id = ''] = await leases.claim('three', 1, 1000)
    await store.restart?.({ ...repeatable, id, attempt: 2 })
    await pass(1000)
    expect(told).toEqual(['one lost task'])
  })

  it('leaves a task that may run again to another look while there is no room', async () => {
    const { node, pass, ends, told, state } = rig()
    const one = node('one')
    node('two')
    await one.tasks.create(repeatable, 'its call')
    one.tasks.stop()
    state.room = false
    await pass(20_000)
    expect([told, ends]).toEqual([[], []])
    state.room = true
    await pass(6000)
    expect(told).toEqual(['two runs task (2) by its call'])
  })

  it('takes over nothing while its node shuts down, and renews what it has', async () => {
    const { node, pass, told, held } = rig()
    const [one, two] = [node('one'), node('two')]
    await one.tasks.create(repeatable, 'its call')
    await two.tasks.create({ ...repeatable, id: 'own' }, 'its call')
    two.running.add('own')
    one.tasks.stop()
    two.tasks.retire()
    await pass(20_000)
    expect(told).toEqual([])
    expect(held.get('own')?.until).toBeGreaterThan(20_000)
  })

  it('ends a task that no node can run, and says why; and one whose call was not kept', async () => {
    const { node, pass, records, ends, state, held } = rig()
    const one = node('one')
    node('two')
    state.obstacle = 'no other can.'
    await one.tasks.create(repeatable, 'its call')
    await one.tasks.create({ ...repeatable, id: 'next' })
    one.tasks.stop()
    await pass(10_000)
    expect(ends.toSorted()).toEqual(['next failed', 'task failed'])
    expect(records.get('task')?.statusMessage).toBe('The task was interrupted: no other can.')
    expect(held.size).toBe(0)
  })

  it('of two that were both given a lost task one runs it, and the other ends nothing', async () => {
    const { node, pass, records, ends, told, leases, store } = rig()
    const one = node('one')
    node('two')
    node('three')
    await one.tasks.create(repeatable, 'its call')
    one.tasks.stop()
    // Leases that keep nobody apart, and a store in which both have read before one of them writes.
    const given = new Set<string>()
    leases.claim = async (holder, limit) => {
      if (limit === 0 || given.has(holder)) return []
      given.add(holder)
      return ['task']
    }
    const { get } = store
    let bothHaveRead = (): void => undefined
    const both = new Promise<void>((resolve) => {
      bothHaveRead = resolve
    })
    store.get = async (id) => {
      const found = await get(id)
      if (given.size === 2) bothHaveRead()
      await both
      return found
    }
    await pass(8000)
    expect([...given].toSorted()).toEqual(['three', 'two'])
    expect(told).toEqual([expect.stringContaining('runs task (2)')])
    expect([ends, records.get('task')?.attempt]).toEqual([[], 2])
  })
})
