import type { ServerResponse } from 'node:http'
import type { Reply, ReplySink } from './reply.js'

/** Writes one reply: one write, with its length known. */
export function writeReply(res: ServerResponse, reply: Reply): void {
  if (res.headersSent || res.destroyed) return
  const { status, headers, body } = reply
  // A flat list is what node:http takes without copying.
  const flat: string[] = []
  for (const name in headers) flat.push(name, headers[name] ?? '')
  if (body === undefined) {
    if (status !== 204) flat.push('content-length', '0')
    res.writeHead(status, flat).end()
    return
  }
  flat.push('content-length', String(Buffer.byteLength(body)))
  res.writeHead(status, flat).end(body)
}

/** The answer side of one `node:http` request. */
export class NodeSink implements ReplySink {
  readonly #res: ServerResponse
  readonly #maxUnreadBytes: number
  readonly #onCut: () => void

  constructor(res: ServerResponse, maxUnreadBytes: number, onCut: () => void) {
    this.#res = res
    this.#maxUnreadBytes = maxUnreadBytes
    this.#onCut = onCut
  }

  reply(reply: Reply): void {
    writeReply(this.#res, reply)
  }

  event(text: string, headers: Readonly<Record<string, string>>): void {
    const res = this.#res
    if (res.destroyed || res.writableEnded) return
    if (!res.headersSent) res.writeHead(200, headers)
    res.write(text)
    // A client that reads nothing must not make the server hold what it does not read.
    if (res.writableLength > this.#maxUnreadBytes) {
      this.#onCut()
      res.destroy()
    }
  }

  end(): void {
    if (!this.#res.writableEnded) this.#res.end()
  }

  onDisconnect(listener: () => void): void {
    this.#res.once('close', () => {
      if (!this.#res.writableFinished) listener()
    })
  }
}
