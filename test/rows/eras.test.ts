import { createServer } from 'holdfast'
import { cells, connect, type Message, revisions } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { oneTool } from '../protocol/http-support.js'
import { open, refused, textOf } from '../protocol/support.js'
import { fullServer, objectsIn, visitAll } from './full-server.js'

const newest = '2026-07-28'
const handshake = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
const prefix = 'io.modelcontextprotocol/'
/** What tells a client of both eras that it need not fall back to the handshake. */
const modernCodes = [-32020, -32021, -32022]

/** Specification 2025-11-25, basic/index, "_meta": a dotted prefix that may be left out, and a name. */
const metaKey =
  /^(?:(?:[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\/)?(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?$/
const extensionId =
  /^(?:[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\/[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/

const both = { transports: ['stdio', 'http'] } as const

describe.each(cells(both))('$name', (cell) => {
  const { revision, transport, stateless } = cell

  it('server/discover tells which era a server speaks that has this revision alone (ERA-01, ERA-02)', async () => {
    const server = oneTool({ revisions: [revision] })
    const probe = await connect(server, { transport, revision: newest })
    onTestFinished(() => probe.close())
    if (stateless) {
      expect(await probe.request('server/discover')).toMatchObject({ supportedVersions: [revision] })
    } else {
      const refusal = await refused(probe.request('server/discover'))
      expect(modernCodes).not.toContain(refusal.code)
      if (transport === 'http') expect(refusal.httpStatus).toBe(400)
    }
    const client = await open(cell, server)
    expect((await client.listTools()).tools).toHaveLength(1)
  })

  it('shows what every other way of opening shows (ERA-03)', async () => {
    const server = fullServer()
    const here = await open(cell, server)
    const names = async (client: typeof here): Promise<unknown> => {
      const lists = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']
      const members = ['tools', 'resources', 'resourceTemplates', 'prompts']
      const listed = await Promise.all(lists.map((method) => client.request(method)))
      return listed.map((list, at) => (list[members[at] ?? ''] as Message[]).map(({ name }) => name))
    }
    const own = await names(here)
    for (const other of revisions) {
      const client = await connect(server, { transport, revision: other })
      onTestFinished(() => client.close())
      expect([other, await names(client)]).toEqual([other, own])
    }
  })

  it('names metadata as the specification asks, and borrows no reserved name (VER-16)', async () => {
    const client = await open(cell, fullServer())
    await visitAll(client)
    const metas = objectsIn(client.received).flatMap(({ _meta }) => (_meta === undefined ? [] : [_meta]))
    const keys = new Set(metas.flatMap((meta) => Object.keys(meta as object)))
    // Ours and the author's were there to be looked at.
    expect([...keys]).toEqual(expect.arrayContaining(['com.example/c', 'dev.holdfast/error']))
    const reserved = ['serverInfo', 'subscriptionId', 'related-task'].map((name) => prefix + name)
    for (const key of keys) {
      expect(key).toMatch(metaKey)
      const [, second] = key.slice(0, Math.max(0, key.indexOf('/'))).split('.')
      const isReserved = second === 'mcp' || second === 'modelcontextprotocol'
      if (isReserved || !key.includes('/')) expect(reserved).toContain(key)
    }
  })
})

describe.each(cells({ ...both, revisions: handshake }))('$name', (cell) => {
  it('asks a client that declared nothing for nothing, and tells only what it declared (VER-18)', async () => {
    const client = await open(cell, fullServer(), { capabilities: {} })
    const needy = await client.callTool('asks')
    expect([needy.isError, textOf(needy)]).toEqual([true, expect.stringContaining('sampling')])
    await visitAll(client)
    const messages = client.received as Message[]
    expect(messages.filter((message) => 'method' in message && 'id' in message)).toEqual([])
    const declared = client.initialized?.['capabilities'] as Readonly<Record<string, unknown>>
    for (const { method } of client.notifications) {
      if (method === 'notifications/message') expect(declared).toHaveProperty('logging')
      if (method.endsWith('/list_changed')) {
        expect(declared).toHaveProperty(`${method.split('/')[1]}.listChanged`, true)
      }
    }
  })
})

describe.each(cells({ ...both, revisions: ['2025-06-18', '2025-11-25'] }))('$name', (cell) => {
  it('speaks as the negotiated revision does, whatever the server and the client could do more (CAP-07)', async () => {
    const server = oneTool({
      extensions: { 'com.example/things': {} },
      icons: [{ src: 'https://example.com/i' }],
    })
    server.tool('can', { description: 'Says what the client can.' }, (_args, ctx) =>
      String([ctx.supports('sampling.tools'), ctx.supports('elicitation.url')]),
    )
    const client = await open(cell, server, {
      capabilities: { sampling: { tools: {} }, elicitation: { form: {}, url: {} } },
    })
    const isOlder = cell.revision === '2025-06-18'
    expect(textOf(await client.callTool('can'))).toBe(isOlder ? 'false,false' : 'true,true')
    const { capabilities, serverInfo } = client.initialized ?? {}
    expect(capabilities).not.toHaveProperty('extensions')
    if (isOlder) expect(capabilities).not.toHaveProperty('tasks')
    expect(Object.hasOwn(serverInfo as object, 'icons')).toBe(!isOlder)
    const [result, { tools }] = [await client.callTool('one'), await client.listTools()]
    expect(Object.keys(result)).toEqual(['content'])
    if (isOlder) for (const tool of tools) expect(tool).not.toHaveProperty('execution')
    const refusal = await refused(client.request('server/discover'))
    expect(refusal.code).toBe(-32601)
  })
})

describe.each(cells({ ...both, revisions: [newest] }))('$name', (cell) => {
  const { transport } = cell
  const claiming = (version: string) => ({
    meta: { [`${prefix}protocolVersion`]: version },
    headers: { 'mcp-protocol-version': version },
  })

  it('every result says its type and who the server is (VER-02, VER-14)', async () => {
    const client = await open(cell, fullServer())
    const visits = await visitAll(client)
    const results = visits.flatMap(({ method, result }) => (result === undefined ? [] : [{ method, result }]))
    expect(new Set(results.map(({ method }) => method)).size).toBe(9)
    for (const { method, result } of results) {
      expect([method, result]).toEqual([
        method,
        expect.objectContaining({
          resultType: 'complete',
          _meta: expect.objectContaining({
            [`${prefix}serverInfo`]: expect.objectContaining({
              name: 'test-server',
              version: '1.2.3',
            }) as object,
          }) as object,
        }),
      ])
    }
  })

  it('refuses a version that it does not serve this way, and names those that it does (VER-03..05)', async () => {
    const client = await open(cell, oneTool())
    for (const version of ['1999-01-01', '2999-01-01', 'doctor', ...handshake]) {
      const refusal = await refused(client.request('tools/list', {}, claiming(version)))
      expect([version, refusal.code, refusal.data]).toEqual([
        version,
        -32022,
        { supported: expect.arrayContaining([newest]) as unknown, requested: version },
      ])
      if (transport === 'http') expect(refusal.httpStatus).toBe(400)
    }
  })

  it('serves every version that server/discover lists (VER-06)', async () => {
    const client = await open(cell, oneTool())
    const { supportedVersions } = await client.request<{ supportedVersions: string[] }>('server/discover')
    expect(supportedVersions).not.toEqual([])
    for (const version of supportedVersions) {
      expect(await client.request('tools/list', {}, claiming(version))).toHaveProperty('tools')
    }
  })

  it('declares extensions by ids with a prefix, each with an object (VER-17)', async () => {
    const things = { 'com.example/things': { size: 1 }, 'org.example.more/other-things': {} }
    const client = await open(cell, oneTool({ extensions: things }))
    const { capabilities } = await client.request<{ capabilities: { extensions: object } }>('server/discover')
    expect(capabilities.extensions).toMatchObject(things)
    for (const [id, settings] of Object.entries(capabilities.extensions)) {
      expect(id).toMatch(extensionId)
      expect(settings).toBeTypeOf('object')
    }
    for (const id of [
      'things',
      '/things',
      'com.example/',
      '-bad/things',
      'com..example/things',
      'a b/things',
    ]) {
      const make = (): unknown => createServer({ name: 'x', version: '1', extensions: { [id]: {} } })
      expect(make, id).toThrow(id)
    }
  })
})
