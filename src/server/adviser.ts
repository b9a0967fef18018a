import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'

/** Definitions are made before the first client is answered, and advice on them must not make it wait. */
const delayMs = 250

type Advice = () => readonly string[] | Promise<readonly string[]>

/** Collects advice on definitions and logs it a moment after they were made. */
export function createAdviser(clock: Clock, logger: Logger): (advice: Advice) => void {
  let pending: Advice[] = []

  async function log(): Promise<void> {
    const advice = pending
    pending = []
    for (const make of advice) for (const sentence of await make()) logger.warn(sentence)
  }

  return (advice) => {
    if (pending.length === 0) clock.after(delayMs, () => void log().catch(() => undefined))
    pending.push(advice)
  }
}
