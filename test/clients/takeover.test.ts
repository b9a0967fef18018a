import { randomUUID } from 'node:crypto'
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import type { TransportV1 } from './desk-client.js'
import { featuresForFile } from './served-features.js'
import { type WatchedFetch, watchedFetch } from './watched-fetch.js'

const clientInfo = { name: 'takeover-test', version: '1.0.0' }

/** Where a call stands that another client may take over. */
interface Place {
  readonly sessionId: string
  readonly resumptionToken: string
}

interface Caller {
  readonly http: WatchedFetch
  readonly sessionId: string | undefined
  /** Calls a tool, or takes its call over; `onToken` is told each place from which that can be done. */
  call(
    name: string,
    args: Record<string, unknown>,
    options?: { resumptionToken?: string; onresumptiontoken?: (token: string) => void },
  ): Promise<unknown>
  /** Goes away without a word. */
  close(): Promise<void>
}

async function callerV1(url: string, sessionId?: string): Promise<Caller> {
  const http = watchedFetch()
  const transport = new HttpV1(new URL(url), { fetch: http.fetch, ...(sessionId && { sessionId }) })
  const client = new ClientV1(clientInfo)
  await client.connect(transport as TransportV1)
  return {
    http,
    sessionId: transport.sessionId,
    call: async (name, args, options = {}) => {
      const request = { method: 'tools/call', params: { name, arguments: args } } as const
      const onprogress = (): void => undefined
      return (await client.request(request, CallToolResultSchema, { onprogress, ...options })).content
    },
    close: () => transport.close(),
  }
}

async function callerV2(url: string, sessionId?: string): Promise<Caller> {
  const http = watchedFetch()
  const transport = new HttpV2(new URL(url), { fetch: http.fetch, ...(sessionId && { sessionId }) })
  const client = new ClientV2(clientInfo)
  await client.connect(transport)
  return {
    http,
    sessionId: transport.sessionId,
    call: async (name, args, options = {}) => {
      const onprogress = (): void => undefined
      return (await client.callTool({ name, arguments: args }, { onprogress, ...options })).content
    },
    close: () => transport.close(),
  }
}

const served = featuresForFile()

/** Begins a call as one client, which then goes away without a word. */
async function abandoned(connect: typeof callerV1, name: string): Promise<Place> {
  const first = await connect(served().url)
  const resumptionToken = await new Promise<string>((resolve) => {
    first.call('half-way', { name }, { onresumptiontoken: resolve }).catch(() => undefined)
  })
  await first.close()
  return { sessionId: first.sessionId ?? '', resumptionToken }
}

describe.each([
  ['v1', callerV1],
  ['v2 legacy', callerV2],
] as const)('%s, http, 2025-11-25', (_which, connect) => {
  const whole = [{ type: 'text', text: 'all of it' }]

  it('takes over what another client of the session began, without opening or asking again', async () => {
    const name = randomUUID()
    const { sessionId, resumptionToken } = await abandoned(connect, name)
    const second = await connect(served().url, sessionId)
    const answer = second.call('half-way', { name }, { resumptionToken })
    await second.http.requests.until(({ lastEventId, status }) => lastEventId !== undefined && status === 200)
    // Both clients of the session count their requests from 0, so what runs is let go by somebody else.
    const helper = await connect(served().url)
    await helper.call('happen', { name })
    expect(await answer).toEqual(whole)
    expect(await helper.call('times', { name: `${name} began` })).toEqual([{ type: 'text', text: '1' }])
    await helper.close()
    const messages = second.http.requests.items.flatMap((request) => request.messages)
    expect(messages).not.toContain('initialize')
    expect(second.sessionId).toBe(sessionId)
    await second.close()
  })

  it('takes over what is over already', async () => {
    const name = randomUUID()
    const { sessionId, resumptionToken } = await abandoned(connect, name)
    const second = await connect(served().url, sessionId)
    await second.call('happen', { name })
    expect(await second.call('half-way', { name }, { resumptionToken })).toEqual(whole)
    // And once more, as long as it is kept.
    expect(await second.call('half-way', { name }, { resumptionToken })).toEqual(whole)
    await second.close()
  })

  it('takes over nothing in another session', async () => {
    const name = randomUUID()
    const { resumptionToken } = await abandoned(connect, name)
    const stranger = await connect(served().url)
    const from = stranger.http.requests.items.length
    // Neither client gives up on such a call, so it is left waiting.
    stranger.call('half-way', { name }, { resumptionToken }).catch(() => undefined)
    const tried = await stranger.http.requests.until(({ lastEventId }) => lastEventId !== undefined, from)
    expect(tried.status).toBe(400)
    await stranger.call('happen', { name })
    await stranger.close()
  })
})
