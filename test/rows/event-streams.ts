import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { Cell, Message } from 'holdfast/testing'
import { envelopeOf } from '../protocol/support.js'

/** One block of an event stream as it came: an event, or what clients skip. */
export interface StreamBlock {
  readonly id: string | undefined
  readonly retry: string | undefined
  /** Empty where the block has a field for it and nothing in it. */
  readonly data: string | undefined
  readonly isComment: boolean
}

/** A reply that is read while it comes. */
export interface Stream {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly blocks: readonly StreamBlock[]
  /** The messages among what came so far; those of a plain JSON reply once it is whole. */
  messages(): readonly Message[]
  /** Resolves when what came fits, now or later. Rejects when the stream is over and it does not. */
  until(fits: (stream: Stream) => boolean): Promise<void>
  /** Resolves when the server has ended it, or the client has left. */
  readonly over: Promise<void>
  leave(): void
}

/** Opens a stream, or gets another reply; resolves with its head. */
export function openStream(
  url: string,
  options: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body?: string
    readonly signal?: AbortSignal | undefined
  },
): Promise<Stream> {
  const { method, headers, body, signal } = options
  return new Promise((resolve, reject) => {
    const req = httpRequest(url, { method, headers, agent: false, ...(signal && { signal }) }, (res) => {
      const blocks: StreamBlock[] = []
      const watchers = new Set<() => void>()
      const isStream = res.headers['content-type'] === 'text/event-stream'
      let rest = ''
      let isOver = false
      const tell = (): void => {
        for (const look of [...watchers]) look()
      }
      const over = new Promise<void>((end) => {
        res.once('close', () => {
          isOver = true
          end()
          tell()
        })
      })
      const stream: Stream = {
        status: res.statusCode ?? 0,
        headers: res.headers,
        blocks,
        over,
        leave: () => req.destroy(),
        messages: () => {
          const texts = isStream ? blocks.map(({ data = '' }) => data) : isOver ? [rest] : []
          return texts.filter((text) => text !== '').map((text) => JSON.parse(text) as Message)
        },
        until: (fits) =>
          new Promise((found, missed) => {
            const look = (): void => {
              if (fits(stream)) found()
              else if (isOver) missed(new Error(`The stream ended with ${JSON.stringify(blocks)}.`))
              else return
              watchers.delete(look)
            }
            watchers.add(look)
            look()
          }),
      }
      res.setEncoding('utf8')
      res.on('error', () => undefined)
      res.on('data', (chunk: string) => {
        const parts = isStream ? (rest + chunk).split('\n\n') : [rest + chunk]
        rest = parts.pop() ?? ''
        blocks.push(...parts.map(readBlock))
        tell()
      })
      resolve(stream)
    })
    req.once('error', reject)
    req.end(body)
  })
}

function readBlock(text: string): StreamBlock {
  const lines = text.split('\n')
  const fieldOf = (name: string): string | undefined =>
    lines
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim()
  return {
    id: fieldOf('id'),
    retry: fieldOf('retry'),
    data: fieldOf('data'),
    isComment: lines.every((line) => line.startsWith(':')),
  }
}

/** A client by hand, whose every reply can be looked at by itself. */
export interface RawClient {
  /** Posts one request; a string or number is its id. */
  post(
    id: string | number,
    method: string,
    params?: Message,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Stream>
  /** Posts any message. */
  send(message: object): Promise<Stream>
  /** Opens a stream by GET, from after an event where one is given. */
  get(lastEventId?: string): Promise<Stream>
  end(): Promise<Stream>
}

const usual = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

/** Opens a conversation under the cell's revision: a session, or nothing where there are none. */
export async function rawClient(cell: Cell, url: string, capabilities: object = {}): Promise<RawClient> {
  const { revision, stateless } = cell
  const clientInfo = { name: 'raw', version: '0' }
  const within: Record<string, string> = {}
  const send = (
    message: object,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<Stream> =>
    openStream(url, {
      method: 'POST',
      headers: { ...usual, ...within, ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      signal,
    })
  if (stateless) {
    within['mcp-protocol-version'] = revision
  } else {
    const params = { protocolVersion: revision, capabilities, clientInfo }
    const opened = await send({ id: 'open', method: 'initialize', params })
    within['mcp-session-id'] = String(opened.headers['mcp-session-id'])
    if (revision >= '2025-06-18') within['mcp-protocol-version'] = revision
    await send({ method: 'notifications/initialized' })
  }
  const declared = { 'io.modelcontextprotocol/clientCapabilities': capabilities }
  return {
    send: (message) => send(message),
    post(id, method, params = {}, headers = {}, signal) {
      const envelope = envelopeOf(revision)['_meta'] as Message | undefined
      const _meta = { ...envelope, ...(stateless && declared), ...(params['_meta'] as Message | undefined) }
      const { name, uri, taskId } = params
      const named = name ?? uri ?? taskId
      const routing = {
        'mcp-method': method,
        ...(typeof named === 'string' && { 'mcp-name': named }),
      }
      return send(
        { id, method, params: { ...params, _meta } },
        { ...(stateless && routing), ...headers },
        signal,
      )
    },
    get: (lastEventId) =>
      openStream(url, {
        method: 'GET',
        headers: {
          ...within,
          accept: 'text/event-stream',
          ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
        },
      }),
    end: () => openStream(url, { method: 'DELETE', headers: within }),
  }
}

/** The ids of a stream's events, in order. */
export function eventIds({ blocks }: Stream): readonly string[] {
  return blocks.flatMap(({ id }) => (id === undefined ? [] : [id]))
}
