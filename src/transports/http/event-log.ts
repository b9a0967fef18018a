import type { Bounded, BoundedStats } from '../../contracts/bounded.js'

/** One event of a stream as it is kept: its number, and what is written for it. */
export interface LoggedEvent {
  readonly sequence: number
  readonly text: string
}

interface LoggedStream {
  readonly events: LoggedEvent[]
  bytes: number
}

/** What an event costs beside its text. */
const overheadBytes = 100

/**
 * The events of streams that clients may come back to, bounded in bytes over all of them. When it is full the stream
 * that began first loses its oldest events, and who comes back for those is told that they are gone.
 */
export class EventLog implements Bounded {
  readonly #limit: number
  /** Oldest stream first. */
  readonly #streams = new Map<string, LoggedStream>()
  #bytes = 0
  #dropped = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  append(stream: string, event: LoggedEvent): void {
    let logged = this.#streams.get(stream)
    if (logged === undefined) {
      logged = { events: [], bytes: 0 }
      this.#streams.set(stream, logged)
    }
    const bytes = costOf(event)
    logged.events.push(event)
    logged.bytes += bytes
    this.#bytes += bytes
    while (this.#bytes > this.#limit) this.#dropOldest()
  }

  /** The events after `sequence`; undefined when one of them is gone. `last` is the stream's newest. */
  after(stream: string, sequence: number, last: number): readonly LoggedEvent[] | undefined {
    if (sequence >= last) return []
    const events = this.#streams.get(stream)?.events ?? []
    const first = events[0]
    if (first === undefined || first.sequence > sequence + 1) return undefined
    return events.slice(sequence + 1 - first.sequence)
  }

  forget(stream: string): void {
    const logged = this.#streams.get(stream)
    if (logged === undefined) return
    this.#bytes -= logged.bytes
    this.#streams.delete(stream)
  }

  stats(): BoundedStats {
    return {
      name: 'events for clients that come back',
      size: this.#bytes,
      limit: this.#limit,
      unit: 'bytes',
      dropped: this.#dropped,
    }
  }

  #dropOldest(): void {
    for (const [stream, logged] of this.#streams) {
      const event = logged.events.shift()
      if (event === undefined) {
        this.#streams.delete(stream)
        continue
      }
      const bytes = costOf(event)
      logged.bytes -= bytes
      this.#bytes -= bytes
      this.#dropped += 1
      if (logged.events.length === 0) this.#streams.delete(stream)
      return
    }
  }
}

function costOf({ text }: LoggedEvent): number {
  // Characters beyond ASCII cost two bytes in memory, and this is about memory.
  return text.length * 2 + overheadBytes
}
