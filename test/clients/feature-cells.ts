import { fileURLToPath } from 'node:url'
import { StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type ClientName, handshakeRevisions } from './desk-cells.js'
import type { TransportV1 } from './desk-client.js'
import {
  connectFeaturesV1,
  connectFeaturesV2,
  type FeatureClient,
  type FeatureClientOptions,
  type Negotiation,
} from './feature-client.js'
import { type WatchedFetch, watchedFetch } from './watched-fetch.js'

/** The fixture as a process of its own; it runs the built library. */
export const featuresProgram: string = fileURLToPath(
  new URL('../fixtures/features/main.mjs', import.meta.url),
)

/** How a client starts it for stdio. The clients pass on little of the environment, and so not where keys are kept. */
export function stdioFeatures(): {
  command: string
  args: string[]
  env: Record<string, string>
  stderr: 'ignore'
} {
  const env = { XDG_STATE_HOME: process.env['XDG_STATE_HOME'] ?? '' }
  return { command: process.execPath, args: [featuresProgram, '--stdio'], env, stderr: 'ignore' }
}

export const newest = '2026-07-28'

/** A client of one cell with what can be seen of its transport. */
export interface CellClient extends FeatureClient {
  /** Resolves once the server can tell it something beside its own requests. */
  listening(): Promise<void>
  /** HTTP only. */
  readonly http: WatchedFetch | undefined
  /** Stdio only: the process that serves it. */
  readonly pid: number | undefined
  /** HTTP only: the session's id, in the revisions that have sessions. */
  readonly sessionId: string | undefined
}

export interface FeatureCell {
  readonly name: string
  readonly client: ClientName
  readonly transport: 'stdio' | 'http'
  readonly revision: string
  /** Whether requests speak for themselves and the server cannot send any. */
  readonly modern: boolean
  /** `url` is where HTTP finds a server with `addFeatures`; stdio starts its own. */
  connect(url: string, options?: FeatureClientOptions): Promise<CellClient>
}

interface Variant {
  readonly label: string
  readonly client: ClientName
  readonly revision: string
  readonly negotiation: Negotiation
}

const legacy: Negotiation = { mode: 'legacy' }
const variants: readonly Variant[] = [
  ...handshakeRevisions.map(
    (revision): Variant => ({ label: 'v1', client: 'v1', revision, negotiation: legacy }),
  ),
  { label: 'v2 legacy', client: 'v2', revision: '2025-11-25', negotiation: legacy },
  { label: 'v2 auto', client: 'v2', revision: newest, negotiation: { mode: 'auto' } },
  { label: 'v2 pinned', client: 'v2', revision: newest, negotiation: { mode: { pin: newest } } },
]

/** For streams on which the server does not say when to come back. */
const comingBack = { maxReconnectionDelay: 1000, reconnectionDelayGrowFactor: 1.5, maxRetries: 10 }
const usual = { reconnectionOptions: { ...comingBack, initialReconnectionDelay: 200 } }
const hurried = {
  reconnectionOptions: { ...comingBack, initialReconnectionDelay: 20 },
  reconnectionScheduler,
}

function reconnectionScheduler(reconnect: () => void): () => void {
  const timer = setTimeout(reconnect, 20)
  return () => clearTimeout(timer)
}

async function connect(
  { client, revision, negotiation }: Variant,
  transport: 'stdio' | 'http',
  url: string,
  options: FeatureClientOptions,
): Promise<CellClient> {
  const modern = revision >= newest
  if (transport === 'stdio') {
    const pipe = client === 'v1' ? new StdioV1(stdioFeatures()) : new StdioV2(stdioFeatures())
    const connected = await (pipe instanceof StdioV1
      ? connectFeaturesV1(pipe, options, revision)
      : connectFeaturesV2(pipe, options, negotiation))
    const pid = pipe.pid ?? undefined
    return { ...connected, pid, http: undefined, sessionId: undefined, listening: async () => undefined }
  }
  const http = watchedFetch()
  const settings = { fetch: http.fetch, ...(options.hurries ? hurried : usual) }
  const socket = client === 'v1' ? new HttpV1(new URL(url), settings) : new HttpV2(new URL(url), settings)
  const connected = await (socket instanceof HttpV1
    ? // Its own class misses its own interface under exactOptionalPropertyTypes: sessionId may be undefined.
      connectFeaturesV1(socket as TransportV1, options, revision)
    : connectFeaturesV2(socket, options, negotiation))
  return {
    ...connected,
    pid: undefined,
    http,
    sessionId: socket.sessionId,
    async listening() {
      if (!modern) await http.requests.until(({ method, status }) => method === 'GET' && status === 200)
    },
  }
}

/** Every client over every transport, in every revision or era that it speaks. */
export const featureCells: readonly FeatureCell[] = variants.flatMap((variant) =>
  (['stdio', 'http'] as const).map((transport): FeatureCell => {
    const { label, client, revision } = variant
    return {
      name: `${label}, ${transport}, ${revision}`,
      client,
      transport,
      revision,
      modern: revision >= newest,
      connect: (url, options = {}) => connect(variant, transport, url, options),
    }
  }),
)
