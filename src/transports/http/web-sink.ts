import type { Quiet } from './keep-alive.js'
import type { SinkOptions } from './node-sink.js'
import { commentText, type Reply, type ReplySink } from './reply.js'

/** A reply as a Web `Response`. */
export function toResponse(reply: Reply): Response {
  return new Response(reply.body ?? null, { status: reply.status, headers: { ...reply.headers } })
}

const encoder = new TextEncoder()

/** The answer side of one `fetch`: a `Response` that is there with the first byte, or with the whole answer. */
export class WebSink implements ReplySink, Quiet {
  readonly response: Promise<Response>
  readonly #resolve: (response: Response) => void
  readonly #options: SinkOptions
  #onDisconnect: (() => void) | undefined
  #onOver: (() => void) | undefined
  streaming = false
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  #over = false
  #isGone = false
  #caughtUp: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

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

  event(text: string, headers: Readonly<Record<string, string>>): void | Promise<void> {
    if (this.#over) return
    const stream = this.#stream ?? this.#open(headers)
    stream.enqueue(encoder.encode(text))
    const room = stream.desiredSize ?? 0
    if (room < 0) {
      this.#options.onCut()
      this.#gone()
      stream.error(new Error('The client left too much of the stream unread.'))
    } else if (room < this.#options.maxUnreadBytes / 2) {
      this.#caughtUp ??= withResolvers<void>()
      return this.#caughtUp.promise
    }
  }

  keepAlive(): void {
    if (this.streaming) void this.event(commentText, {})
  }

  end(): void {
    if (this.#finish()) this.#stream?.close()
  }

  onOver(listener: () => void): void {
    if (this.#over) listener()
    else this.#onOver = listener
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
        // Asked for more, so something was read.
        pull: () => this.#readOn(),
        cancel: () => {
          // It is closed already, and to close it again would throw, before anybody heard that the client is gone.
          this.#stream = undefined
          this.#gone()
        },
      },
      { highWaterMark: this.#options.maxUnreadBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    )
    if (opened === undefined) throw new Error('A stream starts when it is made.')
    this.#stream = opened
    this.streaming = true
    this.#options.keepAlive.add(this)
    this.#resolve(new Response(body, { headers: { ...headers } }))
    return opened
  }

  #readOn(): void {
    if ((this.#stream?.desiredSize ?? 0) < this.#options.maxUnreadBytes / 2) return
    this.#caughtUp?.resolve()
    this.#caughtUp = undefined
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
    this.#options.keepAlive.delete(this)
    this.#caughtUp?.resolve()
    this.#options.onOver()
    this.#onOver?.()
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
