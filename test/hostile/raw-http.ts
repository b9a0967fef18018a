import { connect, type Socket } from 'node:net'

export interface RawResponse {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/**
 * Reads one HTTP/1.1 response from the front of `bytes`; `undefined` while it is not complete. Of a stream of events that
 * stays open, `headOnly` takes the head for the whole.
 */
export function readResponse(
  bytes: Buffer,
  headOnly = false,
): { response: RawResponse; rest: Buffer } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
  if (Number.isNaN(status))
    throw new Error(`The server sent ${JSON.stringify(first.slice(0, 80))} as a status line.`)
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const after = bytes.subarray(headEnd + 4)
  const done = (body: Buffer, rest: Buffer) => ({
    response: { status, headers, body: body.toString('utf8') },
    rest,
  })
  if (status < 200 || status === 204) return done(Buffer.alloc(0), after)
  if (headOnly && headers.get('content-type') === 'text/event-stream') return done(Buffer.alloc(0), after)
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(after, done)
  const length = Number(headers.get('content-length') ?? 0)
  return after.length < length ? undefined : done(after.subarray(0, length), after.subarray(length))
}

function readChunks<Result>(bytes: Buffer, done: (body: Buffer, rest: Buffer) => Result): Result | undefined {
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at)
    if (end === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16)
    const next = end + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return done(Buffer.concat(pieces), bytes.subarray(next))
    pieces.push(bytes.subarray(end + 2, end + 2 + size))
    at = next
  }
}

export interface ExchangeOptions {
  /** Responses to wait for. */
  readonly count?: number
  /** Close the sending side behind the bytes. */
  readonly end?: boolean
  /** Close the connection after the responses. */
  readonly close?: boolean
  /** A stream of events may stay open; its head is the response. */
  readonly opens?: boolean
}

/** One keep-alive connection that is written and read as bytes; it connects again after the server closed it. */
export class RawConnection {
  readonly #port: number
  #socket: Socket | undefined
  #buffered: Buffer = Buffer.alloc(0)
  #wake: () => void = () => undefined
  #ended = false

  constructor(port: number) {
    this.#port = port
  }

  /** Sends bytes and reads `count` responses; fewer when the server closes first. Final responses only, no 1xx. */
  async exchange(
    bytes: Buffer,
    { count = 1, end = false, close = false, opens = false }: ExchangeOptions = {},
  ): Promise<RawResponse[]> {
    const socket = await this.#open()
    socket.write(bytes)
    if (end) socket.end()
    const responses: RawResponse[] = []
    while (responses.length < count) {
      const found = readResponse(this.#buffered, opens)
      if (found !== undefined) {
        this.#buffered = found.rest
        if (found.response.status >= 200) responses.push(found.response)
      } else if (this.#ended) {
        break
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
    if (end || close || responses.at(-1)?.headers.get('connection') === 'close') this.close()
    return responses
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  async #open(): Promise<Socket> {
    if (this.#socket !== undefined && !this.#ended) return this.#socket
    this.close()
    const socket = connect(this.#port, '127.0.0.1')
    this.#socket = socket
    this.#buffered = Buffer.alloc(0)
    this.#ended = false
    const ended = (): void => {
      if (this.#socket !== socket) return
      this.#ended = true
      this.#wake()
    }
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      if (this.#socket !== socket) return
      this.#buffered = Buffer.concat([this.#buffered, chunk])
      this.#wake()
    })
    socket.on('end', ended).on('close', ended).on('error', ended)
    await new Promise<void>((resolve) => {
      socket.once('connect', () => resolve()).once('close', () => resolve())
    })
    return socket
  }
}
