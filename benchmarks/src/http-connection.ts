import { connect, type Socket } from 'node:net'

export interface HttpAnswer {
  readonly status: number
  /** Status line and header lines, as received. */
  readonly head: string
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')

/** The body of a chunked answer once its last chunk is in, undefined before that. */
function decodeChunked(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const start = lineEnd + 2
    if (bytes.length < start + size + 2) return undefined
    if (size === 0) return Buffer.concat(parts)
    parts.push(bytes.subarray(start, start + size))
    at = start + size + 2
  }
}

/**
 * One keep-alive connection with at most one request in flight. It does as little as a client can: no parser,
 * no header object, no stream. The next request is sent from within the callback of the last.
 */
export class HttpConnection {
  readonly #socket: Socket
  #received: Buffer[] = []
  #size = 0
  #head = ''
  #headSize = 0
  /** Bytes of head and body together; -1 before the head is read, -2 for a chunked body. */
  #expected = -1
  #onAnswer: ((answer: HttpAnswer) => void) | undefined
  #onBroken: (error: Error) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#break(error))
    socket.on('close', () => this.#break(new Error('The server closed the connection.')))
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new HttpConnection(socket))
      })
    })
  }

  /** Sends one whole request; `onAnswer` or `onBroken` is called once. */
  exchange(bytes: Buffer, onAnswer: (answer: HttpAnswer) => void, onBroken: (error: Error) => void): void {
    this.#onAnswer = onAnswer
    this.#onBroken = onBroken
    this.#socket.write(bytes)
  }

  ask(bytes: Buffer): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => this.exchange(bytes, resolve, reject))
  }

  close(): void {
    this.#onAnswer = undefined
    this.#socket.destroy()
  }

  #break(error: Error): void {
    if (this.#onAnswer === undefined) return
    this.#onAnswer = undefined
    this.#onBroken(error)
  }

  #read(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#size += chunk.length
    if (this.#expected === -1 && !this.#readHead()) return
    if (this.#expected === -2) {
      const body = decodeChunked(this.#joined().subarray(this.#headSize))
      if (body !== undefined) this.#finish(body)
      return
    }
    if (this.#size >= this.#expected) this.#finish(this.#joined().subarray(this.#headSize))
  }

  #readHead(): boolean {
    const bytes = this.#joined()
    const end = bytes.indexOf(HEAD_END)
    if (end === -1) return false
    this.#head = bytes.toString('latin1', 0, end)
    this.#headSize = end + HEAD_END.length
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1]
    if (length !== undefined) this.#expected = this.#headSize + Number(length)
    else this.#expected = /\r\ntransfer-encoding: *chunked/i.test(this.#head) ? -2 : this.#headSize
    return true
  }

  #joined(): Buffer {
    const [first] = this.#received
    if (this.#received.length === 1 && first !== undefined) return first
    const joined = Buffer.concat(this.#received)
    this.#received = [joined]
    return joined
  }

  #finish(body: Buffer): void {
    const onAnswer = this.#onAnswer
    const head = this.#head
    this.#received = []
    this.#size = 0
    this.#expected = -1
    this.#onAnswer = undefined
    onAnswer?.({ status: Number(head.slice(9, 12)), head, body })
  }
}
