import type { Clock } from '../src/contracts/clock.js'

/** A clock that tests move. */
export interface HandClock extends Clock {
  /** Timers that wait now. */
  readonly timers: number
  /** Goes on, firing each timer at its time, and lets promises settle in between. */
  walk(ms: number): Promise<void>
}

export function handClock(start = 1000): HandClock {
  let now = start
  const waiting = new Set<{ readonly at: number; readonly fn: () => void }>()
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn }
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    get timers() {
      return waiting.size
    },
    async walk(ms) {
      const until = now + ms
      await settled()
      for (;;) {
        const [next] = [...waiting].sort((left, right) => left.at - right.at)
        if (next === undefined || next.at > until) break
        now = Math.max(now, next.at)
        waiting.delete(next)
        next.fn()
        await settled()
      }
      now = until
      await settled()
    },
  }
}

/** After every promise that is settled by now was heard, and those that followed from it. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
