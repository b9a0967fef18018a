import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TaskRecord, TaskStore, ToolOptions } from 'holdfast'
import { type Cell, type ConnectOptions, cells, type Message, type TestClient } from 'holdfast/testing'
import { ableClient, type Ctx, type Round, type TestServer } from '../interaction/support.js'
import { open, testServer } from '../protocol/support.js'

export const taskCells: readonly Cell[] = cells({ revisions: ['2026-07-28'] })
export const memoryCells: readonly Cell[] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })

/** A client that has tasks and can be asked everything. */
export const taskClient = { ...ableClient, extensions: { 'io.modelcontextprotocol/tasks': {} } }

/** What a call of a tool with tasks is answered, and what `tasks/get` says. */
export interface TaskView extends Omit<Round, 'content'> {
  readonly taskId: string
  readonly status: string
  readonly statusMessage?: string
  readonly content?: Round['content']
  readonly result?: Round
  readonly error?: { readonly code: number; readonly message: string }
}

/** A server with one tool that has tasks, and a client of it. */
export async function tasked(
  cell: Pick<Cell, 'connect'>,
  handler: (ctx: Ctx) => unknown,
  options: {
    readonly task?: ToolOptions['task']
    readonly timeout?: number
    readonly server?: Parameters<typeof testServer>[0]
    readonly client?: Partial<ConnectOptions>
  } = {},
): Promise<{
  readonly client: TestClient
  readonly server: TestServer
  readonly logged: ReturnType<typeof testServer>['logged']
}> {
  const { server, logged } = testServer(options.server)
  const { task = 'optional', timeout } = options
  const more = { task, ...(timeout !== undefined && { timeout }) }
  server.tool('work', { description: 'Works.', ...more }, (_args, ctx) => handler(ctx))
  const client = await open(cell, server, { capabilities: taskClient, ...options.client })
  return { client, server, logged }
}

export function begin(client: TestClient, back: Message = {}, signal?: AbortSignal): Promise<TaskView> {
  const params = { name: 'work', arguments: {}, ...back }
  return client.request<TaskView>('tools/call', params, signal === undefined ? {} : { signal })
}

export function look(client: TestClient, taskId: string): Promise<TaskView> {
  return client.request<TaskView>('tasks/get', { taskId })
}

/** A task as its client sees it, once it is as `fits` says. */
export async function lookUntil(
  client: TestClient,
  taskId: string,
  fits: (task: TaskView) => boolean,
): Promise<TaskView> {
  const until = performance.now() + 5000
  for (;;) {
    const task = await look(client, taskId)
    if (fits(task)) return task
    if (performance.now() > until) throw new Error(`The task stays as it is: ${JSON.stringify(task)}`)
    await nextTurn()
  }
}

/** How many tasks run. */
export function runningTasks(server: TestServer): number | undefined {
  return server.stats().bounded.find(({ name }) => name === 'tasks that run')?.size
}

/** A store of a test's own: what it is given is kept, after what the test puts in between. */
export function taskStore(between: {
  readonly create?: (record: TaskRecord) => Promise<void>
  readonly update?: (record: TaskRecord) => Promise<void>
}): TaskStore & { readonly records: Map<string, TaskRecord> } {
  const records = new Map<string, TaskRecord>()
  return {
    records,
    async create(record) {
      await between.create?.(record)
      records.set(record.id, record)
    },
    get: async (id) => records.get(id),
    async update(record) {
      await between.update?.(record)
      records.set(record.id, record)
    },
  }
}
