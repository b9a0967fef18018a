import { contents } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer } from './support.js'

describe.each(cells())('$name', (cell) => {
  const { revision, stateless } = cell

  it('lists resources and templates with the fields that the revision has (RES-01, RES-13)', async () => {
    const { server } = testServer()
    const shared = {
      title: 'The config',
      description: 'How it is set.',
      mimeType: 'application/json',
      icons: [{ src: 'https://example.com/i.png' }],
      annotations: { audience: ['user'], priority: 0.5, lastModified: '2026-01-01T00:00:00Z' },
      meta: { 'com.example/x': 1 },
    } as const
    server.resource('config', { uri: 'app://config', size: 12, ...shared }, () => '{}')
    server.resource('part', { uriTemplate: 'app://config/{part}', ...shared }, () => '{}')
    const client = await open(cell, server)
    const newer = revision >= '2025-06-18'
    const fields = {
      description: shared.description,
      mimeType: shared.mimeType,
      annotations: newer ? shared.annotations : { audience: ['user'], priority: 0.5 },
      ...(newer && { title: shared.title, _meta: shared.meta }),
      ...(revision >= '2025-11-25' && { icons: shared.icons }),
    }
    expect((await client.request('resources/list'))['resources']).toEqual([
      { uri: 'app://config', name: 'config', size: 12, ...fields },
    ])
    expect((await client.request('resources/templates/list'))['resourceTemplates']).toEqual([
      { uriTemplate: 'app://config/{part}', name: 'part', ...fields },
    ])
  })

  it('reads text, bytes, data and several contents (RES-02, RES-03)', async () => {
    const { server } = testServer()
    server.resource(
      'text',
      { uri: 'app://text', description: 'Text.', mimeType: 'text/plain' },
      () => 'hällo',
    )
    server.resource('bytes', { uri: 'app://bytes', description: 'Bytes.' }, () =>
      Uint8Array.from([1, 2, 255]),
    )
    server.resource('data', { uri: 'app://data', description: 'Data.' }, () => ({ a: [1] }))
    server.resource('many', { uri: 'app://many', description: 'Many.' }, () =>
      contents([
        { uri: 'app://many/1', text: 'one' },
        { uri: 'app://many/2', blob: 'AQ==', mimeType: 'a/b' },
      ]),
    )
    server.resource('empty', { uri: 'app://empty', description: 'Empty.' }, () => '')
    const client = await open(cell, server)
    const read = async (uri: string): Promise<unknown> => (await client.readResource(uri)).contents
    expect(await read('app://text')).toEqual([{ uri: 'app://text', mimeType: 'text/plain', text: 'hällo' }])
    expect(await read('app://bytes')).toEqual([{ uri: 'app://bytes', blob: 'AQL/' }])
    expect(await read('app://data')).toEqual([
      { uri: 'app://data', mimeType: 'application/json', text: '{"a":[1]}' },
    ])
    expect(await read('app://many')).toEqual([
      { uri: 'app://many/1', text: 'one' },
      { uri: 'app://many/2', mimeType: 'a/b', blob: 'AQ==' },
    ])
    expect(await read('app://empty')).toEqual([{ uri: 'app://empty', text: '' }])
  })

  it('finds templates by their variables, decoded, after fixed URIs (RES-11)', async () => {
    const { server } = testServer()
    server.resource(
      'one',
      { uriTemplate: 'data://{name}/schema', description: 'Schemas.' },
      ({ params }) => params,
    )
    server.resource('path', { uriTemplate: 'tree://{+path}', description: 'Paths.' }, ({ params }) => params)
    server.resource('fixed', { uri: 'data://known/schema', description: 'One schema.' }, () => 'fixed')
    const client = await open(cell, server)
    const read = async (uri: string): Promise<unknown> =>
      (await client.readResource(uri)).contents[0]?.['text']
    expect(await read('data://airports/schema')).toBe('{"name":"airports"}')
    expect(await read('data://caf%C3%A9%20bar/schema')).toBe('{"name":"café bar"}')
    expect(await read('tree://a/b/c.txt')).toBe('{"path":"a/b/c.txt"}')
    expect(await read('data://known/schema')).toBe('fixed')
    for (const uri of [
      'data://a/b/schema',
      'data:///schema',
      'data://%zz/schema',
      'data://a/schema/x',
      'DATA://a/schema',
    ]) {
      expect((await refused(client.readResource(uri))).data).toEqual({ uri })
    }
  })

  it('a variable never leaves its place: no "..", no slash in a segment, no NUL, in any spelling (RES-09)', async () => {
    const { server } = testServer()
    const seen: unknown[] = []
    server.resource('one', { uriTemplate: 'data://{name}/schema', description: 'Schemas.' }, ({ params }) => {
      seen.push(params)
      return 'x'
    })
    server.resource('path', { uriTemplate: 'tree://{+path}', description: 'Paths.' }, ({ params }) => {
      seen.push(params)
      return 'x'
    })
    const client = await open(cell, server)
    const names = ['..', '.', '%2e%2e', '..%2fetc', '%2e%2e%2f%2e%2e', 'a%2fb', '..%5cwin', 'a%00']
    const paths = ['..', '../x', 'a/../../x', 'a/%2e%2e/x', 'a%2f..%2fx', 'a/..', '..%5cx', 'x%00.txt']
    for (const uri of [
      ...names.map((name) => `data://${name}/schema`),
      ...paths.map((path) => `tree://${path}`),
    ]) {
      const refusal = await refused(client.readResource(uri))
      expect([uri, refusal.code]).toEqual([uri, stateless ? -32602 : -32002])
    }
    expect(seen).toEqual([])
    for (const uri of ['tree://a/..b/c...d', 'data://..a/schema']) {
      expect((await client.readResource(uri)).contents).toHaveLength(1)
    }
  })

  it('refuses what is no URI or nobody serves, and shows no more than the URI (RES-06, RES-08, RES-10)', async () => {
    const { server } = testServer()
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => 'x')
    server.resource('gone', { uriTemplate: 'app://gone/{id}', description: 'Gone.' }, () => undefined)
    const client = await open(cell, server)
    const missing = stateless ? -32602 : -32002
    for (const uri of [':::', 'a b']) {
      const refusal = await refused(client.readResource(uri))
      expect([uri, refusal.code, refusal.data]).toEqual([uri, -32602, { uri }])
    }
    for (const uri of [
      'file:///etc/passwd',
      'http://169.254.169.254/',
      `app://${'x'.repeat(10_000)}`,
      'app://one/',
      'app://gone/1',
    ]) {
      const refusal = await refused(client.readResource(uri))
      expect([uri, refusal.code]).toEqual([uri, missing])
      expect(String((refusal.data as { uri: string }).uri).length).toBeLessThanOrEqual(201)
      expect(uri.startsWith(String((refusal.data as { uri: string }).uri).slice(0, 200))).toBe(true)
    }
    for (const uri of ['', 7, null, undefined, {}]) {
      expect((await refused(client.request('resources/read', { uri }))).code).toBe(-32602)
    }
  })

  it('says how long what was read may be kept, from 2026-07-28 on (CAC-01..03)', async () => {
    const { server } = testServer()
    server.resource(
      'kept',
      { uri: 'app://kept', description: 'Kept.', cache: { ttl: '5m', scope: 'public' } },
      () => 'x',
    )
    server.resource('fresh', { uri: 'app://fresh', description: 'Fresh.' }, () => 'x')
    const client = await open(cell, server)
    const [kept, fresh] = [await client.readResource('app://kept'), await client.readResource('app://fresh')]
    if (stateless) {
      expect(kept).toMatchObject({ ttlMs: 300_000, cacheScope: 'public' })
      expect(fresh).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
    } else {
      expect(Object.keys(kept)).toEqual(['contents'])
    }
  })

  it('masks a value that cannot be sent', async () => {
    const { server, logged } = testServer()
    server.resource('odd', { uri: 'app://odd', description: 'Odd.' }, () => ({ at: new Date(0) }))
    const client = await open(cell, server)
    expect((await refused(client.readResource('app://odd'))).code).toBe(-32603)
    expect(String(logged.at(-1)?.fields['error'])).toContain('"at"')
  })
})
