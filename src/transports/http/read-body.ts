import type { IncomingMessage } from 'node:http'
import {
  alreadyRead,
  type Body,
  type BodyLimits,
  ByteCollector,
  checkBodyHeaders,
  decodeBody,
  tooLarge,
  tooSlow,
} from './body-rules.js'
import { type Deadline, DeadlineQueue } from './deadline-queue.js'
import type { Refusal } from './refusal.js'

export interface BodyReader {
  /** Reads the whole body and calls `done` once, possibly before it returns. `done` must not throw. */
  receive(req: IncomingMessage, done: (body: Body) => void): void
  /** The same as a promise, which never rejects. */
  read(req: IncomingMessage): Promise<Body>
  /**
   * Lets the body of a request that was refused by its headers run out, within the same bounds, so that the
   * client reads the answer instead of a reset connection. For requests whose body nobody else reads.
   */
  discard(req: IncomingMessage): void
}

/**
 * How much of a refused body is still read and dropped. Closing a socket while the client is writing resets it,
 * and the reset overtakes the answer. Beyond this much nothing more is read, and the time limit closes.
 */
const lingerBytes = 1024 * 1024

/**
 * Reads request bodies of `node:http` within the limits. Content-Length, which `node:http` has checked, is only
 * a reason to refuse early; the limit is enforced on what arrives.
 */
export function createBodyReader(limits: BodyLimits): BodyReader {
  const deadlines = new DeadlineQueue(limits.timeoutMs)
  const receive: BodyReader['receive'] = (req, done) => {
    if (req.readableEnded || req.destroyed) {
      done(req.readableEnded ? alreadyRead : undefined)
      return
    }
    const length = req.headers['content-length']
    const refused = checkBodyHeaders(req.headers['content-encoding'], length, limits.maxBytes)
    const expected = length === undefined ? -1 : Number(length)
    new Reception(req, { limits, deadlines, expected, done }).start(refused)
  }
  return {
    receive,
    read: (req) => new Promise((resolve) => receive(req, resolve)),
    discard(req) {
      if (req.readableEnded || req.destroyed) return
      new Reception(req, { limits, deadlines, expected: -1, done: () => undefined }).start(discarded)
    },
  }
}

const discarded: Refusal = { status: 0, code: 0, message: '' }

interface ReceptionOptions {
  readonly limits: BodyLimits
  readonly deadlines: DeadlineQueue
  /** Content-Length, or -1 when the body is chunked or there is none. */
  readonly expected: number
  readonly done: (body: Body) => void
}

type State = 'reading' | 'discarding' | 'over'

class Reception implements Deadline {
  dueAt = 0
  previous: Deadline | undefined = undefined
  next: Deadline | undefined = undefined

  private state: State = 'reading'
  private dropped = 0
  private readonly collected = new ByteCollector()
  private readonly req: IncomingMessage
  private readonly options: ReceptionOptions

  constructor(req: IncomingMessage, options: ReceptionOptions) {
    this.req = req
    this.options = options
  }

  start(refused: Refusal | undefined): void {
    const { req } = this
    this.options.deadlines.enter(this)
    req.on('data', (chunk: Uint8Array | string) => this.take(chunk))
    req.on('end', () => this.end())
    // An aborted request ends in one of these; without the first, Node would take the error for unhandled.
    req.on('error', () => this.over(undefined))
    req.on('close', () => this.over(undefined))
    if (refused !== undefined) this.refuse(refused)
  }

  expire(): void {
    if (this.state === 'reading') {
      this.over(tooSlow(this.options.limits.timeoutMs))
    } else if (this.state === 'discarding') {
      this.state = 'over'
      this.req.destroy()
    }
  }

  private take(chunk: Uint8Array | string): void {
    // Somebody called setEncoding before us: what is text already can only be bytes again.
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
    if (this.state === 'discarding') this.drop(bytes.length)
    if (this.state !== 'reading') return
    const { limits, expected } = this.options
    if (this.collected.size + bytes.length > limits.maxBytes) {
      this.refuse(tooLarge(limits.maxBytes))
      return
    }
    this.collected.add(bytes)
    // Node hands over no byte beyond Content-Length, so `end` would bring nothing but a later turn.
    if (this.collected.size === expected) this.over(decodeBody(this.collected.bytes()))
  }

  private end(): void {
    this.over(decodeBody(this.collected.bytes()))
  }

  private drop(length: number): void {
    this.dropped += length
    // The client cannot write on, but it can still read the answer, until the time of its body is over.
    if (this.dropped > lingerBytes) this.req.pause()
  }

  /** Answers now, and reads on for a while without keeping anything. */
  private refuse(refusal: Refusal): void {
    this.state = 'discarding'
    this.options.done(refusal)
  }

  private over(body: Body): void {
    if (this.state === 'over') return
    const answered = this.state === 'discarding'
    this.state = 'over'
    this.options.deadlines.leave(this)
    if (!answered) this.options.done(body)
  }
}
