/** One HTTP answer in full. Header names are in lower case. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Absent: no body. */
  readonly body?: string
}

/** The part of a request that decides before its body is read, whatever runtime it came from. */
export interface RequestHead {
  readonly method: string
  /** Path and query as the client sent them, also where a framework has cut off what it mounted the server under. */
  readonly url: string
  /** Whether the client came over TLS, as far as this process sees. */
  readonly isSecure: boolean
  /** Whether a header stands there more than once, where the runtime tells. */
  repeats(name: string): boolean
  /** By its name in lower case; several values are joined with a comma, as RFC 9110 §5.3 has it. */
  header(name: string): string | undefined
  /** The address of the socket's other end; undefined where the runtime does not say. */
  readonly remote: string | undefined
}

/** Where the answer to one request goes: one JSON body, or a stream of events that ends with the answer. */
export interface ReplySink {
  /** Whether a stream of events was opened. */
  readonly streaming: boolean
  /** Sends the only answer. */
  reply(reply: Reply): void
  /**
   * Writes to the stream, opening it with `headers` at the first time. A promise while the reader is behind: it
   * resolves when the reader has caught up or is gone.
   */
  event(text: string, headers: Readonly<Record<string, string>>): void | Promise<void>
  /** Ends the stream after the events that were sent. */
  end(): void
  /** Calls `listener` once if the client goes away before the answer is complete. */
  onDisconnect(listener: () => void): void
  /** Calls `listener` once when the answer is complete or nobody waits for it any more. */
  onOver(listener: () => void): void
}

/** `headers` with the JSON type; kept with them, because the same few come with nearly every reply. */
export function jsonHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  let merged = withJsonType.get(headers)
  if (merged === undefined) {
    merged = { ...jsonType, ...headers }
    withJsonType.set(headers, merged)
  }
  return merged
}

const withJsonType = new WeakMap<object, Readonly<Record<string, string>>>()

const jsonType: Readonly<Record<string, string>> = { 'content-type': 'application/json' }

/** 2026-07-28, streamable-http: proxies must not hold events back. */
export const eventStreamHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
}

/** One message as a server-sent event. JSON text holds no raw newline, so one `data` line is enough. */
export function eventText(message: string, id?: string): string {
  return id === undefined
    ? `event: message\ndata: ${message}\n\n`
    : `id: ${id}\nevent: message\ndata: ${message}\n\n`
}

/** The message that `eventText` made an event of. */
export function messageOf(text: string): string {
  return text.slice(text.indexOf('data: ') + 'data: '.length, -2)
}

/** An event that carries an id and no message, so that a client can come back from here (2025-11-25, transports). */
export function primingText(id: string, retryMs: number): string {
  return `id: ${id}\nretry: ${retryMs}\ndata: \n\n`
}

/** How long a client should wait before it comes back. */
export function retryText(retryMs: number): string {
  return `retry: ${retryMs}\n\n`
}

/** What clients skip and proxies count as traffic. */
export const commentText = ': keep-alive\n\n'
