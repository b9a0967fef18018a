import type { EventStore, KeptEvent } from '../../contracts/event-store.js'

/** Bytes that may wait until a store that is slow has taken what was sent before. */
const maxWaiting = 1024 * 1024
/** How long a node that follows a stream counts on being told, without saying so again. */
const followedMs = 15_000

export interface StreamWriterOptions {
  readonly store: EventStore
  /** What the stream is kept under. */
  readonly key: string
  /** Who writes. */
  readonly node: string
  now(): number
  /** The stream goes on at another node, which has none of these events. */
  onTaken(late: readonly KeptEvent[]): void
  /** Told when something was added, or the stream has ended, while another node follows it. */
  onMore(key: string): void
  /** The store could not be told. */
  onFailure(error: unknown): void
}

/**
 * Adds the events of one stream to the store that all nodes see, one batch after the other, so that they stand there in their
 * order. When the store is out of reach the stream is kept there no more: who comes back to another node is told that it is gone.
 */
export class StreamWriter {
  readonly #options: StreamWriterOptions
  #waiting: KeptEvent[] = []
  #waitingBytes = 0
  #opened = false
  #ending = false
  #writing: Promise<void> | undefined
  /** Nothing is added any more: it ended, was taken, or the store has lost the thread. */
  #over = false
  #followedUntil = 0

  constructor(options: StreamWriterOptions) {
    this.#options = options
  }

  /** Lets the store know of the stream, which has no events yet. */
  open(): void {
    if (!this.#opened) this.#write()
  }

  append(event: KeptEvent): void {
    if (this.#over) return
    this.#waitingBytes += event.text.length * 2
    if (this.#waitingBytes > maxWaiting) {
      this.#lose(new Error(`More than ${maxWaiting} bytes of a stream wait for the store.`))
      return
    }
    this.#waiting.push(event)
    this.#write()
  }

  end(): void {
    this.#ending = true
    if (this.#opened || this.#writing !== undefined) this.#write()
  }

  /** Another node follows the stream: it is told what it has not seen now, and whatever comes for a while. */
  followed(): void {
    this.#followedUntil = this.#options.now() + followedMs
    if (this.#writing === undefined) this.#options.onMore(this.#options.key)
  }

  /** Resolves when the store knows all that was sent until now, or cannot be told. */
  async settled(): Promise<void> {
    await this.#writing
  }

  #write(): void {
    if (this.#over) return
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined
      if (this.#waiting.length > 0 || this.#ending) this.#write()
    })
  }

  async #drain(): Promise<void> {
    const { store, key, node } = this.#options
    try {
      // The first turn is left to whoever sends several at once.
      await undefined
      do {
        const events = this.#waiting
        this.#waiting = []
        this.#waitingBytes = 0
        this.#opened = true
        if (!(await store.append(key, node, events))) {
          this.#over = true
          this.#options.onTaken([...events, ...this.#waiting.splice(0)])
          return
        }
      } while (this.#waiting.length > 0)
      if (this.#ending) {
        this.#over = true
        await store.end(key, node)
      }
      if (this.#options.now() < this.#followedUntil) this.#options.onMore(key)
    } catch (error) {
      this.#lose(error)
    }
  }

  /** What is kept has a gap from here on, and must not be taken for the whole. */
  #lose(error: unknown): void {
    this.#over = true
    this.#waiting = []
    const { store, key } = this.#options
    this.#options.onFailure(error)
    void Promise.resolve(store.forget(key)).catch(() => undefined)
  }
}
