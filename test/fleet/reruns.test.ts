import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { build, type FleetNode, startNode } from './fleet-node.js'

const url = inject('redisUrl')
const capabilities = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } }

interface View {
  readonly taskId: string
  readonly status: string
  readonly statusMessage?: string
  readonly inputRequests?: Readonly<Record<string, unknown>>
  readonly result?: { readonly content: readonly { readonly text: string }[] }
  readonly error?: { readonly message: string }
}

/** Three nodes, and what their counted calls did. */
async function fleet() {
  const prefix = `test:${randomUUID()}:`
  const start = (): Promise<FleetNode> => startNode(url ?? '', prefix)
  const nodes = (await Promise.all([start(), start(), start()])) as [FleetNode, FleetNode, FleetNode]
  const redis = new Redis(url ?? '')
  onTestFinished(() => void redis.disconnect())
  const ledger = async (name: string): Promise<[starts: number, ends: number]> => {
    const [starts, ends] = await redis.mget(`${prefix}ledger:${name}:starts`, `${prefix}ledger:${name}:ends`)
    return [Number(starts), Number(ends)]
  }
  const go = async (name: string): Promise<void> =>
    void (await redis.set(`${prefix}ledger:${name}:go`, '1', 'PX', 60_000))
  return { nodes, start, redis, prefix, ledger, go }
}

/** Makes tasks at one node and looks at them through another. */
async function tasksAt(at: FleetNode, through: FleetNode) {
  const [maker, looker] = await Promise.all([at.client({ capabilities }), through.client({ capabilities })])
  return {
    async begin(name: string): Promise<string> {
      return (await maker.request<View>('tools/call', { name, arguments: {} })).taskId
    },
    look: (taskId: string): Promise<View> => looker.request<View>('tasks/get', { taskId }),
    send: (method: string, params: object) => looker.request(method, { ...params }),
  }
}

const patience = { timeout: 15_000, interval: 50 }

if (url !== undefined) {
  describe('three processes and one Redis', () => {
    beforeAll(build)

    it('a repeatable task whose node was killed is done once, by another node; any other is ended', async () => {
      const { nodes, ledger, go } = await fleet()
      const [a, b] = nodes
      const { begin, look } = await tasksAt(a, b)
      const [one, other] = await Promise.all([begin('repeatable'), begin('unrepeatable')])
      await expect.poll(() => ledger('repeatable')).toEqual([1, 0])
      await expect.poll(() => ledger('unrepeatable')).toEqual([1, 0])
      await a.kill()
      await expect.poll(() => ledger('repeatable'), patience).toEqual([2, 0])
      await expect.poll(async () => (await look(other)).status, patience).toBe('failed')
      expect(await look(one)).toMatchObject({ taskId: one, status: 'working' })
      await Promise.all([go('repeatable'), go('unrepeatable')])
      await expect.poll(async () => (await look(one)).status, patience).toBe('completed')
      const text = (await look(one)).result?.content[0]?.text
      expect(nodes.slice(1).map(({ pid }) => `done by ${pid}`)).toContain(text)
      expect([await ledger('repeatable'), await ledger('unrepeatable')]).toEqual([
        [2, 1],
        [1, 0],
      ])
      expect((await look(other)).error?.message).toContain('interrupted')
    })

    it('the result of a node that was only slow is refused, whether the other has ended or not', async () => {
      const { nodes, ledger, go, redis, prefix } = await fleet()
      const [a, b] = nodes
      const { begin, look } = await tasksAt(a, b)
      const id = await begin('repeatable')
      await expect.poll(() => ledger('repeatable')).toEqual([1, 0])
      a.hold()
      await expect.poll(() => ledger('repeatable'), patience).toEqual([2, 0])
      // Both nodes that could finish it are held, so that the slow one comes first.
      const second = nodes.slice(1)
      for (const node of second) node.hold()
      await go('repeatable')
      a.goOn()
      await expect.poll(() => ledger('repeatable'), patience).toEqual([2, 1])
      const kept = async () =>
        JSON.parse((await redis.hget(`${prefix}v1:task:of:${id}`, 'record')) ?? '{}') as Record<
          string,
          unknown
        >
      // It has written, if it ever does: what it did after that is in Redis as well.
      const { begin: beginAtSlow } = await tasksAt(a, a)
      await beginAtSlow('unrepeatable')
      await expect.poll(() => ledger('unrepeatable'), patience).toEqual([1, 0])
      expect(await kept()).toMatchObject({ status: 'working', attempt: 2 })
      for (const node of second) node.goOn()
      await expect.poll(async () => (await look(id)).status, patience).toBe('completed')
      const text = (await look(id)).result?.content[0]?.text
      expect(second.map(({ pid }) => `done by ${pid}`)).toContain(text)
      expect(await ledger('repeatable')).toEqual([2, 2])
    })

    it('a call that its nodes die of goes to two more and no further', async () => {
      const { nodes, start, ledger } = await fleet()
      const { begin } = await tasksAt(nodes[0], nodes[0])
      // The node is gone before it could answer, or right after; its task is in Redis either way.
      const id = await begin('poison').catch(() => undefined)
      await expect.poll(() => ledger('poison'), patience).toEqual([3, 0])
      // All three are gone. One that comes now finds the task, and ends it instead of dying of it.
      const fresh = await start()
      const { look, begin: beginHarmless } = await tasksAt(fresh, fresh)
      if (id !== undefined) {
        await expect.poll(async () => (await look(id)).status, patience).toBe('failed')
        expect((await look(id)).error?.message).toContain('each of the 3 servers that ran it stopped')
      }
      expect(await beginHarmless('wait')).toBeTypeOf('string')
      expect((await ledger('poison'))[0]).toBe(3)
    })

    it('asks again under another key, hears the answer, and a cancel that came while nobody ran it', async () => {
      const { nodes, ledger } = await fleet()
      const [a, b] = nodes
      const { begin, look, send } = await tasksAt(a, b)
      const [asking, cancelled] = await Promise.all([begin('asks-again'), begin('repeatable')])
      await expect.poll(async () => Object.keys((await look(asking)).inputRequests ?? {})).toEqual(['sure-1'])
      await expect.poll(() => ledger('repeatable')).toEqual([1, 0])
      await a.kill()
      await send('tasks/cancel', { taskId: cancelled })
      expect((await look(cancelled)).status).toBe('cancelled')
      await expect
        .poll(async () => Object.keys((await look(asking)).inputRequests ?? {}), patience)
        .toEqual(['sure-2.1'])
      const inputResponses = { 'sure-2.1': { action: 'accept', content: { ok: true } } }
      await send('tasks/update', { taskId: asking, inputResponses })
      await expect.poll(async () => (await look(asking)).status, patience).toBe('completed')
      expect((await look(cancelled)).status).toBe('cancelled')
      expect(await ledger('repeatable')).toEqual([1, 0])
    })
  })
}

it('a task that no store can keep is refused and not begun', async () => {
  build()
  const node = await startNode('redis://127.0.0.1:1', `test:${randomUUID()}:`)
  const client = await node.client({ capabilities })
  const refusal = await client
    .request('tools/call', { name: 'wait', arguments: {} })
    .catch((error: unknown) => error)
  expect(JSON.stringify(refusal)).not.toContain('"resultType":"task"')
  expect(node.ended()).toBe(0)
})
