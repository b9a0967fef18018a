import { Buffer } from 'node:buffer'
import type { Bounded } from '../../contracts/bounded.js'
import type { Connectable, Connection } from '../../engine/connection.js'
import { createLineReader, defaultMaxLineBytes } from './line-reader.js'

/** What the transport reads from: `process.stdin` or any byte stream. */
export interface StdioInput {
  on(event: 'data', listener: (chunk: Buffer | string) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): unknown
  resume(): unknown
}

/** What the transport writes to: any Writable, or the guarded stdout. */
export interface StdioOutput {
  write(text: string, encoding: 'utf8', done?: (error?: Error | null) => void): boolean
  on(event: 'drain' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  cork(): void
  uncork(): void
  /** Characters or bytes accepted but not yet handed to the system. */
  readonly writableLength: number
  readonly writableNeedDrain: boolean
  /** Sockets report here that nothing moved for so many milliseconds; it sees progress inside one large write. */
  setTimeout?(ms: number, listener: () => void): unknown
}

export interface StdioTransportOptions {
  input: StdioInput
  output: StdioOutput
  /** Longest incoming message in bytes. Default 10 MiB. */
  maxMessageBytes?: number
  /**
   * Outgoing text that may wait for a slow reader, in characters. Reading stops long before (as soon as the output
   * asks for it); this bounds what calls already taken in can still produce. Over it the connection ends. Default 64 Mi.
   */
  maxQueued?: number
  /** Milliseconds that calls in flight have left once the input has ended. Default 1000. */
  endDrainMs?: number
  /** Milliseconds without any progress after which an ending connection stops waiting for its reader. Default 5000. */
  stallMs?: number
}

/** `input ended`: the client is done. `output closed`: nobody reads any more. `output full`: `maxQueued` was exceeded. */
export type StdioEndReason = 'input ended' | 'stopped' | 'output closed' | 'output full'

export interface StdioEnd {
  reason: StdioEndReason
  /** Calls still in flight at the deadline; they were aborted. */
  aborted: number
  /** Whether everything sent has reached the system: false after a stall or a closed output. */
  flushed: boolean
  /** What the output failed with, unless it only was closed by its reader. */
  error?: Error
}

export interface StdioTransport {
  /** Resolves once the connection has ended and all that could be written is written; it never rejects. */
  readonly closed: Promise<StdioEnd>
  /**
   * Stops reading, gives calls in flight `drainMs` milliseconds (default 5000), flushes and ends. Further calls change
   * nothing.
   */
  stop(drainMs?: number): Promise<StdioEnd>
  stats(): StdioStats
}

export interface StdioStats {
  queued: number
  maxQueued: number
  maxMessageBytes: number
  received: number
  sent: number
  /** Frames dropped because they were too long or not UTF-8. */
  unreadable: number
}

/** Lines handed over before other work gets a turn, so that one chunk of requests cannot pile up all its answers. */
const linesPerTurn = 256
const readerGone: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'EOF'])

/**
 * Joins a pair of byte streams to a server: one JSON-RPC message a line, one write a message (stdio framing of all
 * revisions). It never exits the process; whoever owns the process does, after `closed`.
 */
export function openStdioTransport(server: Connectable, options: StdioTransportOptions): StdioTransport {
  const { input, output, endDrainMs = 1000, stallMs = 5000 } = options
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxLineBytes
  const maxQueued = options.maxQueued ?? 64 * 1024 * 1024

  let received = 0
  let sent = 0
  let unreadable = 0
  let sending = true
  let corked = false
  let reading = true
  let inputEnded = false
  let waiting = false
  let linesThisTurn = 0
  let paused = false
  let ending = false
  let failure: Error | undefined
  let stopWatchingInputEnd: () => void = () => {}
  let drained: Promise<void> | undefined
  let markDrained: () => void = () => {}
  let markGone: () => void = () => {}
  let markClosed: (end: StdioEnd) => void = () => {}
  const gone = new Promise<void>((resolve) => {
    markGone = resolve
  })
  const closed = new Promise<StdioEnd>((resolve) => {
    markClosed = resolve
  })

  const reader = createLineReader({
    maxLineBytes: maxMessageBytes,
    unreadable(reason) {
      unreadable += 1
      connection.unreadable(reason)
    },
  })
  const outgoing: Bounded = {
    stats: () => ({
      name: 'answers that wait for a slow reader (stdio)',
      size: output.writableLength,
      limit: maxQueued,
      unit: 'bytes',
      dropped: sending ? 0 : 1,
    }),
  }
  const connection: Connection = server.connect({ transport: 'stdio', send, outgoing })

  /** A promise while the output is full: it resolves when the reader has caught up or is gone. */
  function send(text: string): void | Promise<void> {
    if (!sending) return
    if (output.writableLength > maxQueued) {
      sending = false
      markGone()
      void end('output full', 0)
      return
    }
    sent += 1
    if (!corked) {
      // Answers that become ready in the same tick leave in one system call: a third to a half more calls a second.
      corked = true
      output.cork()
      queueMicrotask(uncork)
    }
    output.write(`${text}\n`, 'utf8')
    if (output.writableNeedDrain) return caughtUp()
  }

  function caughtUp(): Promise<void> {
    drained ??= new Promise((resolve) => {
      markDrained = resolve
    })
    return drained
  }

  function uncork(): void {
    corked = false
    output.uncork()
  }

  /** Hands lines over until there are none, the output is full, or other work is due. */
  function pump(): void {
    if (waiting) return
    if (linesThisTurn === 0) queueMicrotask(endTurn)
    while (reading) {
      if (output.writableNeedDrain) {
        waiting = true
        return
      }
      if (linesThisTurn >= linesPerTurn) {
        waiting = true
        setImmediate(proceed)
        return
      }
      const line = reader.next()
      if (line === undefined) break
      received += 1
      linesThisTurn += 1
      connection.receive(line)
    }
    if (inputEnded) void end('input ended', endDrainMs)
  }

  function endTurn(): void {
    linesThisTurn = 0
  }

  function proceed(): void {
    waiting = false
    pump()
    if (paused && !waiting && reading) {
      paused = false
      input.resume()
    }
  }

  function onInputEnd(): void {
    if (inputEnded) return
    inputEnded = true
    reader.end()
    // A client that closed its end and reads nothing would otherwise keep unread requests, and the process, for ever.
    stopWatchingInputEnd = watchStall(() => {
      sending = false
      void end('input ended', 0)
    })
    pump()
  }

  function onOutputGone(error?: Error): void {
    if (error !== undefined && !readerGone.has(Reflect.get(error, 'code'))) failure = error
    sending = false
    markGone()
    void end('output closed', 0)
  }

  /** Calls back once nothing has left the output for `stallMs`; returns how to stop watching. */
  function watchStall(stalled: () => void): () => void {
    let watching = true
    const check = (): void => {
      if (watching && output.writableLength > 0) stalled()
    }
    if (output.setTimeout !== undefined) {
      output.setTimeout(stallMs, check)
      return () => {
        watching = false
      }
    }
    let last = output.writableLength
    const timer = setInterval(() => {
      if (output.writableLength === last) check()
      last = output.writableLength
    }, stallMs)
    return () => clearInterval(timer)
  }

  /** Exiting with a write under way cuts the message for the reader, so every end waits for the last byte. */
  function flush(): Promise<boolean> {
    if (!sending) return Promise.resolve(false)
    return new Promise((resolve) => {
      const stopWatching = watchStall(() => done(false))
      function done(flushed: boolean): void {
        stopWatching()
        resolve(flushed)
      }
      void gone.then(() => done(false))
      output.write('', 'utf8', (error) => done(error === undefined || error === null))
    })
  }

  async function end(reason: StdioEndReason, drainMs: number): Promise<void> {
    if (ending) return
    ending = true
    stopWatchingInputEnd()
    reading = false
    input.pause()
    let aborted = connection.inFlight
    if (drainMs > 0 && aborted > 0) {
      const left = await Promise.race([connection.drain(drainMs), gone])
      aborted = left ?? connection.inFlight
    }
    connection.close()
    const flushed = await flush()
    sending = false
    markClosed({ reason, aborted, flushed, ...(failure === undefined ? {} : { error: failure }) })
  }

  void gone.then(() => markDrained())
  output.on('drain', () => {
    drained = undefined
    markDrained()
    if (waiting && !output.writableNeedDrain) proceed()
  })
  output.on('error', onOutputGone)
  output.on('close', () => onOutputGone())
  input.on('data', (chunk) => {
    if (!reading) return
    reader.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    pump()
    // Only now: most waits are over before the next chunk, and pausing costs two system calls.
    if (waiting && !paused) {
      paused = true
      input.pause()
    }
  })
  input.on('end', onInputEnd)
  input.on('close', onInputEnd)
  input.on('error', onInputEnd)

  return {
    closed,
    stop(drainMs = 5000) {
      void end('stopped', drainMs)
      return closed
    },
    stats: () => ({
      queued: output.writableLength,
      maxQueued,
      maxMessageBytes,
      received,
      sent,
      unreadable,
    }),
  }
}
