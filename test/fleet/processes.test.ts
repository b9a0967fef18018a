import { randomUUID } from 'node:crypto'
import type { TestClient } from 'holdfast/testing'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { textOf } from '../protocol/support.js'
import { build, type FleetNode, startNode } from './fleet-node.js'

const url = inject('redisUrl')
const revision = '2025-11-25'
const capabilities = { elicitation: {} }
const tasks = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } }

const start = (prefix: string): Promise<FleetNode> => startNode(url ?? '', prefix)

async function twoNodes(): Promise<[FleetNode, FleetNode, string]> {
  const prefix = `test:${randomUUID()}:`
  const [a, b] = await Promise.all([start(prefix), start(prefix)])
  return [a, b, prefix]
}

/** Two ends of one session: the first client opened it at its node, the second brings its id to another. */
async function session(a: FleetNode, b: FleetNode): Promise<[TestClient, TestClient]> {
  // A person who takes their time: who answers does it by hand.
  const answers = { 'elicitation/create': () => new Promise(() => undefined) }
  const first = await a.client({ revision, capabilities, answers })
  return [first, await join(first, b)]
}

function join(first: TestClient, node: FleetNode): Promise<TestClient> {
  const headers = { 'mcp-session-id': first.session ?? '', 'mcp-protocol-version': revision }
  return node.client({ revision, capabilities, headers, open: false })
}

async function statusOf(client: TestClient): Promise<number | undefined> {
  return (await client.post(JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'ping' })))?.status
}

async function question(client: TestClient): Promise<{ readonly id: string }> {
  const found = await client.waitFor((message) => JSON.stringify(message).includes('"elicitation/create"'))
  return found as { id: string }
}

if (url !== undefined) {
  describe('two processes and one Redis', () => {
    beforeAll(build)

    it('serve one session, and say that all is well', async () => {
      const [a, b] = await twoNodes()
      const [first, second] = await session(a, b)
      expect(textOf(await first.callTool('who'))).not.toBe(textOf(await second.callTool('who')))
      const checks = ['redis', 'rates'].map((name) => ({ name, status: 'ok' }))
      expect(await a.health()).toEqual({ status: 'ok', checks })
    })

    it('a cancel that arrives at the other node ends the call, once however often it is sent', async () => {
      const [a, b] = await twoNodes()
      const [first, second] = await session(a, b)
      first.callTool('wait', {}, { id: 77, meta: { progressToken: 'p' } }).catch(() => undefined)
      await first.waitFor((message) => JSON.stringify(message).includes('notifications/progress'))
      for (let n = 0; n < 3; n += 1) await second.notify('notifications/cancelled', { requestId: 77 })
      await expect.poll(a.ended).toBe(1)
      // A call with the same id, which may be used again, is not met by what was said of the first.
      const next = first.callTool('who', {}, { id: 77 })
      expect(textOf(await next)).toMatch(/^\d+$/)
      expect(a.ended()).toBe(1)
      expect(b.ended()).toBe(0)
    })

    it('an answer that arrives at the other node finds its call; sent again it changes nothing', async () => {
      const [a, b] = await twoNodes()
      const [first, second] = await session(a, b)
      const call = first.callTool('ask')
      const { id } = await question(first)
      const answer = (action: string): string =>
        JSON.stringify({ jsonrpc: '2.0', id, result: { action, content: { ok: true } } })
      for (const action of ['accept', 'decline', 'accept']) {
        expect((await second.post(answer(action)))?.status).toBe(202)
      }
      expect(textOf(await call)).toBe('accept 1')
      expect(textOf(await second.callTool('who'))).toMatch(/^\d+$/)
    })

    it('a change made on one node is heard by who subscribed at the other, once', async () => {
      const [a, b] = await twoNodes()
      const [first, second] = await session(a, b)
      await second.listen()
      await second.request('resources/subscribe', { uri: 'app://one' })
      expect(textOf(await first.callTool('who'))).toMatch(/^\d+$/)
      a.change('app://one')
      const updated = (): number =>
        second.notifications.filter(({ method }) => method === 'notifications/resources/updated').length
      await expect.poll(updated).toBe(1)
      b.change('app://one')
      await expect.poll(updated).toBe(2)
    })

    it('a session ended at one node is over at the other, and at a node that starts later', async () => {
      const [a, b, prefix] = await twoNodes()
      const [first, second] = await session(a, b)
      expect(await statusOf(second)).toBe(200)
      const headers = { 'mcp-session-id': first.session ?? '' }
      const ends = [await fetch(`http://127.0.0.1:${a.port}/mcp`, { method: 'DELETE', headers })]
      await expect.poll(() => statusOf(second)).toBe(404)
      const c = await start(prefix)
      expect(await statusOf(await join(first, c))).toBe(404)
      ends.push(await fetch(`http://127.0.0.1:${b.port}/mcp`, { method: 'DELETE', headers }))
      expect(ends.map(({ status }) => status)).toEqual([204, 404])
    })

    it('a session that was not ended is served by a node that starts later', async () => {
      const [a, , prefix] = await twoNodes()
      const first = await a.client({ revision, capabilities })
      expect(await statusOf(await join(first, await start(prefix)))).toBe(200)
    })

    it('a task is looked at, answered and cancelled through another node than its own', async () => {
      const [a, b] = await twoNodes()
      const [first, second] = await Promise.all([a, b].map((node) => node.client({ capabilities: tasks })))
      const created = await first?.request('tools/call', { name: 'ask', arguments: {} })
      const taskId = created?.['taskId']
      const look = async () => second?.request('tasks/get', { taskId })
      await expect.poll(async () => (await look())?.['status']).toBe('input_required')
      const [key = ''] = Object.keys((await look())?.['inputRequests'] as object)
      const inputResponses = { [key]: { action: 'accept', content: { ok: true } } }
      await second?.request('tasks/update', { taskId, inputResponses })
      await expect.poll(async () => (await look())?.['status']).toBe('completed')

      const waiting = await first?.request('tools/call', { name: 'wait', arguments: {} })
      for (let n = 0; n < 2; n += 1) await second?.request('tasks/cancel', { taskId: waiting?.['taskId'] })
      await expect.poll(a.ended).toBe(1)
    })

    it('a task whose node was killed is ended by another one as failed, and stays so', async () => {
      const [a, b, prefix] = await twoNodes()
      const c = await start(prefix)
      const [first, second, third] = await Promise.all(
        [a, b, c].map((node) => node.client({ capabilities: tasks })),
      )
      const { taskId } = (await first?.request('tools/call', { name: 'wait', arguments: {} })) ?? {}
      const own = await second?.request('tools/call', { name: 'wait', arguments: {} })
      const killedAt = performance.now()
      await a.kill()
      const look = async (client = second, id = taskId) => client?.request('tasks/get', { taskId: id })
      expect((await look())?.['status']).toBe('working')
      await expect.poll(async () => (await look())?.['status'], { timeout: 10_000 }).toBe('failed')
      // A lease of one second, and a third of it between two looks.
      expect(performance.now() - killedAt).toBeLessThan(4000)
      const ended = await look()
      expect(ended).toMatchObject({ error: { message: expect.stringContaining('interrupted') } })
      // Both survivors have looked again by now and again, and nothing was written after the end.
      await expect.poll(() => performance.now() - killedAt, { timeout: 5000 }).toBeGreaterThan(2500)
      expect(await look(third)).toEqual(ended)
      expect((await look(third, own?.['taskId']))?.['status']).toBe('working')
    })
  })
}

it('a node whose Redis is away starts, answers, and says so', async () => {
  build()
  const node = await startNode('redis://127.0.0.1:1', `test:${randomUUID()}:`)
  const client = await node.client({ revision })
  expect(textOf(await client.callTool('who'))).toMatch(/^\d+$/)
  await expect.poll(async () => (await node.health()).status).toBe('degraded')
  expect((await node.health()).checks[0]).toMatchObject({ name: 'redis', status: 'degraded' })
})
