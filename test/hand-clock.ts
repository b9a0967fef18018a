import type { Clock } from '../src/contracts/clock.js'

/** A clock that stands still until a test moves it. */
export interface HandClock extends Clock {
  /** Timers that wait now. */
  readonly timers: number
  /** Jumps, and fires what is due then, in its order. */
  advance(ms: number): void
  /** Goes on, firing each timer at its time, and lets promises settle in between. */
  walk(ms: number): Promise<void>
}

export function handClock(start = 1_800_000_000_000): HandClock {
  let elapsed = 0
  const waiting = new Set<{ readonly at: number; readonly fn: () => void }>()
  const inOrder = (): { readonly at: number; readonly fn: () => void }[] =>
    [...waiting].sort((left, right) => left.at - right.at)
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    after(ms, fn) {
      const timer = { at: elapsed + ms, fn }
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    get timers() {
      return waiting.size
    },
    advance(ms) {
      elapsed += ms
      for (const timer of inOrder()) {
        if (timer.at <= elapsed && waiting.delete(timer)) timer.fn()
      }
    },
    async walk(ms) {
      const until = elapsed + ms
      await settled()
      for (;;) {
        const [next] = inOrder()
        if (next === undefined || next.at > until) break
        elapsed = Math.max(elapsed, next.at)
        waiting.delete(next)
        next.fn()
        await settled()
      }
      elapsed = until
      await settled()
    },
  }
}

/** After every promise that is settled by now was heard, and those that followed from it. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
