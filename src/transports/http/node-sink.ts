import type { ServerResponse } from 'node:http'
import type { KeepAlive, Quiet } from './keep-alive.js'
import { commentText, type Reply, type ReplySink } from './reply.js'
import type { ReplyQueue } from './reply-queue.js'

/** Writes one reply: one write, with its length known. */
export function writeReply(res: ServerResponse, reply: Reply): void {
  if (res.headersSent || res.destroyed) return
  const { status, headers, body } = reply
  const flat = [...flatten(headers)]
  if (body === undefined) {
    // A 204 has no length to tell (RFC 9110 §8.6).
    if (status !== 204) flat.push('content-length', '0')
    res.writeHead(status, flat).end()
  } else {
    const bytes = Buffer.byteLength(body)
    flat.push('content-length', String(bytes))
    // As many bytes as characters means ASCII, and that is written without being encoded.
    res.writeHead(status, flat).end(body, bytes === body.length ? 'latin1' : 'utf8')
  }
}

/** The same few header objects come with nearly every reply, so their flat form is kept with them. */
const flattened = new WeakMap<object, readonly string[]>()

/** A flat list is what node:http takes without copying. */
function flatten(headers: Readonly<Record<string, string>>): readonly string[] {
  let flat = flattened.get(headers)
  if (flat === undefined) {
    flat = Object.entries(headers).flat()
    flattened.set(headers, flat)
  }
  return flat
}

export interface SinkOptions {
  /** Bytes of a stream that may wait for its reader. */
  readonly maxUnreadBytes: number
  /** A stream was cut because of that. */
  readonly onCut: () => void
  /** The answer is complete, or nobody waits for it any more. */
  readonly onOver: () => void
  readonly keepAlive: KeepAlive
  readonly replies: ReplyQueue
}

/** The answer side of one `node:http` request. */
export class NodeSink implements ReplySink, Quiet {
  readonly #res: ServerResponse
  readonly #options: SinkOptions
  #onDisconnect: (() => void) | undefined
  #onOver: (() => void) | undefined
  #caughtUp: Promise<void> | undefined
  streaming = false

  constructor(res: ServerResponse, options: SinkOptions) {
    this.#res = res
    this.#options = options
    res.on('close', () => {
      options.keepAlive.delete(this)
      options.onOver()
      this.#onOver?.()
      if (!res.writableFinished) this.#onDisconnect?.()
    })
  }

  reply(reply: Reply): void {
    this.#options.replies.add(this.#res, reply)
  }

  event(text: string, headers: Readonly<Record<string, string>>): void | Promise<void> {
    const res = this.#res
    if (res.destroyed || res.writableEnded) return
    if (!this.streaming) {
      this.streaming = true
      res.writeHead(200, headers)
      this.#options.keepAlive.add(this)
    }
    if (res.write(text)) return
    // A client that reads nothing must not make the server hold what it does not read.
    if (res.writableLength > this.#options.maxUnreadBytes) {
      this.#options.onCut()
      res.destroy()
      return
    }
    this.#caughtUp ??= new Promise((resolve) => {
      const done = (): void => {
        this.#caughtUp = undefined
        res.off('drain', done)
        res.off('close', done)
        resolve()
      }
      res.on('drain', done)
      res.on('close', done)
    })
    return this.#caughtUp
  }

  keepAlive(): void {
    if (this.streaming) void this.event(commentText, {})
  }

  end(): void {
    if (!this.#res.writableEnded) this.#res.end()
  }

  onOver(listener: () => void): void {
    if (this.#res.closed) listener()
    else this.#onOver = listener
  }

  onDisconnect(listener: () => void): void {
    if (this.#res.destroyed && !this.#res.writableFinished) listener()
    else this.#onDisconnect = listener
  }
}
