import type { Authenticator } from 'holdfast'
import { cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer } from '../protocol/support.js'
import { fullServer, png } from './full-server.js'

const both = { transports: ['stdio', 'http'] } as const

describe.each(cells(both))('$name', (cell) => {
  const { stateless } = cell
  const notFound = stateless ? -32602 : -32002

  it('lists absolute URIs with names, and each can be read under itself (RES-01..03)', async () => {
    const client = await open(cell, fullServer())
    const { resources } = await client.request<{ resources: { uri: string; name: string }[] }>(
      'resources/list',
    )
    expect(resources.map(({ uri }) => uri)).toEqual(expect.arrayContaining(['app://config', 'app://rows/2']))
    const failing = ['app://broken', 'app://closed']
    for (const { uri, name } of resources) {
      expect(uri).toMatch(/^[a-z][a-z0-9+.-]*:[!#$%&'()*+,./:;=?@[\]\w~-]+$/i)
      expect(URL.canParse(uri)).toBe(true)
      expect(name).toMatch(/\S/)
      if (failing.includes(uri)) continue
      const { contents } = await client.readResource(uri)
      expect(contents).toHaveLength(1)
      for (const content of contents) {
        expect(content['uri']).toBe(uri)
        expect('text' in content).toBe(!('blob' in content))
      }
    }
    const [picture] = (await client.readResource('app://bytes')).contents
    expect(picture).toEqual({
      uri: 'app://bytes',
      mimeType: 'image/png',
      blob: Buffer.from(png).toString('base64'),
    })
  })

  it('says of what is no URI that the parameter is wrong, and goes on (RES-08)', async () => {
    const client = await open(cell, fullServer())
    for (const uri of ['', ':::', ' ', 'a b', 'no-scheme', '//host/path', 'app://a b']) {
      expect([uri, (await refused(client.readResource(uri))).code]).toEqual([uri, -32602])
    }
    // Long, but a URI all the same; there is nothing under it.
    const long = await refused(client.readResource(`app://${'x'.repeat(10_000)}`))
    expect([-32602, notFound]).toContain(long.code)
    expect((await client.readResource('app://config')).contents).toHaveLength(1)
  })

  it('never answers a missing resource with nothing (RES-04..07)', async () => {
    const client = await open(cell, fullServer())
    for (const uri of ['app://nobody', 'app://rows/3', 'APP://CONFIG']) {
      const refusal = await refused(client.readResource(uri))
      expect([uri, refusal.code, refusal.data]).toEqual([uri, notFound, { uri }])
    }
  })

  it('fills a template in and reads it (RES-11)', async () => {
    const client = await open(cell, fullServer())
    const { resourceTemplates } = await client.request<{ resourceTemplates: { uriTemplate: string }[] }>(
      'resources/templates/list',
    )
    const expressions = /\{\+?[A-Za-z_][A-Za-z0-9_]*\}/g
    for (const { uriTemplate } of resourceTemplates) {
      expect(uriTemplate).toMatch(expressions)
      // What is left between the expressions is literal (RFC 6570 §2.1).
      expect(uriTemplate.replace(expressions, '')).not.toMatch(/[\s"'<>\\^`{|}]/)
      const { contents } = await client.readResource(uriTemplate.replace(expressions, '2'))
      expect(contents).toEqual([{ uri: 'app://rows/2', text: 'row 2' }])
    }
    expect(resourceTemplates).toHaveLength(1)
  })

  it('takes what a prompt does not need as it comes: left out, or more of it (PRM-05)', async () => {
    const { server } = testServer()
    const input = {
      type: 'object',
      properties: { who: { type: 'string' }, tone: { type: 'string' } },
      required: ['who'],
    } as const
    server.prompt('greet', { description: 'Greets.', input }, ({ who, tone }) => `${who} ${tone ?? 'kindly'}`)
    const client = await open(cell, server)
    const said = async (args: Record<string, string>): Promise<unknown> =>
      (await client.getPrompt('greet', args)).messages
    const message = (text: string): Message[] => [{ role: 'user', content: { type: 'text', text } }]
    expect(await said({ who: 'Ada' })).toEqual(message('Ada kindly'))
    expect(await said({ who: 'Ada', more: 'x' })).toEqual(message('Ada kindly'))
  })
})

describe.each(cells({ ...both, revisions: ['2025-06-18', '2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  it('annotates with known readers, a share of one and a time as ISO 8601 writes it (RES-13)', async () => {
    const { server } = testServer()
    const annotations = {
      audience: ['user', 'assistant'],
      priority: 1,
      lastModified: '2026-02-28T12:00:00Z',
    } as const
    server.resource('good', { uri: 'app://good', description: 'Good.', annotations }, () => 'x')
    for (const wrong of [
      { audience: ['everyone'] },
      { priority: 1.1 },
      { priority: -1 },
      { priority: '1' },
      { lastModified: 'yesterday' },
      { lastModified: '2026-02-30' },
    ]) {
      const define = (): unknown =>
        server.resource(
          'bad',
          { uri: 'app://bad', description: 'B.', annotations: wrong as never },
          () => 'x',
        )
      expect(define).toThrow(Object.keys(wrong)[0])
    }
    const client = await open(cell, server)
    const { resources } = await client.request<{ resources: object[] }>('resources/list')
    expect(resources).toMatchObject([{ uri: 'app://good', annotations }])
  })
})

describe.each(cells({ transports: ['http'] }))('$name', (cell) => {
  it('a second token reads nothing of the first, nor within its session (RES-14)', async () => {
    const byToken: Authenticator = {
      authenticate({ header }) {
        const subject = /^Bearer (alice|bob)$/.exec(header('authorization') ?? '')?.[1]
        if (subject === undefined) return { ok: false, status: 401, message: 'Send a token.' }
        const issuer = 'https://issuer.example'
        return { ok: true, principal: { kind: 'user', issuer, subject, permissions: new Set(), claims: {} } }
      },
    }
    const { server } = testServer({ auth: byToken })
    server.resource(
      'note',
      { uriTemplate: 'app://notes/{owner}', description: 'Notes.' },
      ({ params }, ctx) => (params.owner === ctx.principal.subject ? `by ${params.owner}` : undefined),
    )
    const [alice, bob] = [
      await open(cell, server, { headers: { authorization: 'Bearer alice' } }),
      await open(cell, server, { headers: { authorization: 'Bearer bob' } }),
    ]
    expect((await alice.readResource('app://notes/alice')).contents).toMatchObject([{ text: 'by alice' }])
    expect((await bob.readResource('app://notes/bob')).contents).toMatchObject([{ text: 'by bob' }])
    const missing = await refused(bob.readResource('app://notes/alice'))
    expect(missing.code).toBe(cell.stateless ? -32602 : -32002)
    // The same with alice's session, where there are sessions.
    const theft = await refused(
      alice.readResource('app://notes/alice', { headers: { authorization: 'Bearer bob' } }),
    )
    expect(theft.httpStatus).toBe(cell.stateless ? 200 : 404)
    const stranger = await refused(
      alice.readResource('app://notes/alice', { headers: { authorization: undefined } }),
    )
    expect(stranger.httpStatus).toBe(401)
  })
})
