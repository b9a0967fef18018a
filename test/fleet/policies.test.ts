import { randomUUID } from 'node:crypto'
import type { TestClient } from 'holdfast/testing'
import { Redis } from 'ioredis'
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { textOf } from '../protocol/support.js'
import { build, type FleetNode, startNode } from './fleet-node.js'

const url = inject('redisUrl')

async function twoNodes(): Promise<readonly [[TestClient, TestClient], [FleetNode, FleetNode], string]> {
  const prefix = `test:${randomUUID()}:`
  const start = (): Promise<FleetNode> => startNode(url ?? '', prefix, 'policies.mjs')
  const nodes = (await Promise.all([start(), start()])) as [FleetNode, FleetNode]
  const clients = (await Promise.all(nodes.map((node) => node.client({ revision: '2026-07-28' })))) as [
    TestClient,
    TestClient,
  ]
  return [clients, nodes, prefix]
}

/**
 * What is in the store now. Nobody waits until an answer is there, so a node that asks before that makes its own, as it may; a test
 * that wants to see it shared waits for this.
 */
function answersIn(prefix: string): () => Promise<string> {
  const redis = new Redis(url ?? '')
  onTestFinished(() => redis.disconnect())
  return async () => {
    const keys = await redis.keys(`${prefix}*answer:*`)
    return (await Promise.all(keys.map((key) => redis.get(key)))).join()
  }
}

if (url !== undefined) {
  describe('policies over two processes and one Redis', () => {
    beforeAll(build)

    it('a rate counts once: both nodes together let through what the limit says', async () => {
      const [[a, b]] = await twoNodes()
      const calls = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? a : b).callTool('limited'))
      const results = await Promise.all(calls)
      const refused = results.filter(({ isError }) => isError)
      expect([results.length - refused.length, refused.length]).toEqual([10, 30])
      for (const { _meta } of refused) {
        const error = _meta?.['dev.holdfast/error'] as { code: string; retryAfterMs: number }
        expect(error.code).toBe('rate_limited')
        // One every six minutes.
        expect(error.retryAfterMs).toBeGreaterThan(350_000)
        expect(error.retryAfterMs).toBeLessThanOrEqual(360_000)
      }
    })

    it('an answer made on one node is served by the other, until either says that it is old', async () => {
      const [[a, b], , prefix] = await twoNodes()
      const stored = answersIn(prefix)
      const read = async (client: TestClient): Promise<string> => textOf(await client.callTool('kept'))
      expect(await read(a)).toBe('read 1')
      await expect.poll(stored).toContain('read 1')
      expect([await read(b), await read(a)]).toEqual(['read 1', 'read 1'])
      await b.callTool('change')
      // The node that was told has forgotten at once, and the other as soon as it hears.
      expect(await read(b)).toBe('read 2')
      await expect.poll(stored).toContain('read 2')
      await expect.poll(() => read(a)).toBe('read 2')
      await a.callTool('change')
      expect(await read(a)).toBe('read 3')
    })

    it('a resource that changed on one node is read anew on the other', async () => {
      const [[a, b], [first], prefix] = await twoNodes()
      const stored = answersIn(prefix)
      const read = async (client: TestClient): Promise<string> =>
        JSON.stringify((await client.readResource('app://row')).contents)
      expect(await read(a)).toContain('read 1')
      await expect.poll(stored).toContain('read 1')
      expect(await read(b)).toContain('read 1')
      first.change('app://row')
      await expect.poll(() => read(b)).not.toContain('read 1')
      await expect.poll(() => read(a)).not.toContain('read 1')
    })

    it('calls with one key run once, whichever nodes they come to', async () => {
      const [[a, b]] = await twoNodes()
      const calls = Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? a : b).callTool('pay', { key: 'one' }),
      )
      expect(new Set((await Promise.all(calls)).map(textOf))).toEqual(new Set(['paid 1']))
      expect(textOf(await b.callTool('pay', { key: 'two' }))).toBe('paid 2')
    })

    it('a call whose node is killed is in doubt on the other, and does not run again', async () => {
      const [[a, b], [first]] = await twoNodes()
      a.callTool('pay', { key: 'lost' }).catch(() => undefined)
      // The other node waits for it from the moment in which it has begun; until then it would be the first itself.
      const paid = async (): Promise<number> => Number(textOf(await b.callTool('paid')))
      await expect.poll(paid).toBe(1)
      await first.kill()
      // A call waits for the other as long as it may itself; when that could not have ended any more, nobody waits.
      const late = async (): Promise<unknown> =>
        (await b.callTool('pay', { key: 'lost' }))._meta?.['dev.holdfast/error']
      await expect.poll(late, { timeout: 15_000 }).toMatchObject({ code: 'in_doubt' })
      expect(await paid()).toBe(1)
    })
  })
}

it('a node whose Redis is away counts by itself, makes its own answers, and begins no call that must run once', async () => {
  build()
  const node = await startNode('redis://127.0.0.1:1', `test:${randomUUID()}:`, 'policies.mjs')
  const client = await node.client({ revision: '2026-07-28' })
  const calls = await Promise.all(Array.from({ length: 15 }, () => client.callTool('limited')))
  expect(calls.filter(({ isError }) => !isError)).toHaveLength(10)
  const paid = await client.callTool('pay', { key: 'one' })
  expect(paid._meta?.['dev.holdfast/error']).toMatchObject({ code: 'store_unavailable', retryable: true })
})
