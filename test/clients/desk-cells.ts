import { fileURLToPath } from 'node:url'
import { StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Server } from 'holdfast'
import { createMemoryTransport } from 'holdfast/memory'
import { connectV1, connectV2, type DeskClient, type TransportV1, type TransportV2 } from './desk-client.js'

/** The built program: `npm test` builds before it tests. */
export const program: string = fileURLToPath(
  new URL('../../examples/data-desk/dist/main.js', import.meta.url),
)

export const handshakeRevisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

export type ClientName = 'v1' | 'v2'
export type TransportName = 'stdio' | 'http' | 'memory'

/** Where the cells find data-desk. */
export interface DeskPlaces {
  /** The served endpoint. */
  readonly url: string
  /** The server in this process. */
  readonly server: Pick<Server, 'connect'>
  /** Arguments of the built program beside `--stdio`. */
  readonly args: readonly string[]
}

export interface DeskCell {
  readonly name: string
  readonly client: ClientName
  readonly transport: TransportName
  readonly revision: string
  connect(places: DeskPlaces): Promise<DeskClient>
}

function stdioParameters({ args }: DeskPlaces): { command: string; args: string[]; stderr: 'ignore' } {
  return { command: process.execPath, args: [program, '--stdio', ...args], stderr: 'ignore' }
}

function transportV1(transport: TransportName, places: DeskPlaces): TransportV1 {
  if (transport === 'stdio') return new StdioV1(stdioParameters(places))
  if (transport === 'memory') return createMemoryTransport(places.server)
  // Its own class misses its own interface under exactOptionalPropertyTypes: sessionId may be undefined.
  return new HttpV1(new URL(places.url)) as TransportV1
}

function transportV2(transport: TransportName, places: DeskPlaces): TransportV2 {
  if (transport === 'stdio') return new StdioV2(stdioParameters(places))
  if (transport === 'memory') return createMemoryTransport(places.server)
  return new HttpV2(new URL(places.url))
}

/** Connects one official client to data-desk; without a revision it settles on what it likes best. */
export function connectDesk(
  client: ClientName,
  transport: TransportName,
  places: DeskPlaces,
  revision?: string,
): Promise<DeskClient> {
  return client === 'v1'
    ? connectV1(transportV1(transport, places), revision)
    : connectV2(transportV2(transport, places), revision)
}

const speaks: Readonly<Record<ClientName, readonly string[]>> = {
  v1: handshakeRevisions,
  v2: [...handshakeRevisions, '2026-07-28'],
}

/** Every client over every transport in every revision it can speak. */
export const deskCells: readonly DeskCell[] = (['v1', 'v2'] as const).flatMap((client) =>
  (['stdio', 'http', 'memory'] as const).flatMap((transport) =>
    speaks[client].map((revision) => ({
      name: `${client}, ${transport}, ${revision}`,
      client,
      transport,
      revision,
      connect: (places: DeskPlaces) => connectDesk(client, transport, places, revision),
    })),
  ),
)
