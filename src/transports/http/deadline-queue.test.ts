import { describe, expect, it } from 'vitest'
import { type Deadline, DeadlineQueue } from './deadline-queue.js'

function deadline(expire: () => void): Deadline {
  return { expire, dueAt: 0, previous: undefined, next: undefined }
}

describe('DeadlineQueue', () => {
  it('ends those that stay, in order, and not those that left', async () => {
    const queue = new DeadlineQueue(20)
    const ended: number[] = []
    const began = performance.now()
    await new Promise<void>((resolve) => {
      const all = [0, 1, 2, 3, 4].map((at) => deadline(() => (ended.push(at) === 2 ? resolve() : undefined)))
      for (const one of all) queue.enter(one)
      for (const at of [0, 2, 4, 4]) {
        const one = all[at]
        if (one !== undefined) queue.leave(one)
      }
    })
    expect(ended).toEqual([1, 3])
    expect(performance.now() - began).toBeGreaterThan(15)
  })

  it('gives a later one its whole time, also when the timer was set for an earlier', async () => {
    const queue = new DeadlineQueue(60)
    const early = deadline(() => undefined)
    queue.enter(early)
    await new Promise((resolve) => setTimeout(resolve, 40))
    queue.leave(early)
    const began = performance.now()
    await new Promise<void>((resolve) => queue.enter(deadline(resolve)))
    expect(performance.now() - began).toBeGreaterThanOrEqual(59)
  })

  it('takes new ones from within an expiry, and after all have left', async () => {
    const queue = new DeadlineQueue(10)
    await new Promise<void>((resolve) => queue.enter(deadline(() => queue.enter(deadline(resolve)))))
    const left = deadline(() => undefined)
    queue.enter(left)
    queue.leave(left)
    queue.leave(left)
    await new Promise<void>((resolve) => queue.enter(deadline(resolve)))
  })
})
