import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Deadline, DeadlineQueue } from './deadline-queue.js'

function deadline(expire: () => void): Deadline {
  return { expire, dueAt: 0, previous: undefined, next: undefined }
}

// Time moves by hand, so that the machine's own pauses prove and disprove nothing.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('DeadlineQueue', () => {
  it('ends those that stay, in order, not before their time, and not those that left', () => {
    const queue = new DeadlineQueue(20)
    const ended: number[] = []
    const all = [0, 1, 2, 3, 4].map((at) => deadline(() => ended.push(at)))
    for (const one of all) queue.enter(one)
    for (const at of [0, 2, 4, 4]) {
      const one = all[at]
      if (one !== undefined) queue.leave(one)
    }
    vi.advanceTimersByTime(19)
    expect(ended).toEqual([])
    vi.advanceTimersByTime(1)
    expect(ended).toEqual([1, 3])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives a later one its whole time, also when the timer was set for an earlier', () => {
    const queue = new DeadlineQueue(60)
    const ended: string[] = []
    const early = deadline(() => ended.push('early'))
    queue.enter(early)
    vi.advanceTimersByTime(40)
    queue.leave(early)
    queue.enter(deadline(() => ended.push('late')))
    vi.advanceTimersByTime(59)
    expect(ended).toEqual([])
    vi.advanceTimersByTime(1)
    expect(ended).toEqual(['late'])
  })

  it('ends all that are due after a stall, and waits on for the others', () => {
    const queue = new DeadlineQueue(100)
    const ended: number[] = []
    for (const at of [0, 30, 60]) {
      queue.enter(deadline(() => ended.push(at)))
      vi.advanceTimersByTime(30)
    }
    vi.advanceTimersByTime(40)
    expect(ended).toEqual([0, 30])
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(30)
    expect(ended).toEqual([0, 30, 60])
  })

  it('takes new ones from within an expiry, and after all have left', () => {
    const queue = new DeadlineQueue(10)
    const ended: string[] = []
    queue.enter(
      deadline(() => {
        ended.push('first')
        queue.enter(deadline(() => ended.push('from within')))
      }),
    )
    vi.advanceTimersByTime(10)
    expect(ended).toEqual(['first'])
    vi.advanceTimersByTime(10)
    expect(ended).toEqual(['first', 'from within'])
    const left = deadline(() => ended.push('left'))
    queue.enter(left)
    queue.leave(left)
    queue.leave(left)
    queue.enter(deadline(() => ended.push('last')))
    vi.advanceTimersByTime(10)
    expect(ended).toEqual(['first', 'from within', 'last'])
  })
})
