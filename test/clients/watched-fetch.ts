import { Inbox } from './inbox.js'

/** One HTTP request of a client, as soon as the head of its answer was there. */
export interface WatchedRequest {
  readonly method: string
  readonly status: number
  /** From where a stream was taken up again. */
  readonly lastEventId: string | undefined
  readonly sessionId: string | undefined
  /** The methods of the JSON-RPC messages that it carried. */
  readonly messages: readonly string[]
}

export interface WatchedFetch {
  readonly requests: Inbox<WatchedRequest>
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
}

/** A `fetch` for the clients' transports that keeps what went through it. It changes nothing. */
export function watchedFetch(): WatchedFetch {
  const requests = new Inbox<WatchedRequest>()
  return {
    requests,
    async fetch(url, init) {
      const headers = new Headers(init?.headers)
      const response = await fetch(url, init)
      requests.put({
        method: init?.method ?? 'GET',
        status: response.status,
        lastEventId: headers.get('last-event-id') ?? undefined,
        sessionId: headers.get('mcp-session-id') ?? undefined,
        messages: methodsOf(init?.body),
      })
      return response
    },
  }
}

function methodsOf(body: unknown): readonly string[] {
  if (typeof body !== 'string') return []
  const parsed: unknown = JSON.parse(body)
  const messages = (Array.isArray(parsed) ? parsed : [parsed]) as { method?: string }[]
  return messages.flatMap(({ method }) => (method === undefined ? [] : [method]))
}
