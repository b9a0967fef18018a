import { type Bus, createServer, type Server, type TaskRecord, type TaskStore } from 'holdfast'
import { connect, type TestClient } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { gate, keepingLogger, textOf } from './support.js'

const key = 'one secret for all nodes of the fleet'
const confirm = z.object({ ok: z.boolean() })

/** A bus between servers of one process, as a broker would be between those of many. */
function sharedBus(published: string[] = []): Bus {
  const listeners = new Map<string, Set<(message: string) => void>>()
  return {
    async publish(topic, message) {
      published.push(message)
      // Later, as over a network.
      await new Promise((resolve) => setImmediate(resolve))
      for (const listener of listeners.get(topic) ?? []) listener(message)
    },
    subscribe(topic, listener) {
      const all = listeners.get(topic) ?? new Set()
      listeners.set(topic, all.add(listener))
      return () => all.delete(listener)
    },
  }
}

function sharedTasks(): TaskStore {
  const records = new Map<string, TaskRecord>()
  return {
    async create(record) {
      records.set(record.id, record)
    },
    async get(id) {
      return records.get(id)
    },
    async update(record) {
      records.set(record.id, record)
    },
  }
}

interface Fleet {
  readonly nodes: readonly [Server, Server]
  readonly published: readonly string[]
  readonly aborted: { readonly opened: Promise<void>; open(value: undefined): void }
}

/** Two nodes with the same key, bus and tasks, and the same tools. */
function fleet(): Fleet {
  const published: string[] = []
  const bus = sharedBus(published)
  const store = sharedTasks()
  const aborted = gate<undefined>()
  const node = (): Server => {
    const server = createServer({
      name: 'fleet',
      version: '1.0.0',
      keys: [key],
      stores: { bus, tasks: store },
      logger: keepingLogger(),
    })
    onTestFinished(() => server.close({ timeoutMs: 100 }))
    server.tool('ask', { description: 'Asks.', task: 'optional' }, async (_args, ctx) => {
      const answer = await ctx.elicit({ message: 'Go on?', schema: confirm })
      return answer.action
    })
    server.tool('wait', { description: 'Waits for its end.', task: 'optional' }, async (_args, ctx) => {
      await ctx.progress(1)
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      aborted.open(undefined)
      return 'ended'
    })
    server.tool('log', { description: 'Logs to its client.' }, async (_args, ctx) => {
      await ctx.logToClient('info', 'logged')
      return 'done'
    })
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => 'one')
    return server
  }
  return { nodes: [node(), node()], published, aborted }
}

/** Two ends of one session: each client reaches its own node, and both have the same id. */
async function oneSession(
  nodes: readonly [Server, Server],
): Promise<{ readonly first: TestClient; readonly second: TestClient }> {
  const capabilities = { elicitation: {} }
  const transport = 'http'
  const revision = '2025-11-25'
  // A person who takes their time: whoever answers does it by hand.
  const answers = { 'elicitation/create': () => new Promise(() => undefined) }
  const first = await connect(nodes[0], { transport, revision, capabilities, answers })
  const headers = { 'mcp-session-id': first.session ?? '', 'mcp-protocol-version': revision }
  const second = await connect(nodes[1], { transport, revision, capabilities, headers, open: false })
  onTestFinished(async () => {
    await Promise.all([first.close(), second.close()])
  })
  return { first, second }
}

describe('two nodes with one bus', () => {
  it('a session opened on one is served by the other', async () => {
    const { nodes } = fleet()
    const { second } = await oneSession(nodes)
    expect(textOf(await second.callTool('log'))).toBe('done')
  })

  it('an answer that arrives at the other node reaches the call that asked', async () => {
    const { nodes } = fleet()
    const { first, second } = await oneSession(nodes)
    const call = first.callTool('ask')
    const question = (await first.waitFor((message) => isQuestion(message))) as { id: string }
    await second.post(
      JSON.stringify({
        jsonrpc: '2.0',
        id: question.id,
        result: { action: 'accept', content: { ok: true } },
      }),
    )
    expect(textOf(await call)).toBe('accept')
  })

  it('what answers no question of any node is not told to all of them', async () => {
    const { nodes, published } = fleet()
    const { first, second } = await oneSession(nodes)
    for (const id of [1, 'x', '00000000', '-1', '0000000g-1', 'x00000000-1']) {
      await second.post(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
    }
    await first.request('ping')
    expect(published.filter((message) => message.includes('body'))).toEqual([])
  })

  it('a cancel that arrives at the other node reaches the call', async () => {
    const { nodes, aborted } = fleet()
    const { first, second } = await oneSession(nodes)
    const call = first.callTool('wait', {}, { id: 77, meta: { progressToken: 'p' } })
    call.catch(() => undefined)
    await first.waitFor((message) => JSON.stringify(message).includes('notifications/progress'))
    await second.notify('notifications/cancelled', { requestId: 77 })
    await aborted.opened
  })

  it('a session ended at one node is ended at the other', async () => {
    const { nodes } = fleet()
    const { first, second } = await oneSession(nodes)
    expect(await statusOf(second)).toBe(200)
    const url = first.url ?? ''
    const ended = await fetch(url, { method: 'DELETE', headers: { 'mcp-session-id': first.session ?? '' } })
    expect(ended.status).toBe(204)
    await expect.poll(async () => statusOf(second)).toBe(404)
  })

  it('a log level and a subscription set at one node hold at the other', async () => {
    const { nodes } = fleet()
    const { first, second } = await oneSession(nodes)
    const stream = await second.listen()
    expect(stream?.status).toBe(200)
    await first.request('logging/setLevel', { level: 'debug' })
    await first.request('resources/subscribe', { uri: 'app://one' })
    await expect
      .poll(async () => {
        await second.callTool('log')
        return second.notifications.some(({ method }) => method === 'notifications/message')
      })
      .toBe(true)
    nodes[0].resourceUpdated('app://one')
    await second.waitFor((message) => JSON.stringify(message).includes('notifications/resources/updated'))
  })

  it('a change made on one node is heard by who listens at the other', async () => {
    const { nodes } = fleet()
    const { second } = await oneSession(nodes)
    await second.listen()
    // The first node must have clients of its own for its changes to be any.
    await connect(nodes[0])
    nodes[0].tool('more', { description: 'One more.' }, () => 'more')
    await second.waitFor((message) => JSON.stringify(message).includes('notifications/tools/list_changed'))
  })

  it('a task that runs on one node is looked at, answered and cancelled through the other', async () => {
    const { nodes, aborted } = fleet()
    const capabilities = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const [first, second] = await Promise.all(
      nodes.map((node) => connect(node, { transport: 'http', capabilities })),
    )
    const created = await first?.request('tools/call', { name: 'ask', arguments: {} })
    const taskId = created?.['taskId']
    const look = (): Promise<Record<string, unknown> | undefined> =>
      Promise.resolve(second?.request('tasks/get', { taskId }))
    await expect.poll(async () => (await look())?.['status']).toBe('input_required')
    const [question = ''] = Object.keys((await look())?.['inputRequests'] as object)
    const inputResponses = { [question]: { action: 'accept', content: { ok: true } } }
    expect(await second?.request('tasks/update', { taskId, inputResponses })).toMatchObject({
      resultType: 'complete',
    })
    await expect.poll(async () => (await look())?.['status']).toBe('completed')

    const waiting = await first?.request('tools/call', { name: 'wait', arguments: {} })
    await second?.request('tasks/cancel', { taskId: waiting?.['taskId'] })
    await aborted.opened
  })
})

function isQuestion(message: unknown): boolean {
  return JSON.stringify(message).includes('"elicitation/create"')
}

async function statusOf(client: TestClient): Promise<number | undefined> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'ping' })
  return (await client.post(body))?.status
}
