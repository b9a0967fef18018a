import type { FileHandle } from 'node:fs/promises'
import { wholeCharacters } from '../engine/result-size.js'
import type { SpillSource } from '../engine/spilling.js'
import type { PartMarks } from './part-marks.js'
import type { Claim } from './quotas.js'

/** What is gathered before it is written, in bytes and in UTF-16 units. */
const pieceBytes = 64 * 1024

/** The file system failed, and not the source. */
export class DiskFault extends Error {
  override readonly name = 'DiskFault'

  constructor(cause: unknown) {
    super('The file system failed.', { cause })
  }
}

/** Calls its listener once when the writing must end; gives what takes the listener away again. */
export type WhenEnded = (listener: (reason: string) => void) => () => void

export interface Destination {
  readonly handle: FileHandle
  readonly claim: Claim
  readonly marks: PartMarks
}

/**
 * Writes a source piece by piece: the next is asked for when the one before is in the file. When the call ends it stops at once,
 * and the source is ended once, whatever it is at.
 * @throws DiskFault, what the source throws, and ToolError `spill_failed` when there is no room
 */
export async function writeSource(
  source: SpillSource,
  whenEnded: WhenEnded,
  destination: Destination,
): Promise<void> {
  const writer = new Writer(iteratorOf(source), destination)
  let stay: () => void = () => undefined
  const ended = new Promise<never>((_resolve, reject) => {
    stay = whenEnded((reason) => reject(new Error(`The call was ended: ${reason}.`)))
  })
  try {
    await Promise.race([writer.run(), ended])
  } finally {
    stay()
    writer.end()
  }
}

class Writer {
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>
  readonly #destination: Destination
  #text = ''
  #over = false

  constructor(iterator: Iterator<unknown> | AsyncIterator<unknown>, destination: Destination) {
    this.#iterator = iterator
    this.#destination = destination
  }

  async run(): Promise<void> {
    while (!this.#over) {
      let step: IteratorResult<unknown>
      try {
        step = await this.#iterator.next()
      } catch (error) {
        // What threw has ended itself.
        this.#over = true
        throw error
      }
      if (this.#over) return
      if (step.done === true) {
        this.#over = true
        await this.#flush(true)
        return
      }
      await this.#take(step.value)
    }
  }

  /** The source's `finally` runs; nobody waits for it, and nobody is left who would hear that it failed. */
  end(): void {
    if (this.#over) return
    this.#over = true
    Promise.resolve(this.#iterator.return?.()).catch(() => undefined)
  }

  async #take(chunk: unknown): Promise<void> {
    if (typeof chunk === 'string') {
      this.#text += chunk
      if (this.#text.length >= pieceBytes) await this.#flush(false)
    } else if (chunk instanceof Uint8Array) {
      await this.#flush(true)
      for (let at = 0; at < chunk.length; at += pieceBytes)
        await this.#write(chunk.subarray(at, at + pieceBytes))
    } else {
      throw new TypeError(`A source of ctx.spill gives texts and bytes, and this one gave ${typeof chunk}.`)
    }
  }

  /** Half a surrogate pair waits for its other half, unless nothing follows. */
  async #flush(all: boolean): Promise<void> {
    const text = this.#text
    this.#text = ''
    let at = 0
    while (at < text.length && (all || text.length - at >= pieceBytes)) {
      const piece = text.slice(at, at + pieceBytes)
      const length = wholeCharacters(`${piece} `, piece.length)
      const whole = all && at + piece.length === text.length ? piece : piece.slice(0, length)
      await this.#write(Buffer.from(whole))
      at += whole.length
    }
    this.#text = text.slice(at)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    const { handle, claim, marks } = this.#destination
    claim.take(bytes.length)
    marks.add(bytes)
    for (let at = 0; at < bytes.length; ) {
      try {
        at += (await handle.write(bytes, at)).bytesWritten
      } catch (error) {
        throw new DiskFault(error)
      }
    }
  }
}

function iteratorOf(source: SpillSource): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof source === 'string' || source instanceof Uint8Array) return [source][Symbol.iterator]()
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]()
    if (Symbol.iterator in source) return source[Symbol.iterator]()
  }
  throw new TypeError(
    'ctx.spill takes a text, bytes, or what gives them one after another, such as an async generator.',
  )
}
