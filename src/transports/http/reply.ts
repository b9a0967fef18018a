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
  /** By its name in lower case; several values are joined with a comma, as RFC 9110 §5.3 has it. */
  header(name: string): string | undefined
  /** The address of the socket's other end; undefined where the runtime does not say. */
  readonly remote: string | undefined
}

/** Where the answer to one POST goes: one JSON body, or a stream of events that ends with the answer. */
export interface ReplySink {
  /** Whether a stream of events was opened. */
  readonly streaming: boolean
  /** Sends the only answer. */
  reply(reply: Reply): void
  /** Sends one event, opening the stream with `headers` at the first. */
  event(text: string, headers: Readonly<Record<string, string>>): void
  /** Ends the stream after the events that were sent. */
  end(): void
  /** Calls `listener` once if the client goes away before the answer is complete. */
  onDisconnect(listener: () => void): void
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
export function eventText(message: string): string {
  return `event: message\ndata: ${message}\n\n`
}
