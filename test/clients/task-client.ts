import {
  Client,
  StreamableHTTPClientTransport as Http,
  type SubscriptionFilter,
} from '@modelcontextprotocol/client'
import { StdioClientTransport as Stdio } from '@modelcontextprotocol/client/stdio'
import { z } from 'zod'
import type { TransportV2 } from './desk-client.js'
import { newest, stdioFeatures } from './feature-cells.js'
import type { Asked, Form } from './feature-client.js'
import { Inbox } from './inbox.js'

export const tasksExtension = 'io.modelcontextprotocol/tasks'

const stateSchema = z.looseObject({
  taskId: z.string(),
  status: z.enum(['working', 'input_required', 'completed', 'failed', 'cancelled']),
  statusMessage: z.string().optional(),
  createdAt: z.iso.datetime(),
  lastUpdatedAt: z.iso.datetime(),
  ttlMs: z.number(),
  pollIntervalMs: z.number(),
  inputRequests: z.record(z.string(), z.looseObject({ method: z.string() })).optional(),
  result: z.looseObject({ content: z.array(z.looseObject({ type: z.string() })) }).optional(),
  error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
})
export type TaskState = z.infer<typeof stateSchema>

/** The extension as a client would use it that had it: by the official v2 client, as far as that goes. */
export interface TaskClient {
  /** What the server told on streams that follow tasks. */
  readonly told: Inbox<TaskState>
  readonly errors: Error[]
  readonly serverCapabilities: unknown
  call(name: string, args?: Record<string, unknown>): Promise<string>
  /** Calls a tool that goes on as a task. */
  start(name: string, args?: Record<string, unknown>): Promise<TaskState>
  get(taskId: string): Promise<TaskState>
  /** Looks at the task until it is in this state; rejects when it never will be. */
  poll(taskId: string, status: TaskState['status']): Promise<TaskState>
  answer(taskId: string, inputResponses: Record<string, unknown>): Promise<unknown>
  cancel(taskId: string): Promise<unknown>
  /** Has the server tell of these tasks; gives which of them it agreed to. */
  follow(taskIds: readonly string[]): Promise<{ readonly agreed: unknown; close(): Promise<void> }>
  close(): Promise<void>
}

interface Raw {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly notifications?: { readonly taskIds?: unknown } }
  readonly result?: { readonly resultType?: string }
}

export async function connectTasks(
  place: { readonly url: string } | 'stdio',
  elicit?: (asked: Asked) => Form,
): Promise<TaskClient> {
  const transport: TransportV2 = place === 'stdio' ? new Stdio(stdioFeatures()) : new Http(new URL(place.url))
  const client = new Client(
    { name: 'tasks-test', version: '1.0.0' },
    {
      versionNegotiation: { mode: { pin: newest } },
      capabilities: { extensions: { [tasksExtension]: {} }, ...(elicit && { elicitation: {} }) },
    },
  )
  if (elicit) client.setRequestHandler('elicitation/create', ({ params }) => ({ ...elicit(params) }))
  const told = new Inbox<TaskState>()
  client.setNotificationHandler('notifications/tasks', { params: stateSchema }, (state) => told.put(state))
  const errors: Error[] = []
  client.onerror = (error) => errors.push(error)
  await client.connect(transport)
  const raw = rawMessages(transport)

  const get = (taskId: string): Promise<TaskState> =>
    client.request({ method: 'tasks/get', params: { taskId } }, stateSchema)
  const send = (method: string, params: Record<string, unknown>): Promise<unknown> =>
    client.request({ method, params }, z.looseObject({}))

  return {
    told,
    errors,
    serverCapabilities: client.getServerCapabilities(),
    async call(name, args = {}) {
      const { content } = await client.callTool({ name, arguments: args })
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    },
    async start(name, args = {}) {
      const from = raw.items.length
      // The client takes this for no result that it knows, and says so; the message itself has it.
      await client.callTool({ name, arguments: args }).then(
        (result) => {
          throw new Error(`The call was answered at once and not by a task: ${JSON.stringify(result)}`)
        },
        (error: { code?: unknown; data?: { resultType?: unknown } }) => {
          if (error.data?.resultType !== 'task') throw error
        },
      )
      const { result } = await raw.until((message) => message.result?.resultType === 'task', from)
      return stateSchema.parse(result)
    },
    get,
    async poll(taskId, status) {
      for (;;) {
        const state = await get(taskId)
        if (state.status === status) return state
        if (state.status !== 'working') throw new Error(`The task is ${state.status}, and not ${status}.`)
      }
    },
    answer: (taskId, inputResponses) => send('tasks/update', { taskId, inputResponses }),
    cancel: (taskId) => send('tasks/cancel', { taskId }),
    async follow(taskIds) {
      const from = raw.items.length
      const filter: SubscriptionFilter & { taskIds: readonly string[] } = { taskIds }
      const subscription = await client.listen(filter)
      // The client drops what it does not know of the acknowledgement.
      const { params } = await raw.until(({ method }) => method?.endsWith('/acknowledged') === true, from)
      return { agreed: params?.notifications, close: () => subscription.close() }
    },
    close: () => client.close(),
  }
}

/** All that comes over a transport that is connected already, before the client reads it. */
function rawMessages(transport: TransportV2): Inbox<Raw> {
  const raw = new Inbox<Raw>()
  const read = transport.onmessage
  transport.onmessage = (message, extra) => {
    raw.put(message as Raw)
    read?.(message, extra)
  }
  return raw
}
