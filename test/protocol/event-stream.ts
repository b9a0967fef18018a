/** One event of a stream, with data. */
export interface SseEvent {
  readonly id: string | undefined
  readonly retry: string | undefined
  readonly data: string
}

/** A stream as it comes, event by event. */
export class Events {
  readonly status: number
  readonly headers: Headers
  readonly #reader: AsyncIterator<Uint8Array>
  #rest = ''

  constructor(response: Response) {
    this.status = response.status
    this.headers = response.headers
    this.#reader = (response.body ?? new Blob([]).stream())[
      Symbol.asyncIterator
    ]() as AsyncIterator<Uint8Array>
  }

  /** The next event; undefined at the end. Comments are passed over. */
  async next(): Promise<SseEvent | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\n\n')
      if (end === -1) {
        const { done, value } = await this.#reader.next()
        if (done === true) return undefined
        this.#rest += new TextDecoder().decode(value)
        continue
      }
      const lines = this.#rest.slice(0, end).split('\n')
      this.#rest = this.#rest.slice(end + 2)
      const field = (name: string): string | undefined =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim()
      if (field('data') !== undefined)
        return { id: field('id'), retry: field('retry'), data: field('data') ?? '' }
    }
  }

  async leave(): Promise<void> {
    await this.#reader.return?.()
  }
}
