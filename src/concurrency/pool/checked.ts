import type { Clock } from '../../contracts/clock.js'

/** Whether `check` says yes within `timeoutMs`; no answer is a no, and so is a rejection. */
export function isGood(
  check: () => boolean | Promise<boolean>,
  timeoutMs: number,
  clock: Clock,
): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = clock.after(timeoutMs, () => resolve(false))
    const answer = (yes: boolean): void => {
      stop()
      resolve(yes)
    }
    const asked = (async () => check())()
    asked.then(answer, () => answer(false))
  })
}
