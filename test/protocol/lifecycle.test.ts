import { createServer, type Server } from 'holdfast'
import { cells, connect } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { envelopeOf, open, refused, testServer, textOf } from './support.js'

const version = '2026-07-28'
const prefix = 'io.modelcontextprotocol/'

function oneTool(options: Parameters<typeof testServer>[0] = {}) {
  const { server } = testServer(options)
  server.tool('one', { description: 'One.' }, () => '1')
  return server
}

const described = {
  title: 'Test Server',
  description: 'For tests.',
  websiteUrl: 'https://example.com',
  icons: [{ src: 'https://example.com/icon.png', mimeType: 'image/png' }],
  instructions: 'Ask for one.',
  extensions: { 'com.example/things': { size: 1 } },
}

describe.each(cells())('$name', (cell) => {
  const { revision, transport, stateless } = cell
  const http = transport === 'http'

  it('says who it is with the fields that the revision has (ERA-05, VER-01, VER-02, VER-17)', async () => {
    const client = await open(cell, oneTool(described))
    const known = {
      name: 'test-server',
      version: '1.2.3',
      ...(revision >= '2025-06-18' && { title: described.title }),
      ...(revision >= '2025-11-25' && {
        description: described.description,
        websiteUrl: described.websiteUrl,
        icons: described.icons,
      }),
    }
    if (!stateless) {
      expect(client.initialized).toEqual({
        protocolVersion: revision,
        capabilities: { tools: { listChanged: true }, logging: {} },
        serverInfo: known,
        instructions: 'Ask for one.',
      })
      return
    }
    expect(await client.request('server/discover')).toEqual({
      resultType: 'complete',
      supportedVersions: [version],
      capabilities: { tools: { listChanged: true }, logging: {}, extensions: described.extensions },
      instructions: 'Ask for one.',
      ttlMs: expect.any(Number) as number,
      cacheScope: 'public',
      _meta: { [`${prefix}serverInfo`]: known },
    })
    for (const result of [await client.listTools(), await client.callTool('one')]) {
      expect(result).toMatchObject({ resultType: 'complete', _meta: { [`${prefix}serverInfo`]: known } })
    }
  })

  it('offers only the methods of its revision (VER-12, RPC-05)', async () => {
    const client = await open(cell, oneTool())
    const gone = stateless
      ? [
          'initialize',
          'ping',
          'logging/setLevel',
          'resources/subscribe',
          'resources/unsubscribe',
          'tasks/list',
          'tasks/result',
        ]
      : ['server/discover', 'subscriptions/listen']
    for (const method of gone) {
      const refusal = await refused(client.request(method, { protocolVersion: revision }))
      expect([method, refusal.code]).toEqual([method, -32601])
      if (http) expect(refusal.httpStatus).toBe(stateless ? 404 : 200)
    }
    if (!stateless) expect(await client.request('ping')).toEqual({})
  })

  it('knows what the client can do, as the revision and the client say (VER-13)', async () => {
    const { server } = testServer()
    server.tool('can', { description: 'Says what the client can.' }, (_args, ctx) =>
      JSON.stringify([
        ctx.supports('elicitation'),
        ctx.supports('elicitation.url'),
        ctx.supports('sampling'),
        ctx.supports('sampling.tools'),
        ctx.supports('roots'),
        ctx.client.info?.name,
        ctx.revision,
        ctx.transport,
      ]),
    )
    const capabilities = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }
    const able = await open(cell, server, { capabilities, clientInfo: { name: 'me', version: '1' } })
    const old = revision < '2025-06-18'
    const newer = revision >= '2025-11-25'
    expect(JSON.parse(textOf(await able.callTool('can')))).toEqual([
      !old,
      newer,
      true,
      newer,
      true,
      'me',
      revision,
      transport,
    ])
    const bare = await open(cell, server, { clientInfo: { name: 'you', version: '1' } })
    const nothing = [false, false, false, false, false, 'you', revision, transport]
    expect(JSON.parse(textOf(await bare.callTool('can')))).toEqual(nothing)
    // What one request declared is not remembered for the next.
    if (stateless) {
      const meta = {
        [`${prefix}clientCapabilities`]: {},
        [`${prefix}clientInfo`]: { name: 'you', version: '1' },
      }
      expect(JSON.parse(textOf(await able.callTool('can', {}, { meta })))).toEqual(nothing)
    }
  })
})

describe.each(cells({ revisions: ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] }))(
  'the handshake ($name)',
  (cell) => {
    const { transport, revision } = cell

    it('refuses a second initialize and goes on with the first (HTL-28)', async () => {
      const client = await open(cell, oneTool())
      const again = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'x', version: '0' },
      }
      expect((await refused(client.request('initialize', again))).code).toBe(-32600)
      expect(await client.listTools()).toHaveProperty('tools')
    })

    it('refuses faulty params with -32602, and can then be done right', async () => {
      const client = await open(cell, oneTool(), { open: false })
      const right = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'x', version: '0' } }
      for (const wrong of [
        { protocolVersion: 7 },
        { protocolVersion: undefined },
        { capabilities: [] },
        { clientInfo: 'x' },
      ]) {
        expect((await refused(client.request('initialize', { ...right, ...wrong }))).code).toBe(-32602)
      }
      expect(await client.initialize()).toHaveProperty('protocolVersion', revision)
    })

    it('comes before everything but ping', async () => {
      const client = await open(cell, oneTool(), { open: false })
      const refusal = await refused(client.listTools())
      if (transport === 'http') expect(refusal.httpStatus).toBe(400)
      else expect(await client.request('ping')).toEqual({})
      expect([-32600, -32602]).toContain(refusal.code)
    })
  },
)

describe('one connection, two eras', () => {
  const envelope = (): object => envelopeOf(version)

  it.each(['memory', 'stdio'] as const)(
    'a probe by server/discover does not decide (STD-11 over %s, 2026-07-28)',
    async (transport) => {
      const client = await connect(oneTool(), { transport, revision: '2025-11-25', open: false })
      const discovered = await client.exchange(
        JSON.stringify({ jsonrpc: '2.0', id: 'd', method: 'server/discover', params: envelope() }),
      )
      expect(discovered.messages).toMatchObject([{ id: 'd', result: { supportedVersions: [version] } }])
      expect(await client.initialize()).toHaveProperty('protocolVersion', '2025-11-25')
      expect(await client.listTools()).not.toHaveProperty('resultType')
      await client.close()
    },
  )

  it.each(['memory', 'stdio'] as const)(
    'a stateless request does: initialize is then refused with the versions (STD-12 over %s, 2026-07-28)',
    async (transport) => {
      const client = await connect(oneTool(), { transport, revision: '2025-11-25', open: false })
      await client.exchange(
        JSON.stringify({ jsonrpc: '2.0', id: 'l', method: 'tools/list', params: envelope() }),
      )
      const refusal = await refused(client.initialize())
      expect(refusal).toMatchObject({ code: -32022, data: { supported: [version] } })
      await client.close()
    },
  )

  it('both eras show the same tools at the same time (ERA-03 over stdio, all; http, all)', async () => {
    const server = oneTool()
    const names: string[][] = []
    for (const { connect } of cells()) {
      const client = await connect(server)
      names.push((await client.listTools()).tools.map(({ name }) => name))
      await client.close()
    }
    expect(new Set(names.map(String))).toEqual(new Set(['one']))
  })
})

describe.each(cells({ revisions: [version] }))('the envelope ($name)', (cell) => {
  it('must be there and right: -32602, over HTTP with 400 (VER-07..09, VER-11)', async () => {
    const client = await open(cell, oneTool())
    const full = envelopeOf(version)['_meta'] as Record<string, unknown>
    const wrong: Record<string, unknown>[] = [
      { [`${prefix}protocolVersion`]: undefined },
      { [`${prefix}protocolVersion`]: 7 },
      { [`${prefix}clientCapabilities`]: undefined },
      { [`${prefix}clientCapabilities`]: [] },
      { [`${prefix}clientInfo`]: 7 },
      { [`${prefix}clientInfo`]: { name: 'x' } },
      { [`${prefix}logLevel`]: 'bogus' },
    ]
    const frames = wrong.map((change) => ({ _meta: { ...full, ...change } }))
    for (const params of [{}, { _meta: null }, { _meta: [] }, ...frames]) {
      const { messages, status } = await client.exchange(
        JSON.stringify({ jsonrpc: '2.0', id: 'e', method: 'tools/list', params }),
      )
      expect(messages).toMatchObject([{ id: 'e', error: { code: -32602 } }])
      if (cell.transport === 'http') expect(status).toBe(400)
    }
  })

  it('need not name the client and may hold keys that nobody knows (VER-10, VER-15)', async () => {
    const client = await open(cell, oneTool())
    const meta = { ...(envelopeOf(version)['_meta'] as object), 'com.example/x': { y: 1 } }
    const { messages } = await client.exchange(
      JSON.stringify({ jsonrpc: '2.0', id: 'e', method: 'tools/list', params: { _meta: meta } }),
    )
    expect(messages).toMatchObject([{ id: 'e', result: { tools: [{ name: 'one' }] } }])
  })
})

describe('a server that serves some revisions', () => {
  it.each(['memory', 'stdio', 'http'] as const)(
    'narrowed to one handshake revision offers only that (CAP-07 over %s, 2025-06-18)',
    async (transport) => {
      const server = oneTool({ revisions: ['2025-06-18'] })
      const client = await connect(server, { transport, revision: '2025-06-18', open: false })
      for (const asked of ['2025-11-25']) {
        expect((await client.initialize(asked))['protocolVersion']).toBe('2025-06-18')
      }
      await client.close()
      // The codes of the newest revision would tell a client that it need not fall back to the handshake.
      const modern = await connect(server, { transport, revision: version })
      const refusal = await refused(modern.listTools())
      expect([-32020, -32021, -32022]).not.toContain(refusal.code)
      await modern.close()
    },
  )

  it.each(['memory', 'stdio', 'http'] as const)(
    'stateless only, it answers initialize with the versions it has (ERA-04 over %s, 2026-07-28)',
    async (transport) => {
      const server = oneTool({ revisions: [version] })
      const client = await connect(server, { transport, revision: '2025-11-25', open: false })
      const refusal = await refused(client.initialize())
      expect(JSON.stringify([refusal.message, refusal.data])).toContain(version)
      if (transport === 'http') expect(refusal.httpStatus).toBe(400)
      await client.close()
      const modern = await connect(server, { transport, revision: version })
      expect(await modern.listTools()).toHaveProperty('tools')
      await modern.close()
    },
  )

  it('refuses revisions that do not exist, when it is made', () => {
    const make = (revisions: string[]) => (): Server =>
      createServer({ name: 'x', version: '1', revisions }) as Server
    expect(make(['2025-01-01'])).toThrow('"2025-01-01"')
    expect(make([])).toThrow('empty')
  })
})

describe.each(cells({ transports: ['memory', 'stdio'] }))('cancelling ($name)', (cell) => {
  it('ends a call without an answer, and ignores what is not in flight (CAN-01, CAN-02, CAN-04, STD-09)', async () => {
    const { server } = testServer()
    const reasons: string[] = []
    server.tool('stuck', { description: 'Never ends.' }, (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => reasons.push((ctx.signal.reason as Error).name))
      return new Promise(() => undefined)
    })
    const client = await open(cell, server)
    for (const requestId of [12345, 'x', null, {}])
      await client.notify('notifications/cancelled', { requestId })
    await client.post(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 'c',
        method: 'tools/call',
        params: { name: 'stuck', ...envelopeOf(cell.revision) },
      }),
    )
    await client.notify('notifications/cancelled', { requestId: 'c', reason: 'enough' })
    await client.notify('notifications/cancelled', { requestId: 'c' })
    await client.listTools()
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    expect(reasons).toEqual(['AbortError'])
    expect(client.received.filter((message) => (message as { id?: unknown }).id === 'c')).toEqual([])
  })
})
