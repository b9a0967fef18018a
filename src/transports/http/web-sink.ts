import type { SinkOptions } from './node-sink.js'
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
  readonly #options: SinkOptions
  #onDisconnect: (() => void) | undefined
  streaming = false
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  #over = false
  #isGone = false

  constructor(options: SinkOptions, signal: AbortSignal) {
    this.#options = options
    const { promise, resolve } = withResolvers<Response>()
    this.response = promise
    this.#resolve = resolve
    if (signal.aborted) this.#gone()
    else signal.addEventListener('abort', () => this.#gone(), { once: true })
  }

  reply(reply: Reply): void {
    if (!this.#finish()) return
    this.#resolve(toResponse(reply))
  }

  event(text: string, headers: Readonly<Record<string, string>>): void {
    if (this.#over) return
    const stream = this.#stream ?? this.#open(headers)
    stream.enqueue(encoder.encode(text))
    if ((stream.desiredSize ?? 0) < 0) {
      this.#options.onCut()
      this.#gone()
      stream.error(new Error('The client left too much of the stream unread.'))
    }
  }

  end(): void {
    if (this.#finish()) this.#stream?.close()
  }

  onDisconnect(listener: () => void): void {
    if (this.#isGone) listener()
    else this.#onDisconnect = listener
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
      { highWaterMark: this.#options.maxUnreadBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    )
    if (opened === undefined) throw new Error('A stream starts when it is made.')
    this.#stream = opened
    this.streaming = true
    this.#resolve(new Response(body, { headers: { ...headers } }))
    return opened
  }

  #gone(): void {
    if (!this.#finish()) return
    this.#isGone = true
    // Nobody reads on, but whoever holds the response must see its body end.
    this.#stream?.close()
    this.#resolve(new Response(null, { status: 499 }))
    this.#onDisconnect?.()
  }

  /** Whether it was not over before. */
  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#options.onOver()
    return true
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
