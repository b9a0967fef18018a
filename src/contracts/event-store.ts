/** One event of a stream as it is kept: its number, and what is written for it. */
export interface KeptEvent {
  readonly sequence: number
  readonly text: string
}

/** What a stream has beyond an event that its client has seen. */
export interface KeptEvents {
  readonly events: readonly KeptEvent[]
  /** Whether there will be no more. */
  readonly ended: boolean
}

/**
 * Keeps the events of streams for clients that come back, bounded in bytes: when it is full, what was kept longest goes. A stream
 * has one writer at a time; its events count up from 1 without a gap. Out of reach it rejects, and its user goes on without.
 */
export interface EventStore {
  /** Adds events, none: only says that there is the stream. False: the stream is another's now, and nothing was added. */
  append(stream: string, writer: string, events: readonly KeptEvent[]): boolean | Promise<boolean>
  /** No more will be added; what is there stays for a while. Nothing, when the stream is another's. */
  end(stream: string, writer: string): void | Promise<void>
  /**
   * What came after the event `sequence`; undefined when the stream is not known or one of those events is gone. A `taker` becomes
   * the stream's writer in the same moment, so that nothing is added behind its back.
   */
  after(
    stream: string,
    sequence: number,
    taker?: string,
  ): KeptEvents | undefined | Promise<KeptEvents | undefined>
  forget(stream: string): void | Promise<void>
}
