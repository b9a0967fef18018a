import { catalogue } from '../../errors/catalogue.js'
import { shown } from '../../errors/shown.js'
import { invalidRequestCode, parseErrorCode, type Refusal } from './refusal.js'

export interface BodyLimits {
  /** The largest body, in bytes. */
  readonly maxBytes: number
  /** How long a body may take from its headers to its last byte, in milliseconds. */
  readonly timeoutMs: number
}

/** The text, the reason it is refused, or undefined when the client has gone and nobody waits for an answer. */
export type Body = string | Refusal | undefined

/** What the headers alone decide. A compressed body is not unpacked: its size would be a guess until it is. */
export function checkBodyHeaders(
  encoding: string | undefined,
  length: string | undefined,
  maxBytes: number,
): Refusal | undefined {
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity' && encoding !== '') {
    return {
      status: 415,
      code: invalidRequestCode,
      message: `The body must be sent without Content-Encoding, received ${shown(encoding)}.`,
      // RFC 9110 §12.5.3: what would have been taken.
      headers: { 'accept-encoding': 'identity' },
    }
  }
  if (length === undefined) return undefined
  if (!/^\d+$/.test(length)) {
    return {
      status: 400,
      code: invalidRequestCode,
      message: `Content-Length must be a number of bytes, received ${shown(length)}.`,
    }
  }
  return Number(length) > maxBytes ? tooLarge(maxBytes) : undefined
}

export function tooLarge(maxBytes: number): Refusal {
  return {
    status: 413,
    code: invalidRequestCode,
    message: `The body is larger than the ${maxBytes} bytes this server takes.`,
  }
}

export function tooSlow(timeoutMs: number): Refusal {
  return {
    status: 408,
    code: invalidRequestCode,
    message: `The body was not complete within ${timeoutMs} ms.`,
    // RFC 9110 §15.5.9: the rest of the body may still come, so the connection is of no further use.
    headers: { connection: 'close' },
  }
}

/** A body that another reader has taken: the fault is in how the server is put together. */
export const alreadyRead: Refusal = Object.freeze({
  status: 500,
  code: catalogue.internal_error.code,
  message: 'The body was read before it reached the MCP handler; mount the handler before any body parser.',
})

const notUtf8: Refusal = Object.freeze({
  status: 400,
  code: parseErrorCode,
  message: 'The body is not valid UTF-8.',
})

/**
 * JSON-RPC over MCP is UTF-8 (specification, basic/transports). `fatal`: replacement characters would change
 * the arguments silently. A byte order mark stays, for JSON.parse to refuse (RFC 8259 §8.1).
 */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Node's own check tells ASCII at memory speed, and ASCII needs no decoding; other runtimes do without. */
const nodeBuffer = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:buffer')

export function decodeBody(bytes: Uint8Array): string | Refusal {
  if (nodeBuffer?.isAscii(bytes) === true) {
    return nodeBuffer.Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  }
  try {
    return decoder.decode(bytes)
  } catch {
    return notUtf8
  }
}

/**
 * Bytes that arrive in pieces. The first piece is kept as it is, since most bodies have one; further ones are
 * copied together, because a list of one-byte pieces weighs a hundred times what was sent.
 */
export class ByteCollector {
  size = 0
  private held: Uint8Array | undefined
  private owned = false

  add(piece: Uint8Array): void {
    const size = this.size + piece.length
    if (this.held === undefined) {
      this.held = piece
    } else {
      if (!this.owned || size > this.held.length) this.grow(size)
      this.held.set(piece, this.size)
    }
    this.size = size
  }

  bytes(): Uint8Array {
    if (this.held === undefined) return new Uint8Array(0)
    return this.owned ? this.held.subarray(0, this.size) : this.held
  }

  private grow(least: number): void {
    const larger = new Uint8Array(Math.max(4096, least * 2))
    larger.set(this.bytes())
    this.held = larger
    this.owned = true
  }
}
