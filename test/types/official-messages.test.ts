import {
  CreateMessageRequestSchema,
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ProgressNotificationSchema,
  ResourceUpdatedNotificationSchema,
  SubscriptionsAcknowledgedNotificationSchema,
  SubscriptionsListenResultSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/core'
import { createServer, type Server } from 'holdfast'
import { connect, type Revision } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'

/** What a server sends beside answers, by method. Parsing drops what the official schemas do not know. */
const schemas = {
  'elicitation/create': ElicitRequestSchema,
  'sampling/createMessage': CreateMessageRequestSchema,
  'roots/list': ListRootsRequestSchema,
  'notifications/message': LoggingMessageNotificationSchema,
  'notifications/progress': ProgressNotificationSchema,
  'notifications/elicitation/complete': ElicitationCompleteNotificationSchema,
  'notifications/resources/updated': ResourceUpdatedNotificationSchema,
  'notifications/tools/list_changed': ToolListChangedNotificationSchema,
  'notifications/subscriptions/acknowledged': SubscriptionsAcknowledgedNotificationSchema,
} as const

const capabilities = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }
const answers = {
  'elicitation/create': ({ mode }: { readonly mode?: unknown }) =>
    mode === 'url' ? { action: 'accept' } : { action: 'accept', content: { name: 'Ada' } },
  'sampling/createMessage': () => ({
    role: 'assistant',
    content: { type: 'text', text: 'Yes.' },
    model: 'model',
  }),
  'roots/list': () => ({ roots: [{ uri: 'file:///work' }] }),
}

function talkative(): Server {
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const server = createServer({ name: 'talkative', version: '1.0.0', logger })
  onTestFinished(() => server.close({ timeoutMs: 100 }))
  server.tool('talk', { description: 'Says and asks all there is.' }, async (_args, ctx) => {
    await ctx.progress(1, 2, 'begun')
    await ctx.logToClient('warning', { rows: 3 }, 'reader')
    if (ctx.supports('elicitation')) {
      await ctx.elicit({
        message: 'Who?',
        schema: z.object({
          name: z.string().min(1).max(20).default('Ada').describe('Your name.'),
          mail: z.email().optional().describe('Your address.'),
          age: z.number().int().min(0).optional().describe('Years.'),
          plan: z.enum(['free', 'paid']).optional().describe('Plan.'),
          news: z.boolean().optional().describe('Whether to send news.'),
        }),
      })
    }
    if (ctx.supports('elicitation.url')) {
      await ctx.elicitUrl({ message: 'Log in.', url: 'https://example.com/login', elicitationId: 'e1' })
      await ctx.elicitationComplete('e1')
    }
    await ctx.sample({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Well?' }] }],
      maxTokens: 10,
      systemPrompt: 'Be brief.',
      temperature: 0.5,
      stopSequences: ['.'],
      modelPreferences: { hints: [{ name: 'small' }], speedPriority: 1 },
    })
    await ctx.roots()
    return 'done'
  })
  server.resource('one', { uri: 'app://one', description: 'One.' }, () => 'one')
  return server
}

function known(messages: readonly unknown[]): readonly string[] {
  const seen = new Set<string>()
  for (const message of messages) {
    const {
      method,
      jsonrpc: _version,
      id: _id,
      ...rest
    } = message as { method?: keyof typeof schemas; jsonrpc: string; id?: string }
    if (method === undefined) continue
    const sent = { method, ...rest }
    expect(schemas[method].parse(sent), JSON.stringify(sent)).toEqual(sent)
    seen.add(method)
  }
  return [...seen].sort()
}

describe('every message beside answers is known to the official schemas', () => {
  const handshake: Revision[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']

  it.each(handshake)('%s', async (revision) => {
    const server = talkative()
    const client = await connect(server, { revision, capabilities, answers })
    await client.request('logging/setLevel', { level: 'debug' })
    await client.request('resources/subscribe', { uri: 'app://one' })
    await client.callTool('talk', {}, { meta: { progressToken: 't' } })
    server.resourceUpdated('app://one')
    server.tool('more', { description: 'More.' }, () => 'more')
    await client.waitFor((message) => JSON.stringify(message).includes('notifications/tools/list_changed'))
    expect(known(client.received)).toEqual(
      [
        ...(revision >= '2025-06-18' ? ['elicitation/create'] : []),
        ...(revision >= '2025-11-25' ? ['notifications/elicitation/complete'] : []),
        'notifications/message',
        'notifications/progress',
        'notifications/resources/updated',
        'notifications/tools/list_changed',
        'roots/list',
        'sampling/createMessage',
      ].sort(),
    )
  })

  it('2026-07-28', async () => {
    const server = talkative()
    const asked: unknown[] = []
    const client = await connect(server, {
      // The official schema of a page to open is that of 2025-11-25, with an id that 2026-07-28 took out.
      capabilities: { ...capabilities, elicitation: {} },
      answers: Object.fromEntries(
        Object.entries(answers).map(([method, answer]) => [
          method,
          (params: object) => {
            asked.push({ jsonrpc: '2.0', id: 1, method, params })
            return answer(params)
          },
        ]),
      ),
    })
    const listening = client.request('subscriptions/listen', {
      notifications: { toolsListChanged: true, resourceSubscriptions: ['app://one'] },
    })
    await client.waitFor((message) => JSON.stringify(message).includes('acknowledged'))
    const meta = { progressToken: 't', 'io.modelcontextprotocol/logLevel': 'debug' }
    await client.callTool('talk', {}, { meta })
    server.resourceUpdated('app://one')
    server.tool('more', { description: 'More.' }, () => 'more')
    await client.waitFor((message) => JSON.stringify(message).includes('notifications/tools/list_changed'))
    await server.close({ timeoutMs: 1000 })
    const ended = await listening
    expect(SubscriptionsListenResultSchema.parse(ended)).toEqual(ended)
    // Over a shared channel the end of a subscription is announced as well; that notification is older than the schema.
    const others = client.received.filter(
      (message) => !JSON.stringify(message).includes('notifications/cancelled'),
    )
    expect(known([...others, ...asked])).toEqual([
      'elicitation/create',
      'notifications/message',
      'notifications/progress',
      'notifications/resources/updated',
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
      'roots/list',
      'sampling/createMessage',
    ])
  })
})
