import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  isStateless,
  type Listening,
  type Outgoing,
  type Revision,
  type TestServer,
  type Wire,
} from './wire.js'

export interface HttpWireOptions {
  readonly revision: Revision
  /** Sent with every request, such as `authorization`. */
  readonly headers: Readonly<Record<string, string>>
}

/** Which member of the params a proxy may route by (2026-07-28, streamable-http, "Standard Request Headers"). */
const nameOf: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** Streamable HTTP through a listener of its own on a free port of 127.0.0.1. */
export async function openHttp(server: TestServer, options: HttpWireOptions): Promise<Wire> {
  const listener = createServer((req, res) => server.handler(req, res))
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`
  const leaving = new AbortController()
  let session: string | undefined
  let lastEventId: string | undefined
  const sawEvent = (id: string): void => {
    lastEventId = id
  }

  function headersOf(text: string, outgoing: Outgoing): Headers {
    const headers = new Headers({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session !== undefined && { 'mcp-session-id': session }),
      ...routing(text, options.revision, session !== undefined),
      ...options.headers,
    })
    for (const [name, value] of Object.entries(outgoing.headers ?? {})) {
      if (value === undefined) headers.delete(name)
      else headers.set(name, value)
    }
    return headers
  }

  return {
    url,
    async send(text, outgoing, receive) {
      const { signal = leaving.signal } = outgoing
      const response = await fetch(url, {
        method: 'POST',
        headers: headersOf(text, outgoing),
        body: text,
        signal: AbortSignal.any([leaving.signal, signal]),
      })
      session = response.headers.get('mcp-session-id') ?? session
      if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
        await readEvents(response, receive, sawEvent)
      } else {
        const body = await response.text()
        if (body !== '') receive(body)
      }
      return { status: response.status, headers: response.headers }
    },
    get session() {
      return session
    },
    get lastEventId() {
      return lastEventId
    },
    async listen(receive, from): Promise<Listening> {
      const leave = new AbortController()
      const headers = new Headers({
        accept: 'text/event-stream',
        ...(session !== undefined && { 'mcp-session-id': session, 'mcp-protocol-version': options.revision }),
        ...(from !== undefined && { 'last-event-id': from }),
        ...options.headers,
      })
      const signal = AbortSignal.any([leaving.signal, leave.signal])
      const response = await fetch(url, { headers, signal })
      const ended = readEvents(response, receive, sawEvent).catch(() => undefined)
      return {
        status: response.status,
        ended,
        async close() {
          leave.abort(new Error('The test client left the stream.'))
          await ended
        },
      }
    },
    async close() {
      leaving.abort(new Error('The test client was closed.'))
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      listener.closeAllConnections()
      await closed
    },
  }
}

/** The headers that say again what the message says; none where it cannot be read. */
function routing(text: string, revision: Revision, inSession: boolean): Record<string, string> {
  const version = { 'mcp-protocol-version': revision }
  if (!isStateless(revision)) return inSession && revision >= '2025-06-18' ? version : {}
  const { method, params } = parse(text)
  if (typeof method !== 'string') return version
  const name = params?.[nameOf[method] ?? '']
  return {
    ...version,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': headerValue(name) }),
  }
}

function parse(text: string): { method?: unknown; params?: Record<string, unknown> } {
  try {
    return (JSON.parse(text) ?? {}) as { method?: unknown; params?: Record<string, unknown> }
  } catch {
    return {}
  }
}

/** What no header can carry travels as base64 between two marks (2026-07-28, "Value Encoding"). */
function headerValue(value: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.startsWith('=?')
  return plain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`
}

/** Hands over the data of each server-sent event as it comes. */
async function readEvents(
  response: Response,
  receive: (text: string) => void,
  sawEvent: (id: string) => void,
): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    const events = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const fields = event.split('\n')
      const valuesOf = (name: string): string[] =>
        fields.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim())
      for (const id of valuesOf('id')) sawEvent(id)
      const data = valuesOf('data').join('\n')
      if (data !== '') receive(data)
    }
  }
}
