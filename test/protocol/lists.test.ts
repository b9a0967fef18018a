import { cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer } from './support.js'

const keys = ['a secret of the tests, long enough to seal']

/** Seven of each kind, three on a page. */
function sevenOfEach(options: Parameters<typeof testServer>[0] = {}) {
  const { server } = testServer({ pageSize: 3, keys, ...options })
  for (let n = 1; n <= 7; n += 1) {
    server.tool(`tool-${n}`, { description: `Tool ${n}.` }, () => n)
    server.resource(`fixed-${n}`, { uri: `app://fixed/${n}`, description: `Resource ${n}.` }, () => 'x')
    server.resource(
      `template-${n}`,
      { uriTemplate: `app://template${n}/{name}`, description: `Template ${n}.` },
      () => 'x',
    )
    server.prompt(`prompt-${n}`, { description: `Prompt ${n}.` }, () => 'x')
  }
  return server
}

const kinds = [
  { method: 'tools/list', member: 'tools', names: (n: number) => `tool-${n}` },
  { method: 'resources/list', member: 'resources', names: (n: number) => `fixed-${n}` },
  { method: 'resources/templates/list', member: 'resourceTemplates', names: (n: number) => `template-${n}` },
  { method: 'prompts/list', member: 'prompts', names: (n: number) => `prompt-${n}` },
]

type Listed = Message & { readonly nextCursor?: string }

async function pages(client: TestClient, method: string): Promise<Listed[]> {
  const all: Listed[] = []
  let cursor: string | undefined
  do {
    const page = await client.request<Listed>(method, cursor === undefined ? {} : { cursor })
    all.push(page)
    cursor = page.nextCursor
  } while (cursor !== undefined && all.length < 100)
  return all
}

describe.each(cells())('$name', (cell) => {
  it.each(kinds)(
    '$method gives every entry once, in order, page by page (PAG-01, PAG-04, CAP-05)',
    async ({ method, member, names }) => {
      const client = await open(cell, sevenOfEach())
      const first = await pages(client, method)
      expect(first.map((page) => (page[member] as unknown[]).length)).toEqual([3, 3, 1])
      const listed = first.flatMap((page) => page[member] as { name: string }[])
      expect(listed.map(({ name }) => name)).toEqual([1, 2, 3, 4, 5, 6, 7].map(names))
      expect((await pages(client, method)).map((page) => page[member])).toEqual(
        first.map((page) => page[member]),
      )
    },
  )

  it.each(kinds)('$method refuses cursors that are not its own (PAG-02)', async ({ method }) => {
    const client = await open(cell, sevenOfEach())
    const other = method === 'tools/list' ? 'prompts/list' : 'tools/list'
    const [own] = await pages(client, method)
    const [foreign] = await pages(client, other)
    const cursor = own?.nextCursor ?? ''
    const tampered = `${cursor.slice(0, -2)}${cursor.endsWith('A') ? 'BB' : 'AA'}`
    for (const wrong of [
      'doctor-invalid',
      '',
      7,
      null,
      {},
      foreign?.nextCursor,
      tampered,
      cursor.slice(0, 10),
    ]) {
      expect((await refused(client.request(method, { cursor: wrong }))).code).toBe(-32602)
    }
  })

  it('a cursor holds for a second use and for another server with the same keys (PAG-03)', async () => {
    const [client, elsewhere] = [await open(cell, sevenOfEach()), await open(cell, sevenOfEach())]
    const { nextCursor } = await client.listTools()
    const [once, twice] = [await client.listTools(nextCursor), await client.listTools(nextCursor)]
    expect(once.tools).toEqual(twice.tools)
    expect((await elsewhere.listTools(nextCursor)).tools).toEqual(once.tools)
    const stranger = await open(cell, sevenOfEach({ keys: ['another secret, also long enough to seal'] }))
    expect((await refused(stranger.listTools(nextCursor))).code).toBe(-32602)
  })

  it('hints at how long a list may be kept, on every page, from 2026-07-28 on (CAC-01..04)', async () => {
    const client = await open(cell, sevenOfEach())
    for (const { method } of kinds) {
      for (const page of await pages(client, method)) {
        if (cell.stateless) {
          expect(page).toMatchObject({ ttlMs: expect.any(Number) as number, cacheScope: 'public' })
          expect(Number.isInteger(page['ttlMs']) && Number(page['ttlMs']) >= 0).toBe(true)
        } else {
          expect(page).not.toHaveProperty('ttlMs')
          expect(page).not.toHaveProperty('cacheScope')
        }
      }
    }
  })

  it('goes on after the same entry when the list changes between two pages', async () => {
    const { server } = testServer({ pageSize: 2 })
    const handles = ['a', 'b', 'c', 'd'].map((name) =>
      server.tool(name, { description: 'A tool.' }, () => name),
    )
    const client = await open(cell, server)
    const first = await client.listTools()
    handles[0]?.remove()
    expect((await client.listTools(first.nextCursor)).tools.map(({ name }) => name)).toEqual(['c', 'd'])
    handles[1]?.remove()
    const late = await client.listTools(first.nextCursor)
    for (const { name } of late.tools) expect(['c', 'd']).toContain(name)
  })

  it('includes what templates list for the caller, private and not kept', async () => {
    const { server } = testServer({ pageSize: 2 })
    server.resource('fixed', { uri: 'app://fixed', description: 'Fixed.' }, () => 'x')
    server.resource(
      'rows',
      {
        uriTemplate: 'app://rows/{id}',
        description: 'Rows.',
        mimeType: 'application/json',
        list: () => ['1', '2'].map((id) => ({ uri: `app://rows/${id}`, name: `row ${id}` })),
      },
      ({ params }) => params,
    )
    const client = await open(cell, server)
    const all = await pages(client, 'resources/list')
    expect(all.flatMap((page) => page['resources'] as { uri: string }[]).map(({ uri }) => uri)).toEqual([
      'app://fixed',
      'app://rows/1',
      'app://rows/2',
    ])
    if (cell.stateless)
      for (const page of all) expect(page).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
  })

  it('masks what a template throws while it lists', async () => {
    const { server, logged } = testServer()
    server.resource(
      'rows',
      {
        uriTemplate: 'app://rows/{id}',
        description: 'Rows.',
        list: () => {
          throw new Error('disk /var/private is gone')
        },
      },
      () => 'x',
    )
    const client = await open(cell, server)
    const refusal = await refused(client.request('resources/list'))
    expect(refusal.code).toBe(-32603)
    expect(JSON.stringify(client.received)).not.toContain('/var/private')
    expect(logged.some(({ level }) => level === 'error')).toBe(true)
  })
})
