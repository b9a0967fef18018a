import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'

/** Definitions are made before the first client is answered, and advice on them must not make it wait. */
const delayMs = 250

/** Collects advice on definitions and logs it a moment after they were made, each sentence once. */
export function createAdviser(clock: Clock, logger: Logger): (advice: () => readonly string[]) => void {
  let pending: (() => readonly string[])[] = []

  function log(): void {
    const advice = pending
    pending = []
    for (const make of advice) for (const sentence of make()) logger.warn(sentence)
  }

  return (advice) => {
    if (pending.length === 0) clock.after(delayMs, log)
    pending.push(advice)
  }
}
