import { createServer, type Server } from 'holdfast'
import { type Served, serve } from 'holdfast/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectDesk, type DeskPlaces, handshakeRevisions } from './desk-cells.js'
import type { DeskClient } from './desk-client.js'
import { ownStateHome } from './state-home.js'

let removeState: () => Promise<void>
beforeAll(async () => {
  removeState = await ownStateHome()
})
afterAll(() => removeState())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

/** A small server that serves these revisions only, or all five. */
async function narrowed(revisions?: readonly string[]): Promise<DeskPlaces> {
  const server: Server = createServer({
    name: 'narrow',
    version: '1.0.0',
    ...(revisions === undefined ? {} : { revisions }),
  })
  server.tool('greet', { description: 'Greets.', annotations: { readOnlyHint: true } }, () => 'hello')
  const served: Served = await serve(server, { transport: 'http', port: 0 })
  open.push(served)
  return { url: served.url, server, args: [] }
}

async function greeting(connecting: Promise<DeskClient>): Promise<[string | undefined, string]> {
  const client = await connecting
  open.push(client)
  return [client.version, (await client.call('greet')).text]
}

describe.each(['http', 'memory'] as const)('over %s', (transport) => {
  it.each(handshakeRevisions)('clients that ask for more settle on %s, the only one served', async (only) => {
    const places = await narrowed([only])
    expect(await greeting(connectDesk('v1', transport, places))).toEqual([only, 'hello'])
    // It tries server/discover first, and takes the answer for what it is.
    expect(await greeting(connectDesk('v2', transport, places))).toEqual([only, 'hello'])
    await expect(connectDesk('v2', transport, places, '2026-07-28')).rejects.toThrow(/2026-07-28/)
  })

  it('clients left to themselves settle on their newest', async () => {
    const places = await narrowed()
    expect(await greeting(connectDesk('v1', transport, places))).toEqual(['2025-11-25', 'hello'])
    expect(await greeting(connectDesk('v2', transport, places))).toEqual(['2026-07-28', 'hello'])
  })

  it('a client too old for the server is told what is served', async () => {
    const places = await narrowed(['2026-07-28'])
    await expect(connectDesk('v1', transport, places)).rejects.toThrow('2026-07-28')
    expect(await greeting(connectDesk('v2', transport, places))).toEqual(['2026-07-28', 'hello'])
  })

  it('a client that offers what is not served gets the newest that is, and decides', async () => {
    const places = await narrowed(['2024-11-05', '2025-06-18'])
    expect(await greeting(connectDesk('v1', transport, places, '2025-03-26'))).toEqual([
      '2025-06-18',
      'hello',
    ])
    await expect(connectDesk('v2', transport, places, '2025-03-26')).rejects.toThrow('2025-06-18')
  })
})
