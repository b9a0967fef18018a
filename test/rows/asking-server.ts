import type { ClientCapabilities, Server, ServerOptions } from 'holdfast'
import type { Message, TestClient } from 'holdfast/testing'
import { testServer } from '../protocol/support.js'

/** A client that can answer everything. */
export const able: ClientCapabilities = { elicitation: {}, sampling: {}, roots: {} }

export const schema = {
  type: 'object',
  properties: { name: { type: 'string', minLength: 2 } },
  required: ['name'],
} as const

const model = {
  key: 'model',
  messages: [{ role: 'user', content: { type: 'text', text: 'Say hello.' } }],
  maxTokens: 10,
} as const

/** What each of a tool's runs was given by its client. */
export interface Seen {
  readonly names: unknown[]
  /** How often `ctx.once` ran what is to happen once. */
  orders: number
}

/**
 * A server that asks wherever a server may: tools, a prompt and a resource, by `key` the same question `who`. `steps`
 * asks two in a row, `order` does something once before it asks, `once` takes a state once only.
 */
export function askingServer(options: Partial<ServerOptions> = {}): {
  readonly server: Server<Readonly<Record<string, unknown>>>
  readonly seen: Seen
} {
  const { server } = testServer(options)
  const seen: Seen = { names: [], orders: 0 }
  const who = { key: 'who', message: 'Who are you?', schema }
  const input = { type: 'object', properties: { note: { type: 'string' } } } as const
  server.tool('name', { description: 'Asks for a name.', input }, async (_args, ctx) => {
    const answer = await ctx.elicit(who)
    seen.names.push(answer.action === 'accept' ? answer.content.name : answer.action)
    return `named ${String(seen.names.at(-1))}`
  })
  server.tool('other', { description: 'Asks the same.', input }, async (_args, ctx) => {
    seen.names.push((await ctx.elicit(who)).action)
    return 'other'
  })
  server.tool('all', { description: 'Asks all there is.' }, async (_args, ctx) => {
    const [form, sampled, roots] = await Promise.all([
      ctx.elicit(who),
      ctx.sample(model),
      ctx.roots({ key: 'roots' }),
    ])
    return JSON.stringify([form.action, sampled.model, roots.length])
  })
  server.tool('degrades', { description: 'Asks what it can.' }, async (_args, ctx) => {
    const answers = await Promise.all([
      ctx.supports('elicitation') ? ctx.elicit(who) : undefined,
      ctx.supports('sampling') ? ctx.sample(model) : undefined,
      ctx.supports('roots') ? ctx.roots({ key: 'roots' }) : undefined,
    ])
    return `asked ${answers.filter((answer) => answer !== undefined).length}`
  })
  server.tool('steps', { description: 'Asks two in a row.', input }, async (_args, ctx) => {
    const first = await ctx.elicit(who)
    const second = await ctx.elicit({ ...who, key: 'then', message: 'And then?' })
    return `${first.action} ${second.action === 'accept' ? second.content.name : second.action}`
  })
  server.tool('order', { description: 'Orders once, then asks.', input }, async (_args, ctx) => {
    const order = await ctx.once('order', () => {
      seen.orders += 1
      return { secret: 'hunter2-of-the-order', number: seen.orders }
    })
    await ctx.elicit(who)
    return `order ${order.number}`
  })
  server.tool('once', { description: 'Counts once.', singleUse: true }, async (_args, ctx) => {
    seen.names.push((await ctx.elicit(who)).action)
    return 'counted'
  })
  server.prompt('brief', { description: 'Asks for a name.' }, async (_args, ctx) => {
    const answer = await ctx.elicit(who)
    return `Greet ${answer.action === 'accept' ? answer.content.name : 'nobody'}.`
  })
  server.resource('private', { uri: 'app://private', description: 'Asks first.' }, async (_request, ctx) => {
    const answer = await ctx.elicit(who)
    return `for ${answer.action === 'accept' ? answer.content.name : 'nobody'}`
  })
  return { server, seen }
}

/** The requests whose handlers ask, one of each kind. */
export const askingRequests: readonly (readonly [method: string, params: Message])[] = [
  ['tools/call', { name: 'name', arguments: {} }],
  ['prompts/get', { name: 'brief' }],
  ['resources/read', { uri: 'app://private' }],
]

export const accepted = (name: unknown): object => ({ action: 'accept', content: { name } })

/** A result that asks, as it came. */
export interface Asking extends Message {
  readonly requestState: string
  readonly inputRequests: Readonly<Record<string, { readonly method: string; readonly params: Message }>>
}

/** Calls a tool and gives its result, whether it asks or not. */
export function call(client: TestClient, name: string, more: Message = {}): Promise<Asking> {
  return client.request<Asking>('tools/call', { name, arguments: {}, ...more })
}
