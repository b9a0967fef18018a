import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../contracts/clock.js'
import { Deadlines } from './deadlines.js'

interface HandClock extends Clock {
  /** Timers that wait now. */
  readonly timers: number
  /** Timers ever started. */
  readonly started: number
  /** Goes on in steps of a millisecond, as an idle process does. */
  walk(ms: number): void
  /** Goes on at once, as after a stall: what came due meanwhile fires late. */
  jump(ms: number): void
}

function handClock(start = 0): HandClock {
  let now = start
  let started = 0
  const waiting = new Set<{ readonly at: number; readonly fn: () => void }>()
  function fire(): void {
    for (const timer of [...waiting]) if (timer.at <= now && waiting.delete(timer)) timer.fn()
  }
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn }
      started += 1
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    get timers() {
      return waiting.size
    },
    get started() {
      return started
    },
    walk(ms) {
      for (let step = 0; step < ms; step += 1) {
        now += 1
        fire()
      }
    },
    jump(ms) {
      now += ms
      fire()
    },
  }
}

const tickMs = 20

describe('Deadlines', () => {
  it('keeps a thousand deadlines on one timer, and none when the last has gone', () => {
    const clock = handClock()
    const deadlines = new Deadlines(clock, 5000)
    let expired = 0
    const all = Array.from({ length: 1000 }, (_, at) =>
      deadlines.add(clock.monotonic(), 100 + at, () => (expired += 1)),
    )
    expect(clock.timers).toBe(1)
    expect(deadlines.stats()).toEqual({
      name: 'deadlines',
      size: 1000,
      limit: 5000,
      unit: 'entries',
      dropped: 0,
    })
    for (const one of all) deadlines.cancel(one)
    expect(deadlines.stats().size).toBe(0)
    clock.walk(2 * tickMs)
    expect(clock.timers).toBe(0)
    expect(expired).toBe(0)
  })

  it('starts a timer again after it ran empty', () => {
    const clock = handClock(7)
    const deadlines = new Deadlines(clock, 10)
    const ended: string[] = []
    deadlines.add(clock.monotonic(), 30, () => ended.push('first'))
    clock.walk(100)
    expect([ended, clock.timers]).toEqual([['first'], 0])
    clock.walk(1000)
    deadlines.add(clock.monotonic(), 30, () => ended.push('second'))
    clock.walk(100)
    expect([ended, clock.timers]).toEqual([['first', 'second'], 0])
  })

  it('takes a cancelled one out, once, and leaves its neighbours of the same tick', () => {
    const clock = handClock()
    const deadlines = new Deadlines(clock, 10)
    const ended: string[] = []
    const gone = deadlines.add(0, 50, () => ended.push('gone'))
    const stays = deadlines.add(0, 50, () => ended.push('stays'))
    deadlines.cancel(gone)
    deadlines.cancel(gone)
    expect(deadlines.stats().size).toBe(1)
    clock.walk(200)
    expect(ended).toEqual(['stays'])
    deadlines.cancel(stays)
    expect(deadlines.stats().size).toBe(0)
  })

  it('counts from where it is told, not from when it is added', () => {
    const clock = handClock(1000)
    const deadlines = new Deadlines(clock, 10)
    let endedAt = 0
    deadlines.add(900, 300, () => {
      endedAt = clock.monotonic()
    })
    clock.walk(400)
    expect(endedAt).toBeGreaterThanOrEqual(1200)
    expect(endedAt).toBeLessThanOrEqual(1200 + 2 * tickMs)
  })

  it('never ends one early, nor later than two ticks, wherever the clock stands', () => {
    const waits = fc.array(
      fc.record({ pause: fc.integer({ min: 0, max: 70 }), ms: fc.integer({ min: 1, max: 300 }) }),
      {
        minLength: 1,
        maxLength: 20,
      },
    )
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), waits, (start, all) => {
        const clock = handClock(start)
        const deadlines = new Deadlines(clock, 100)
        const late: number[] = []
        for (const { pause, ms } of all) {
          const due = clock.monotonic() + ms
          deadlines.add(clock.monotonic(), ms, () => late.push(clock.monotonic() - due))
          clock.walk(pause)
        }
        clock.walk(400)
        expect(late).toHaveLength(all.length)
        expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
        expect(Math.max(...late)).toBeLessThan(2 * tickMs + 1)
        expect([deadlines.stats().size, clock.timers]).toEqual([0, 0])
      }),
    )
  })

  it.each([1, 3, 500])('ends all that came due in a stall of %i ticks, and nothing else', (ticks) => {
    const clock = handClock()
    const deadlines = new Deadlines(clock, 2000)
    const ended: number[] = []
    for (let at = 1; at <= 1000; at += 1) deadlines.add(0, at * tickMs, () => ended.push(at))
    clock.jump(ticks * tickMs)
    expect(ended).toEqual(Array.from({ length: ticks }, (_, at) => at + 1))
    clock.jump(1000 * tickMs)
    expect(ended).toEqual(Array.from({ length: 1000 }, (_, at) => at + 1))
    expect(clock.timers).toBe(0)
  })

  it('ends the few that came due in a stall far longer than they are many', () => {
    const clock = handClock()
    const deadlines = new Deadlines(clock, 10)
    const ended: string[] = []
    deadlines.add(0, 100, () => ended.push('near'))
    deadlines.add(0, 10_000_000, () => ended.push('far'))
    clock.jump(5_000_000)
    expect(ended).toEqual(['near'])
    expect(clock.timers).toBe(1)
    clock.jump(6_000_000)
    expect(ended).toEqual(['near', 'far'])
  })

  it.each([1, 1000])(
    'ends them in the order of their times after a stall (the longest lasts %i s)',
    (seconds) => {
      const clock = handClock()
      const deadlines = new Deadlines(clock, 10)
      const ended: number[] = []
      for (const ms of [900, 100, 500, 300, 700]) deadlines.add(0, ms, () => ended.push(ms))
      clock.jump(seconds * 1000)
      expect(ended).toEqual([100, 300, 500, 700, 900])
    },
  )

  it('does not end one that an earlier one of the same tick cancelled', () => {
    const clock = handClock()
    const deadlines = new Deadlines(clock, 10)
    const ended: string[] = []
    deadlines.add(0, 20, () => {
      ended.push('first')
      deadlines.cancel(second)
    })
    const second = deadlines.add(0, 20, () => ended.push('second'))
    clock.walk(5 * tickMs)
    expect(ended).toEqual(['first'])
    expect([deadlines.stats().size, clock.timers]).toEqual([0, 0])
  })

  it('ends one whose time is over before it is added', () => {
    const clock = handClock(1000)
    const deadlines = new Deadlines(clock, 10)
    const ended: string[] = []
    // A synchronous start that took longer than its deadline, with and without a timer that runs already.
    deadlines.add(clock.monotonic() - 500, 100, () => ended.push('alone'))
    clock.walk(2 * tickMs)
    expect(ended).toEqual(['alone'])
    deadlines.add(clock.monotonic(), 1000, () => ended.push('long'))
    clock.walk(5 * tickMs)
    const late = deadlines.add(clock.monotonic() - 500, 100, () => ended.push('late'))
    deadlines.cancel(late)
    deadlines.add(clock.monotonic() - 500, 100, () => ended.push('later'))
    expect(deadlines.stats().size).toBe(2)
    clock.walk(2 * tickMs)
    expect(ended).toEqual(['alone', 'later'])
  })

  it('takes new ones from within an expiry', () => {
    const clock = handClock()
    const deadlines = new Deadlines(clock, 10)
    const ended: string[] = []
    deadlines.add(0, 20, () => {
      ended.push('first')
      deadlines.add(clock.monotonic(), 20, () => ended.push('in time'))
      deadlines.add(0, 1, () => ended.push('at once'))
    })
    clock.walk(3 * tickMs)
    expect(ended[0]).toBe('first')
    expect(ended.slice(1).sort()).toEqual(['at once', 'in time'])
    clock.walk(2 * tickMs)
    expect([deadlines.stats().size, clock.timers, ended.length]).toEqual([0, 0, 3])
  })

  it('never has two timers, also when an expiry empties it and adds again', () => {
    const clock = handClock()
    const deadlines = new Deadlines(clock, 10)
    let rounds = 0
    const again = (): void => {
      rounds += 1
      expect(clock.timers).toBe(0)
      if (rounds < 5) deadlines.add(clock.monotonic(), 1, again)
    }
    deadlines.add(0, 1, again)
    for (let step = 0; step < 10 * tickMs; step += 1) {
      clock.walk(1)
      expect(clock.timers).toBeLessThanOrEqual(1)
    }
    expect([rounds, clock.timers]).toEqual([5, 0])
  })
})
