import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Server, ServerOptions, TaskRecord, TaskStore } from 'holdfast'
import { type Cell, cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { byHeader, gate, open, refused, testServer, textOf } from '../protocol/support.js'
import { listen, methodOf } from './listening.js'

const newest = '2026-07-28'
const extension = 'io.modelcontextprotocol/tasks'
const declared = { extensions: { [extension]: {} } }
const complete = { resultType: 'complete' }
const ofTasks = ['tasks/get', 'tasks/update', 'tasks/cancel'] as const

interface Task extends Message {
  readonly taskId: string
  readonly status: string
}

/** A server with tools that may be or must be tasks, that end when they are told to, fail or ask. */
function tasked(options: Partial<ServerOptions> = {}): {
  readonly server: Server<Readonly<Record<string, unknown>>>
  readonly finish: () => void
} {
  const { server } = testServer(options)
  const finished = gate()
  const work = async (): Promise<string> => {
    await finished.opened
    return 'worked'
  }
  server.tool('may', { description: 'May be a task.', task: 'optional' }, work)
  server.tool('must', { description: 'Must be a task.', task: 'required' }, work)
  const later = { support: 'optional', begins: 'handler' } as const
  server.tool('later', { description: 'Becomes a task.', task: later }, async (_args, ctx) => {
    await ctx.beginTask()
    return work()
  })
  server.tool('quick', { description: 'Is done at once.', task: 'optional' }, () => 'quick')
  server.tool('fails', { description: 'Fails as it may.', task: 'optional' }, (_args, ctx) => {
    throw ctx.error('no_luck', { message: 'Not today.' })
  })
  server.tool('throws', { description: 'Fails by mistake.', task: 'optional' }, () => {
    throw new Error('no')
  })
  server.tool('needs', { description: 'Asks for what is not there.', task: 'optional' }, async (_args, ctx) =>
    JSON.stringify(await ctx.roots()),
  )
  server.tool('plain', { description: 'Is never a task.' }, () => 'plain')
  return { server, finish: () => finished.open() }
}

function begin(client: TestClient, name: string, options = {}): Promise<Task> {
  return client.request<Task>('tools/call', { name, arguments: {} }, options)
}

/** A task as its client sees it once it has this status. */
async function until(client: TestClient, taskId: string, status: string): Promise<Message> {
  const look = (): Promise<Message> => client.request('tasks/get', { taskId })
  await expect.poll(async () => (await look())['status'], { interval: 5 }).toBe(status)
  return look()
}

/** A request about a task, whole. */
function about(taskId: unknown): Message {
  return { taskId, inputResponses: {} }
}

describe.each(cells({ transports: ['stdio', 'http'], revisions: [newest] }))('$name', (cell) => {
  it('makes no task of a call whose client has none, and answers or refuses it at once (TSX-01, EXT-01)', async () => {
    const { server, finish } = tasked()
    finish()
    for (const capabilities of [{}, { extensions: {} }, { extensions: { 'com.example/tasks': {} } }]) {
      const client = await open(cell, server, { capabilities })
      for (const name of ['may', 'later', 'quick', 'plain']) {
        const params = { name, arguments: {}, task: { ttl: 60_000 } }
        const result = await client.request('tools/call', params)
        expect([name, result]).toMatchObject([name, { ...complete, content: [{ type: 'text' }] }])
        expect(result).not.toHaveProperty('taskId')
      }
      const refusal = await refused(begin(client, 'must'))
      expect([refusal.code, refusal.data]).toEqual([-32021, { requiredCapabilities: declared }])
      if (cell.transport === 'http') expect(refusal.httpStatus).toBe(400)
    }
    const able = await open(cell, server, { capabilities: declared })
    const discovered = await able.request('server/discover')
    expect(discovered['capabilities']).toMatchObject({ extensions: { [extension]: {} } })
    for (const name of ['may', 'must', 'later']) {
      expect(await begin(able, name)).toMatchObject({ resultType: 'task' })
    }
    expect(await begin(able, 'plain')).toMatchObject(complete)
  })

  it('has a task to look at as soon as its client knows of it (TSX-02)', async () => {
    const records = new Map<string, TaskRecord>()
    const store: TaskStore = {
      async create(record) {
        // A store over a network takes a while.
        for (let turn = 0; turn < 5; turn += 1) await nextTurn()
        records.set(record.id, record)
      },
      get: async (id) => records.get(id),
      update: async (record) => void records.set(record.id, record),
    }
    for (const options of [{}, { stores: { tasks: store } }]) {
      const { server } = tasked(options)
      const client = await open(cell, server, { capabilities: declared })
      const names = ['may', 'must', 'later', 'may', 'must', 'later', 'quick']
      const looks = names.map(async (name) => {
        const created = await begin(client, name)
        return [name, created, await client.request('tasks/get', { taskId: created.taskId })] as const
      })
      for (const [name, created, found] of await Promise.all(looks)) {
        const { taskId, createdAt, ttlMs } = created
        expect([name, created.status]).toEqual([name, 'working'])
        expect(found).toMatchObject({ taskId, createdAt, ttlMs })
        if (name !== 'quick') expect(found['status']).toBe('working')
      }
    }
  })

  it('knows no task that never was (TSX-03)', async () => {
    const client = await open(cell, tasked().server, { capabilities: declared })
    const { taskId } = await begin(client, 'may')
    const near = `${taskId.slice(0, -1)}${taskId.endsWith('A') ? 'B' : 'A'}`
    for (const id of [
      'nobody',
      '',
      near,
      `${taskId} `,
      'x'.repeat(10_000),
      '__proto__',
      7,
      null,
      undefined,
    ]) {
      for (const method of ofTasks) {
        expect([method, (await refused(client.request(method, about(id)))).code]).toEqual([method, -32602])
      }
    }
    expect(await client.request('tasks/get', { taskId })).toMatchObject({ status: 'working' })
  })

  it('serves tasks to clients that declare them, and tells the others what they lack (TSX-04)', async () => {
    const { server, finish } = tasked()
    const able = await open(cell, server, { capabilities: declared })
    const { taskId } = await begin(able, 'may')
    const unable = await open(cell, server, { capabilities: { extensions: { 'com.example/tasks': {} } } })
    const lacking = { code: -32021, data: { requiredCapabilities: declared } }
    const ofHttp = cell.transport === 'http' ? { httpStatus: 400 } : {}
    for (const method of ofTasks) {
      for (const id of [taskId, 'nobody']) {
        expect(await refused(unable.request(method, about(id)))).toMatchObject({ ...lacking, ...ofHttp })
      }
    }
    const listening = unable.request('subscriptions/listen', { notifications: { taskIds: [taskId] } })
    expect(await refused(listening)).toMatchObject({ ...lacking, ...ofHttp })
    const listener = await listen(able, { taskIds: [taskId] }, { capabilities: declared })
    finish()
    const isDone = ({ params }: Message): boolean => (params as Message)['status'] === 'completed'
    await able.waitFor(() => listener.heard().some(isDone))
    expect(listener.heard().slice(1).map(methodOf)).toContain('notifications/tasks')
  })

  it('answers what is asked of a task with a whole result, and an order with nothing in it (TSX-05)', async () => {
    const { server } = tasked()
    const client = await open(cell, server, { capabilities: declared })
    const { taskId } = await begin(client, 'may')
    expect(await client.request('tasks/get', { taskId })).toMatchObject({ ...complete, taskId })
    for (const method of ['tasks/update', 'tasks/cancel', 'tasks/cancel', 'tasks/update']) {
      const acknowledgement = await client.request(method, about(taskId))
      expect([method, acknowledgement]).toEqual([
        method,
        { ...complete, _meta: expect.any(Object) as object },
      ])
    }
  })

  it('completes a task whose tool failed as a tool may, and fails one that met an error of the protocol (TSX-07)', async () => {
    const client = await open(cell, tasked().server, { capabilities: declared })
    for (const [name, said] of [
      ['fails', 'Not today.'],
      ['throws', 'failed for a reason of its own'],
    ] as const) {
      const { taskId } = await begin(client, name)
      const { result, error, ...task } = await until(client, taskId, 'completed')
      expect([name, error, task['resultType']]).toEqual([name, undefined, 'complete'])
      expect(result).toMatchObject({ isError: true })
      expect(textOf(result as { content: object[] })).toContain(said)
    }
    const { taskId } = await begin(client, 'needs')
    const failed = await until(client, taskId, 'failed')
    expect(failed).toMatchObject({ error: { code: -32021 } })
    expect(failed).not.toHaveProperty('result')
  })

  it('gives tasks ids that nobody can guess (TSX-08)', async () => {
    const client = await open(cell, tasked().server, { capabilities: declared })
    const ids: string[] = []
    for (let n = 0; n < 20; n += 1) ids.push((await begin(client, 'may')).taskId)
    for (const [at, id] of ids.entries()) {
      expect(id).toMatch(/^[\x21-\x7e]{22,128}$/)
      for (const other of ids.slice(0, at)) {
        const differing = [...id].filter((character, n) => character !== other[n]).length
        // Six bits a character, of which one in 64 is the same by chance.
        expect(differing * 6).toBeGreaterThan(128)
        expect(id.slice(0, 8)).not.toBe(other.slice(0, 8))
      }
    }
  })
})

describe.each(cells({ transports: ['http'], revisions: [newest] }))('$name', (cell: Cell) => {
  it('compares the header by which proxies route with the task that is meant (TSX-06)', async () => {
    const { server } = tasked()
    const client = await open(cell, server, { capabilities: declared })
    const [one, other] = [await begin(client, 'may'), await begin(client, 'may')]
    const { taskId } = one
    const encoded = (id: string): string => `=?base64?${Buffer.from(id).toString('base64')}?=`
    for (const method of ofTasks) {
      for (const name of [other.taskId, undefined, '', taskId.toLowerCase(), encoded(other.taskId), 'may']) {
        const refusal = await refused(
          client.request(method, about(taskId), { headers: { 'mcp-name': name } }),
        )
        expect([method, name, refusal]).toEqual([
          method,
          name,
          expect.objectContaining({ code: -32020, httpStatus: 400 }),
        ])
      }
    }
    expect(await client.request('tasks/get', { taskId })).toMatchObject({ status: 'working' })
    for (const name of [taskId, encoded(taskId)]) {
      const headers = { 'mcp-name': name }
      expect(await client.request('tasks/get', { taskId }, { headers })).toMatchObject({ taskId })
    }
  })

  it('keeps a task from everybody but whom it belongs to (TSX-09)', async () => {
    const { server, finish } = tasked({ auth: byHeader })
    const alice = await open(cell, server, { capabilities: declared, headers: { 'x-user': 'alice' } })
    const bob = await open(cell, server, { capabilities: declared, headers: { 'x-user': 'bob' } })
    const { taskId } = await begin(alice, 'may')
    for (const method of ofTasks) {
      const theirs = await refused(bob.request(method, about(taskId)))
      const nobodys = await refused(bob.request(method, about('x'.repeat(taskId.length))))
      // It is as if there were none.
      expect([theirs.code, theirs.message.replaceAll(taskId, '?')]).toEqual([
        nobodys.code,
        nobodys.message.replace(/x{9,}/, '?'),
      ])
      expect(theirs.code).toBe(-32602)
    }
    const listener = await listen(bob, { taskIds: [taskId] }, { capabilities: declared })
    expect(listener.heard()).toMatchObject([{ params: { notifications: { taskIds: [] } } }])
    finish()
    const done = await until(alice, taskId, 'completed')
    expect(done).toMatchObject({ result: { content: [{ text: 'worked' }] } })
    await server.close()
    expect((await listener.all).map(methodOf)).not.toContain('notifications/tasks')
  })
})

describe.each(cells({ transports: ['stdio', 'http'], revisions: ['2025-11-25'] }))('$name', (cell) => {
  it('declares no tasks, has no method of theirs and makes no call one (TSL-01, TSL-04)', async () => {
    const { server, finish } = tasked()
    finish()
    const client = await open(cell, server, { capabilities: declared })
    const { capabilities } = client.initialized as { capabilities: object }
    expect(capabilities).not.toHaveProperty('tasks')
    expect(capabilities).not.toHaveProperty('extensions')
    for (const method of [...ofTasks, 'tasks/list', 'tasks/result']) {
      expect([method, (await refused(client.request(method, about('x')))).code]).toEqual([method, -32601])
    }
    for (const tool of (await client.listTools()).tools) expect(tool).not.toHaveProperty('execution')
    for (const [name, said] of [
      ['plain', 'plain'],
      ['quick', 'quick'],
      ['may', 'worked'],
      ['later', 'worked'],
    ]) {
      for (const task of [{}, { ttl: 60_000 }, null, 7]) {
        const result = await client.request('tools/call', { name, arguments: {}, task })
        expect(result).toEqual({ content: [{ type: 'text', text: said }] })
      }
    }
  })
})
