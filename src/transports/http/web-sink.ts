import type { Reply, ReplySink } from './reply.js'

/** A reply as a Web `Response`. */
export function toResponse(reply: Reply): Response {
  return new Response(reply.body ?? null, { status: reply.status, headers: { ...reply.headers } })
}

const encoder = new TextEncoder()

/** The answer side of one `fetch`: a `Response` that is there with the first byte, or with the whole answer. */
export class WebSink implements ReplySink {
  readonly response: Promise<Response>
  readonly #resolve: (response: Response) => void
  readonly #maxUnreadBytes: number
  readonly #onCut: () => void
  readonly #onDisconnect: (() => void)[] = []
  streaming = false
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  #over = false

  constructor(maxUnreadBytes: number, onCut: () => void, signal: AbortSignal) {
    this.#maxUnreadBytes = maxUnreadBytes
    this.#onCut = onCut
    const { promise, resolve } = withResolvers<Response>()
    this.response = promise
    this.#resolve = resolve
    signal.addEventListener('abort', () => this.#gone(), { once: true })
  }

  reply(reply: Reply): void {
    this.#over = true
    this.#resolve(toResponse(reply))
  }

  event(text: string, headers: Readonly<Record<string, string>>): void {
    if (this.#over) return
    const stream = this.#stream ?? this.#open(headers)
    stream.enqueue(encoder.encode(text))
    if ((stream.desiredSize ?? 0) < 0) {
      this.#onCut()
      this.#gone()
      stream.error(new Error('The client left too much of the stream unread.'))
    }
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#stream?.close()
  }

  onDisconnect(listener: () => void): void {
    this.#onDisconnect.push(listener)
  }

  #open(headers: Readonly<Record<string, string>>): ReadableStreamDefaultController<Uint8Array> {
    let opened: ReadableStreamDefaultController<Uint8Array> | undefined
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          opened = controller
        },
        cancel: () => this.#gone(),
      },
      { highWaterMark: this.#maxUnreadBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    )
    if (opened === undefined) throw new Error('A stream starts when it is made.')
    this.#stream = opened
    this.streaming = true
    this.#resolve(new Response(body, { headers: { ...headers } }))
    return opened
  }

  #gone(): void {
    if (this.#over) return
    this.#over = true
    for (const listener of this.#onDisconnect) listener()
  }
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
