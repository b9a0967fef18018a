import type { ServerResponse } from 'node:http'
import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Reply } from './reply.js'

/** Replies that wait for one turn of the event loop at most; with so many the first is not to wait any longer. */
const maxHeld = 128

/**
 * Writes the replies of one turn of the event loop one after the other, at its end. A write wakes a client that sleeps, and costs
 * twice what it costs while that client is awake: 64 connections were measured to take a fifth less CPU for each call, and
 * to be answered sooner. Whoever answers a single call is not held up: the turn ends with it.
 */
export class ReplyQueue implements Bounded {
  readonly #write: (res: ServerResponse, reply: Reply) => void
  #held: { readonly res: ServerResponse; readonly reply: Reply }[] = []

  constructor(write: (res: ServerResponse, reply: Reply) => void) {
    this.#write = write
  }

  add(res: ServerResponse, reply: Reply): void {
    if (this.#held.length === 0) setImmediate(this.#flush)
    this.#held.push({ res, reply })
    if (this.#held.length >= maxHeld) this.#flush()
  }

  stats(): BoundedStats {
    return {
      name: 'replies to be written (HTTP)',
      size: this.#held.length,
      limit: maxHeld,
      unit: 'entries',
      dropped: 0,
    }
  }

  readonly #flush = (): void => {
    const held = this.#held
    this.#held = []
    for (const { res, reply } of held) this.#write(res, reply)
  }
}
