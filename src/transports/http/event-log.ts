import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { EventStore, KeptEvent, KeptEvents } from '../../contracts/event-store.js'

interface LoggedStream {
  writer: string
  readonly events: KeptEvent[]
  bytes: number
  /** The newest event's number, kept or not. */
  last: number
  ended: boolean
}

/** What an event, and a stream, cost beside their texts. */
const overheadBytes = 100

/**
 * The events of this node's streams that clients may come back to, bounded in bytes over all of them. When it is full the
 * stream that began first loses its oldest events, and who comes back for those is told that they are gone.
 */
export class EventLog implements EventStore, Bounded {
  readonly #limit: number
  /** Oldest stream first. */
  readonly #streams = new Map<string, LoggedStream>()
  #bytes = 0
  #dropped = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  append(stream: string, writer: string, events: readonly KeptEvent[]): boolean {
    let logged = this.#streams.get(stream)
    if (logged === undefined) {
      logged = { writer, events: [], bytes: overheadBytes, last: 0, ended: false }
      this.#streams.set(stream, logged)
      this.#bytes += overheadBytes
    }
    if (logged.writer !== writer) return false
    for (const event of events) {
      const bytes = costOf(event)
      logged.events.push(event)
      logged.last = event.sequence
      logged.bytes += bytes
      this.#bytes += bytes
    }
    while (this.#bytes > this.#limit) this.#dropOldest()
    return true
  }

  end(stream: string, writer: string): void {
    const logged = this.#streams.get(stream)
    if (logged?.writer === writer) logged.ended = true
  }

  after(stream: string, sequence: number, taker?: string): KeptEvents | undefined {
    const logged = this.#streams.get(stream)
    if (logged === undefined) return undefined
    const { events, last, ended } = logged
    const first = events[0]?.sequence ?? last + 1
    if (sequence < last && first > sequence + 1) return undefined
    if (taker !== undefined) logged.writer = taker
    return { events: sequence >= last ? [] : events.slice(sequence + 1 - first), ended }
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
        this.forget(stream)
        return
      }
      const bytes = costOf(event)
      logged.bytes -= bytes
      this.#bytes -= bytes
      this.#dropped += 1
      if (logged.events.length === 0) this.forget(stream)
      return
    }
  }
}

function costOf({ text }: KeptEvent): number {
  // Characters beyond ASCII cost two bytes in memory, and this is about memory.
  return text.length * 2 + overheadBytes
}
