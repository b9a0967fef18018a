import type { Principal } from 'holdfast'
import { cells, connect } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { gate, open, testServer, textOf } from '../protocol/support.js'
import { description, readOnly, user } from './support.js'

const ada = (permissions: readonly string[], claims: Principal['claims'] = {}): Principal => ({
  ...user('ada'),
  permissions: new Set(permissions),
  claims,
})

describe.each(cells({ revisions: ['2025-11-25', '2026-07-28'], transports: ['memory'] }))(
  'a kept answer, $name',
  (cell) => {
    it('is not given to the same subject with other permissions or claims', async () => {
      const { server } = testServer()
      server.tool(
        'see',
        { description, annotations: readOnly, cache: { ttl: '1m' } },
        (_args, { principal }) => JSON.stringify([[...principal.permissions], principal.claims['tenant']]),
      )
      const ask = async (principal: Principal): Promise<string> =>
        textOf(await (await open(cell, server, { principal })).callTool('see'))
      expect(await ask(ada(['people:read', 'read'], { tenant: 'a' }))).toContain('people:read')
      expect(await ask(ada(['read'], { tenant: 'a' }))).toBe('[["read"],"a"]')
      expect(await ask(ada(['read'], { tenant: 'b' }))).toBe('[["read"],"b"]')
      // A new token of the same caller finds what the old one left.
      await ask(ada(['read'], { tenant: 'b', exp: 1, jti: 'x' }))
      await ask(ada(['read', 'people:read'], { tenant: 'a' }))
      expect(server.stats().counters.cacheHits).toBe(2)
    })
  },
)

describe('an answer for everybody', () => {
  it.each(['public', 'principal'] as const)(
    'holds nothing of the client that came first over HTTP (%s)',
    async (scope) => {
      const { server } = testServer()
      server.tool('see', { description, annotations: readOnly, cache: { ttl: '1m', scope } }, (_args, ctx) =>
        JSON.stringify([ctx.client.info?.name, ctx.supports('elicitation'), ctx.meta]),
      )
      const client = await connect(server, {
        transport: 'http',
        revision: '2026-07-28',
        capabilities: { elicitation: {} },
      })
      const params = { name: 'see', arguments: {}, _meta: { 'example.com/secret': 'of the first' } }
      const result = (await client.request('tools/call', params)) as { content: object[] }
      await client.close()
      expect(textOf(result)).toBe('[null,false,{}]')
    },
  )
})

describe('who waits for an answer that is being made', () => {
  it('is no handler that goes on when he leaves, and so keeps nobody out', async () => {
    const go = gate()
    const { server } = testServer()
    server.tool('slow', { description, annotations: readOnly, cache: { ttl: '1m' } }, async () => {
      await go.opened
      return 'done'
    })
    const client = await connect(server, { transport: 'memory', revision: '2025-11-25' })
    const first = client.callTool('slow')
    const leaving = Array.from({ length: 20 }, () => new AbortController())
    const left = leaving.map(({ signal }) => client.callTool('slow', {}, { signal }).catch(() => 'left'))
    const abandoned = (): number | undefined =>
      server.stats().bounded.find(({ name }) => name.startsWith('handlers that go on'))?.size
    await expect.poll(() => server.stats().counters.requests).toBeGreaterThan(20)
    for (const one of leaving) one.abort()
    await Promise.all(left)
    await expect.poll(() => server.stats().counters.cancelled).toBe(20)
    await expect.poll(abandoned).toBe(0)
    go.open()
    expect(textOf(await first)).toBe('done')
    await client.close()
  })
})
