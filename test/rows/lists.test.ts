import { cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { oneTool } from '../protocol/http-support.js'
import { byHeader, open, refused, testServer } from '../protocol/support.js'
import { fullServer, visitAll } from './full-server.js'

const newest = '2026-07-28'
const both = { transports: ['stdio', 'http'] } as const

const lists = [
  { method: 'tools/list', member: 'tools', key: 'name' },
  { method: 'resources/list', member: 'resources', key: 'uri' },
  { method: 'resources/templates/list', member: 'resourceTemplates', key: 'uriTemplate' },
  { method: 'prompts/list', member: 'prompts', key: 'name' },
]

/** Every list, whole. */
async function allLists(client: TestClient): Promise<unknown[]> {
  const listed: unknown[] = []
  for (const { method, member } of lists) listed.push((await client.request(method))[member])
  return listed
}

describe.each(cells(both))('$name', (cell) => {
  const capabilitiesOf = async (client: TestClient): Promise<Message> => {
    const said = cell.stateless ? await client.request('server/discover') : client.initialized
    return said?.['capabilities'] as Message
  }

  it('serves what each capability stands for, and no method without its capability (CAP-01, CAP-02)', async () => {
    const methods: [capability: string, method: string, params: Message][] = [
      ['tools', 'tools/list', {}],
      ['resources', 'resources/list', {}],
      ['resources', 'resources/templates/list', {}],
      ['prompts', 'prompts/list', {}],
      ...(cell.revision === '2024-11-05'
        ? []
        : ([
            [
              'completions',
              'completion/complete',
              { ref: { type: 'ref/resource', uri: 'app://rows/{id}' }, argument: { name: 'id', value: '' } },
            ],
          ] as [string, string, Message][])),
    ]
    const [full, toolsOnly] = [await open(cell, fullServer()), await open(cell, oneTool())]
    for (const client of [full, toolsOnly]) {
      const capabilities = await capabilitiesOf(client)
      for (const [capability, method, params] of methods) {
        if (Object.hasOwn(capabilities, capability)) {
          expect([method, await client.request(method, params)]).toEqual([method, expect.any(Object)])
        } else {
          expect([method, (await refused(client.request(method, params))).code]).toEqual([method, -32601])
        }
      }
    }
    expect(Object.keys(await capabilitiesOf(full))).toEqual(
      expect.arrayContaining(methods.map(([capability]) => capability)),
    )
  })

  it.each(lists)(
    '$method gives pages that end, each entry once, under a cursor of text (PAG-01, PAG-03, PAG-04)',
    async ({ method, member, key }) => {
      const { server } = testServer({ pageSize: 2 })
      for (const n of [1, 2, 3, 4, 5]) {
        server.tool(`t${n}`, { description: 'T.' }, () => 'x')
        server.resource(`r${n}`, { uri: `app://r/${n}`, description: 'R.' }, () => 'x')
        server.resource(`s${n}`, { uriTemplate: `app://s${n}/{id}`, description: 'S.' }, () => 'x')
        server.prompt(`p${n}`, { description: 'P.' }, () => 'x')
      }
      const client = await open(cell, server)
      const seen: unknown[] = []
      let cursor: unknown
      for (let page = 0; page < 1000; page += 1) {
        const params = cursor === undefined ? {} : { cursor }
        const [once, twice] = [await client.request(method, params), await client.request(method, params)]
        expect(twice[member]).toEqual(once[member])
        seen.push(...(once[member] as Message[]).map((entry) => entry[key]))
        if (!('nextCursor' in once)) break
        cursor = once['nextCursor']
        expect(cursor).toBeTypeOf('string')
      }
      expect([seen.length, new Set(seen).size]).toEqual([5, 5])
    },
  )
})

describe.each(cells({ ...both, revisions: [newest] }))('$name', (cell) => {
  it('lists the same for everybody, whatever was called before, three times in the same order (CAP-04, CAP-05)', async () => {
    const server = fullServer()
    const first = await open(cell, server)
    const before = await allLists(first)
    await visitAll(first)
    const second = await open(cell, server, {
      capabilities: { sampling: {} },
      clientInfo: { name: 'b', version: '2' },
    })
    for (const client of [first, second, first]) expect(await allLists(client)).toEqual(before)
  })

  it('says with six methods how long and for whom an answer may be kept (CAC-01..03)', async () => {
    const client = await open(cell, fullServer())
    const asked: [method: string, params: Message][] = [
      ['server/discover', {}],
      ...lists.map(({ method }): [string, Message] => [method, {}]),
      ['resources/read', { uri: 'app://config' }],
      ['resources/read', { uri: 'app://rows/1' }],
    ]
    for (const [method, params] of asked) {
      const { ttlMs, cacheScope } = await client.request(method, params)
      expect([method, Number.isSafeInteger(ttlMs) && Number(ttlMs) >= 0]).toEqual([method, true])
      expect(['public', 'private']).toContain(cacheScope)
    }
    for (const result of [
      await client.callTool('echo', { say: 'x' }),
      await client.getPrompt('greet', { who: 'x' }),
    ]) {
      expect(result).not.toHaveProperty('ttlMs')
      expect(result).not.toHaveProperty('cacheScope')
    }
  })

  it('lets what does not change by itself be kept for a while (CAC-07)', async () => {
    const { server } = testServer()
    server.tool('one', { description: 'One.' }, () => '1')
    server.resource('config', { uri: 'app://config', description: 'Settings.' }, () => 'x')
    server.resource('row', { uriTemplate: 'app://rows/{id}', description: 'A row.' }, () => 'x')
    server.prompt('greet', { description: 'Greets.' }, () => 'x')
    const client = await open(cell, server)
    for (const { method } of [{ method: 'server/discover' }, ...lists]) {
      expect([method, Number((await client.request(method))['ttlMs']) > 0]).toEqual([method, true])
    }
  })
})

describe.each(cells({ transports: ['http'], revisions: [newest] }))('$name', (cell) => {
  it('what one caller alone is shown may be kept by nobody else (CAC-06)', async () => {
    const { server } = testServer({ auth: byHeader })
    server.resource(
      'note',
      {
        uriTemplate: 'app://notes/{owner}',
        description: 'Notes.',
        list: ({ principal: { subject } }) => [{ uri: `app://notes/${subject}`, name: subject }],
      },
      ({ params }, ctx) => (params.owner === ctx.principal.subject ? `by ${params.owner}` : undefined),
    )
    const client = await open(cell, server)
    const listed: unknown[] = []
    for (const user of ['alice', 'bob']) {
      const as = { headers: { 'x-user': user } }
      const list = await client.request('resources/list', {}, as)
      expect(list).toMatchObject({ resources: [{ uri: `app://notes/${user}` }], cacheScope: 'private' })
      listed.push(list['resources'])
      expect(await client.readResource(`app://notes/${user}`, as)).toMatchObject({ cacheScope: 'private' })
    }
    expect(listed[0]).not.toEqual(listed[1])
  })
})
