/** What gives a tool's result item by item: an async generator, or anything that can be read like one. */
export function isItemSource(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** Reads a source and ends it once: its `finally` runs when its call has what it needs, was cancelled, or failed. */
export class ItemReader {
  readonly #iterator: AsyncIterator<unknown>
  #over = false

  constructor(source: AsyncIterable<unknown>) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  /** Undefined at the end. Rejects with what the source throws, which is its end, too. */
  async next(): Promise<{ readonly value: unknown } | undefined> {
    if (this.#over) return undefined
    try {
      const step = await this.#iterator.next()
      if (step.done !== true) return step
    } catch (error) {
      this.#over = true
      throw error
    }
    this.#over = true
    return undefined
  }

  /** Rejects with what the source throws while it ends. */
  async end(): Promise<void> {
    if (this.#over) return
    this.#over = true
    await this.#iterator.return?.()
  }
}
