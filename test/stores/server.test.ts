import { spawnSync } from 'node:child_process'
import { createServer } from 'holdfast'
import { redis } from 'holdfast/stores/redis'
import { connect } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { textOf } from '../protocol/support.js'
import { ownRedis } from './redis-process.js'

const available = spawnSync('redis-server', ['--version']).status === 0
const logger = { debug() {}, info() {}, warn() {}, error() {} }
const given = { name: 'shared', version: '1.0.0', logger }

describe('server.health()', () => {
  it('is well for a server that runs alone', () => {
    expect(createServer(given).health()).toEqual({ status: 'ok', checks: [] })
  })

  it('says what the parts of its stores say', () => {
    const ok = { name: 'one', status: 'ok' } as const
    const bad = { name: 'two', status: 'degraded', message: 'Half of it.' } as const
    expect(createServer({ ...given, stores: { health: () => [ok] } }).health().status).toBe('ok')
    expect(createServer({ ...given, stores: { health: () => [ok, bad] } }).health()).toEqual({
      status: 'degraded',
      checks: [ok, bad],
    })
  })
})

describe.runIf(available)('a server whose Redis goes away', () => {
  it('answers calls, opens and ends sessions and tells its own clients of changes, and says what it lacks', async () => {
    const own = await ownRedis()
    const stores = redis({ url: own.url, logger })
    const server = createServer({ ...given, stores, keys: ['a secret of 32 characters and more'] })
    onTestFinished(() => server.close({ timeoutMs: 100 }))
    server.tool('add', { description: 'Adds.' }, () => 'added')
    server.tool('later', { description: 'Takes long.', task: 'optional' }, async (_args, ctx) => {
      await ctx.beginTask()
      return 'done'
    })
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => 'one')
    const http = { transport: 'http', revision: '2025-11-25' } as const
    const before = await connect(server, http)
    await own.kill()
    await expect.poll(() => server.health().status).toBe('degraded')

    const after = await connect(server, http)
    for (const client of [before, after]) expect(textOf(await client.callTool('add'))).toBe('added')
    await before.listen()
    await before.request('resources/subscribe', { uri: 'app://one' })
    server.resourceUpdated('app://one')
    await before.waitFor((message) => JSON.stringify(message).includes('resources/updated'))
    const headers = { 'mcp-session-id': after.session ?? '' }
    const ends = [1, 2].map(() => fetch(after.url ?? '', { method: 'DELETE', headers }))
    expect((await Promise.all(ends)).map(({ status }) => status)).toContain(204)

    // What must not be forgotten is refused, and says so.
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const modern = await connect(server, { transport: 'http', capabilities })
    const refused = await modern.callTool('later')
    expect(refused.isError).toBe(true)
    expect(textOf(refused)).toContain('cannot keep another task now')

    await expect(modern.request('tasks/get', { taskId: 'any' })).rejects.toThrow('look again in some seconds')

    await own.start()
    await expect.poll(() => server.health().status, { timeout: 10_000 }).toBe('ok')
    const { taskId } = await modern.request('tools/call', { name: 'later', arguments: {} })
    expect(taskId).toEqual(expect.any(String))
    for (const client of [before, after, modern]) await client.close()
  })
})
