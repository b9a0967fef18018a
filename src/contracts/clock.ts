/** Time, as everything in Holdfast reads it; tests give their own. */
export interface Clock {
  /** Milliseconds since 1970 (wall clock), for expiry times that leave the process. */
  now(): number
  /** Milliseconds of a clock that never jumps, for durations and deadlines. */
  monotonic(): number
  /** Calls `fn` once after `ms`; returns the function that cancels it. Never keeps the process alive. */
  after(ms: number, fn: () => void): () => void
}

/** The platform's timers hold 31 bits; beyond that they fire at once. */
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer: unknown = setTimeout(fn, Math.min(ms, longestTimerMs))
    // Node's timers hold the process open unless told otherwise; other runtimes return a number.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
    return () => clearTimeout(timer as Parameters<typeof clearTimeout>[0])
  },
}
