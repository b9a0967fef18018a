import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, loader } from 'holdfast'
import { apiKeys, firstOf, introspection, jwt } from 'holdfast/auth'
import { pool } from 'holdfast/services'
import { redis } from 'holdfast/stores/redis'
import { cells, connect } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { root } from './fences.js'

const page = readFileSync(join(root, 'docs/serving.md'), 'utf8')

/** The names in the first column of the table below a heading row. */
function namesBelow(head: string): readonly string[] {
  const table = page.split(`\n${head}`)[1]?.split('\n\n')[0] ?? ''
  const rows = [...table.matchAll(/^\| (`.*?) \|/gm)].map((match) => match[1] ?? '')
  return rows.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''))
}

describe('docs/serving.md', () => {
  it('names every structure and counter that server.stats() shows, and no other', async () => {
    const key = 'Vb3kq9ZtR1mXw7YpL0sD5hJc'
    const idp = { issuer: 'https://idp.example', audience: 'https://mcp.example' }
    const auth = firstOf(
      apiKeys({ keys: [{ key, subject: 'ada' }] }),
      apiKeys({ lookup: () => undefined, header: 'x-other-key' }),
      jwt({ ...idp, jwks: 'https://idp.example/jwks' }),
      introspection({ ...idp, url: 'https://idp.example/ask', clientId: 'limits', clientSecret: 'none' }),
    )
    const headers = { authorization: `Bearer ${key}` }
    const server = createServer({
      name: 'limits',
      version: '1.0.0',
      auth,
      // Its structures alone: it connects to nothing before it is used.
      stores: { bounded: redis().bounded ?? [] },
      concurrency: { principal: 100, server: 100 },
      services: { desks: pool({ name: 'NAME', create: async () => 'desk', destroy() {} }) },
    })
    server.tool('add', { description: 'Adds.', concurrency: 10 }, () => 'done')
    server.tool('once', { description: 'Does once.', task: 'optional' }, (_args, ctx) =>
      ctx.once('a', () => 1),
    )
    server.tool('read', { description: 'Reads.' }, async (_args, ctx) => (await ctx.fetch('no URL')).text())
    server.tool(
      'kept',
      { description: 'Keeps.', annotations: { readOnlyHint: true }, cache: { ttl: '1m' } },
      () => 'kept',
    )
    const same = loader((keys: readonly number[]) => keys)
    server.tool('loads', { description: 'Loads.' }, (_args, ctx) => ctx.load(same, 1))
    server.tool('worked', { description: 'Works.', worker: new URL(import.meta.url) })
    server.tool('large', { description: 'Spills.' }, (_args, ctx) => ctx.spill('large', { name: 'large' }))
    server.tool('paid', { description: 'Pays.', idempotencyKey: () => 'key' }, () => 'paid')
    const clients = await Promise.all(
      cells({ revisions: ['2025-11-25'] }).map(async ({ connect }) => {
        const client = await connect(server, { headers })
        await client.callTool('add')
        const others = ['read', 'kept', 'paid', 'loads', 'worked', 'large']
        for (const name of others) await client.callTool(name)
        return client
      }),
    )
    // What many servers never use shows itself once it is used.
    const modern = await connect(server, {
      transport: 'http',
      headers,
      capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } },
    })
    const { taskId } = await modern.request('tools/call', { name: 'once', arguments: {} })
    await expect.poll(async () => (await modern.request('tasks/get', { taskId }))['status']).toBe('completed')
    await modern.request('subscriptions/listen', { notifications: 7 }).catch(() => undefined)
    const { bounded, counters } = server.stats()
    const lines = bounded.map(({ name }) => name.replace('(tool add)', '(tool NAME)'))
    expect(new Set(lines)).toEqual(new Set(namesBelow('| line of `bounded`')))
    expect(new Set(Object.keys(counters))).toEqual(new Set(namesBelow('| counter')))
    for (const { name, limit, size, unit } of bounded) {
      expect({ name, bounded: Number.isSafeInteger(limit) && size <= limit, unit }).toEqual({
        name,
        bounded: true,
        unit: expect.stringMatching(/^(entries|bytes)$/),
      })
    }
    for (const client of [...clients, modern]) await client.close()
    await server.close()
  })
})
