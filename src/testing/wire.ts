import { PassThrough } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Server } from 'holdfast'
import { serveStreams } from 'holdfast/node'

/** What a test needs of a server, whatever services it has. */
export type TestServer = Pick<Server, 'connect' | 'handler'>

export type Transport = 'memory' | 'stdio' | 'http'

export const transports: readonly Transport[] = ['memory', 'stdio', 'http']

export type Revision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28'

/** The released revisions, oldest first. */
export const revisions: readonly Revision[] = [
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  '2025-11-25',
  '2026-07-28',
]

/** Whether requests speak for themselves under a revision; before that a handshake opens a connection. */
export function isStateless(revision: Revision): boolean {
  return revision >= '2026-07-28'
}

/** What HTTP said beside the messages. */
export interface HttpReply {
  readonly status: number
  readonly headers: Headers
}

export interface Outgoing {
  /** HTTP only: set over those that the message asks for; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** HTTP only: closes the exchange. */
  readonly signal?: AbortSignal
}

/** A stream that was opened by GET. */
export interface Listening {
  readonly status: number
  /** Leaves the stream; resolves when it is over. */
  close(): Promise<void>
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>
}

/** A client's end of one transport: whole frames as text, in and out. */
export interface Wire {
  /** The endpoint, over HTTP. */
  readonly url?: string
  /** Sends one frame as it is. Over HTTP it resolves with the end of the answer, elsewhere at once. */
  send(text: string, outgoing: Outgoing, receive: (text: string) => void): Promise<HttpReply | undefined>
  /**
   * HTTP only: opens a stream by GET, from after an event when there is one to go on from. Resolves when it is open.
   */
  listen?(receive: (text: string) => void, lastEventId?: string): Promise<Listening>
  /** HTTP only: the id of the newest event that came, on any stream. */
  readonly lastEventId?: string | undefined
  /** HTTP only: the id of the session, once it was given. */
  readonly session?: string | undefined
  /** Leaves, and resolves when nothing more can come. */
  close(): Promise<void>
}

/** A connection within the process, frames as text on both ways. */
export function openMemory(server: TestServer, receive: (text: string) => void): Wire {
  const connection = server.connect({ transport: 'memory', send: receive })
  return {
    async send(text) {
      connection.receive(text)
      return undefined
    },
    async close() {
      connection.close()
    },
  }
}

/** The framing of stdio over a pair of streams: one line a message, UTF-8. */
export function openStdio(server: TestServer, receive: (text: string) => void): Wire {
  const input = new PassThrough()
  const output = new PassThrough()
  const served = serveStreams(server, { input, output })
  const decoder = new StringDecoder('utf8')
  let rest = ''
  output.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) receive(line)
  })
  return {
    async send(text) {
      input.write(`${text}\n`)
      return undefined
    },
    async close() {
      input.end()
      await served.closed
    },
  }
}
