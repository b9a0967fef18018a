import { Buffer, isUtf8 } from 'node:buffer'

/** Default longest line in bytes, without its newline: 10 MiB. */
export const defaultMaxLineBytes: number = 10 * 1024 * 1024

/** Why a line was dropped instead of returned. */
export type UnreadableReason = 'too long' | 'not UTF-8'

export interface LineReaderOptions {
  /** Longest line in bytes, without its newline. Default 10 MiB. */
  maxLineBytes?: number
  /** Called from `next`, once for each line dropped, in its place among the lines. */
  unreadable(reason: UnreadableReason): void
}

/** Pulls lines out of byte chunks: `push` chunks as they come, then call `next` until it has none. */
export interface LineReader {
  /** Takes a chunk; it is searched only when `next` reaches it. The reader keeps it without copying. */
  push(chunk: Buffer): void
  /** The next line without its line ending, blank ones left out; `undefined` when more bytes are needed. */
  next(): string | undefined
  /** No more bytes will come: a last line without a newline is then returned by `next`. */
  end(): void
}

const newline = 0x0a
const smallestPartial = 4096
/** A partial line's buffer above this is given back once the line is complete. */
const keptPartial = 64 * 1024

/**
 * Creates a reader of newline-delimited UTF-8. It accepts CRLF, blank lines and a byte order mark at the very start.
 * Memory is bounded by the line limit (at most twice that while a line grows) plus the chunks not yet searched.
 */
export function createLineReader(options: LineReaderOptions): LineReader {
  const { maxLineBytes = defaultMaxLineBytes, unreadable } = options
  const chunks: Buffer[] = []
  /** Complete lines, each with its newline, already decoded, and where the next one begins. */
  let text = ''
  let textAt = 0
  /** A decoded line that came in several chunks. */
  let whole: string | undefined
  /** Complete lines that must be looked at one by one: one of them is too long or not UTF-8. */
  let suspects: Buffer | undefined
  let suspectAt = 0
  /** The beginning of a line whose newline has not come yet. */
  let partial: Buffer = Buffer.alloc(0)
  let partialLength = 0
  let discarding = false
  let started = false

  function dropPartial(): void {
    partialLength = 0
    if (partial.length > keptPartial) partial = Buffer.alloc(0)
  }

  /** Adds to the partial line; false, with the line dropped and reported, once it is over the limit. */
  function append(bytes: Buffer): boolean {
    const needed = partialLength + bytes.length
    if (needed > maxLineBytes) {
      dropPartial()
      started = true
      unreadable('too long')
      return false
    }
    if (needed > partial.length) {
      const grown = Buffer.allocUnsafe(
        Math.max(needed, smallestPartial, Math.min(partial.length * 2, maxLineBytes)),
      )
      partial.copy(grown, 0, 0, partialLength)
      partial = grown
    }
    bytes.copy(partial, partialLength)
    partialLength = needed
    return true
  }

  function takePartial(): void {
    const bytes = partial.subarray(0, partialLength)
    whole = decode(bytes)
    dropPartial()
    if (whole !== undefined) return
    started = true
    unreadable('not UTF-8')
  }

  function load(chunk: Buffer): void {
    let from = 0
    if (discarding || partialLength > 0) {
      const end = chunk.indexOf(newline)
      if (end === -1) {
        if (!discarding && !append(chunk)) discarding = true
        return
      }
      from = end + 1
      if (discarding) discarding = false
      else if (append(chunk.subarray(0, end))) takePartial()
      if (from < chunk.length) chunks.unshift(chunk.subarray(from))
      return
    }
    const end = chunk.lastIndexOf(newline) + 1
    if (end > 0) {
      const lines = end === chunk.length ? chunk : chunk.subarray(0, end)
      const decoded = end > maxLineBytes ? undefined : decode(lines)
      if (decoded === undefined) {
        suspects = lines
        suspectAt = 0
      } else {
        text = decoded
        textAt = 0
      }
      // The rest must wait its turn: reported now, it would overtake the lines before it.
      if (end < chunk.length) chunks.unshift(chunk.subarray(end))
      return
    }
    if (!append(chunk)) discarding = true
  }

  function nextSuspect(lines: Buffer): string | undefined {
    const end = lines.indexOf(newline, suspectAt)
    const bytes = lines.subarray(suspectAt, end)
    suspectAt = end + 1
    if (suspectAt >= lines.length) suspects = undefined
    const line = bytes.length > maxLineBytes ? undefined : decode(bytes)
    if (line !== undefined) return clean(line)
    started = true
    unreadable(bytes.length > maxLineBytes ? 'too long' : 'not UTF-8')
    return undefined
  }

  /** The line without a byte order mark or a carriage return; `undefined` if nothing is left. */
  function clean(line: string): string | undefined {
    let cleaned = line
    if (!started) {
      started = true
      if (cleaned.charCodeAt(0) === 0xfeff) cleaned = cleaned.slice(1)
    }
    if (cleaned.endsWith('\r')) cleaned = cleaned.slice(0, -1)
    if (cleaned.charCodeAt(0) <= 0x20 && cleaned.trim() === '') return undefined
    return cleaned === '' ? undefined : cleaned
  }

  return {
    push(chunk) {
      if (chunk.length > 0) chunks.push(chunk)
    },
    next() {
      for (;;) {
        let line: string | undefined
        if (textAt < text.length) {
          const end = text.indexOf('\n', textAt)
          line = clean(text.slice(textAt, end))
          textAt = end + 1
        } else if (whole !== undefined) {
          line = clean(whole)
          whole = undefined
        } else if (suspects !== undefined) {
          line = nextSuspect(suspects)
        } else {
          text = ''
          textAt = 0
          const chunk = chunks.shift()
          if (chunk === undefined) return undefined
          load(chunk)
        }
        if (line !== undefined) return line
      }
    },
    end() {
      chunks.push(Buffer.from('\n'))
    },
  }
}

/**
 * A whole chunk is decoded in one go and cut as a string, several times cheaper than a decode per line. Bad bytes
 * decode to U+FFFD, so only text that holds one is checked again byte by byte: it may be a real U+FFFD.
 */
function decode(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') && !isUtf8(bytes) ? undefined : text
}
