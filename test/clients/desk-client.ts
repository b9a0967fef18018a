import { Client as ClientV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import type { Transport as TransportV1 } from '@modelcontextprotocol/sdk/shared/transport.js'

export type TransportV2 = Parameters<ClientV2['connect']>[0]
export type { TransportV1 }

/** What a tool call brought, whichever client read it. */
export interface Answer {
  /** All text blocks, one a line. */
  readonly text: string
  readonly isError: boolean
  /** Undefined where the revision has no structured content. */
  readonly structured: unknown
  readonly meta: Readonly<Record<string, unknown>>
}

/** What the two official clients have in common, so that one test body drives both. */
export interface DeskClient {
  readonly version: string | undefined
  readonly serverInfo: unknown
  readonly capabilities: unknown
  readonly instructions: string | undefined
  tools(): Promise<readonly Readonly<Record<string, unknown>>[]>
  call(name: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<Answer>
  templates(): Promise<readonly object[]>
  resources(): Promise<readonly object[]>
  read(uri: string): Promise<readonly object[]>
  prompts(): Promise<readonly object[]>
  prompt(name: string, args: Record<string, string>): Promise<readonly object[]>
  complete(ref: CompletionRef, argument: { name: string; value: string }): Promise<readonly string[]>
  ping(): Promise<unknown>
  close(): Promise<void>
}

export type CompletionRef = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }

interface Spoken {
  readonly content?: unknown
  readonly isError?: unknown
  readonly structuredContent?: unknown
  readonly _meta?: unknown
}

/** What came back, in the words of these tests. */
export function answerOf(result: Spoken): Answer {
  const blocks = Array.isArray(result.content) ? (result.content as { type: string; text?: string }[]) : []
  return {
    text: blocks.map(({ text }) => text ?? '').join('\n'),
    isError: result.isError === true,
    structured: result.structuredContent,
    meta: (result._meta ?? {}) as Record<string, unknown>,
  }
}

/** What the two classes share in name and shape, but not in type. */
function common(client: ClientV1 | ClientV2): Omit<DeskClient, 'version'> {
  return {
    serverInfo: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
    tools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, signal) => {
      const params = { name, arguments: args }
      const options = signal === undefined ? {} : { signal }
      return answerOf(
        client instanceof ClientV1
          ? await client.callTool(params, undefined, options)
          : await client.callTool(params, options),
      )
    },
    templates: async () => (await client.listResourceTemplates()).resourceTemplates,
    resources: async () => (await client.listResources()).resources,
    read: async (uri) => (await client.readResource({ uri })).contents,
    prompts: async () => (await client.listPrompts()).prompts,
    prompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages,
    complete: async (ref, argument) => (await client.complete({ ref, argument })).completion.values,
    ping: () => client.ping(),
    close: () => client.close(),
  }
}

const clientInfo = { name: 'desk-test', version: '1.0.0' }

/**
 * Has the v1 client ask for a revision. It always offers its newest; this puts an older one into its `initialize`,
 * which is what an older release of it sends. Returns what was settled on, once it is.
 */
export function offerV1(transport: TransportV1, offer?: string): () => string | undefined {
  let version: string | undefined
  const send = transport.send.bind(transport)
  transport.send = (message, options) =>
    'method' in message && message.method === 'initialize' && offer !== undefined
      ? send({ ...message, params: { ...message.params, protocolVersion: offer } }, options)
      : send(message, options)
  // The client tells its transport what was settled on, and nobody else.
  const told = transport.setProtocolVersion?.bind(transport)
  transport.setProtocolVersion = (settled) => {
    version = settled
    told?.(settled)
  }
  return () => version
}

/** The v1 client, as `offerV1` has it. */
export async function connectV1(transport: TransportV1, offer?: string): Promise<DeskClient> {
  const version = offerV1(transport, offer)
  const client = new ClientV1(clientInfo)
  await client.connect(transport)
  return { ...common(client), version: version() }
}

/** The v2 client, set to one revision: by what it offers in `initialize`, or pinned from 2026-07-28 on. */
export async function connectV2(transport: TransportV2, revision?: string): Promise<DeskClient> {
  const modern = revision !== undefined && revision >= '2026-07-28'
  const client = new ClientV2(
    clientInfo,
    revision === undefined
      ? { versionNegotiation: { mode: 'auto' } }
      : modern
        ? { versionNegotiation: { mode: { pin: revision } } }
        : { supportedProtocolVersions: [revision] },
  )
  await client.connect(transport)
  if (
    client.getProtocolEra() !==
    ((client.getNegotiatedProtocolVersion() ?? '') >= '2026-07-28' ? 'modern' : 'legacy')
  ) {
    throw new Error(
      `The client takes ${client.getNegotiatedProtocolVersion()} for ${client.getProtocolEra()}.`,
    )
  }
  return { ...common(client), version: client.getNegotiatedProtocolVersion() }
}
