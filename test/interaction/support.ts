import type { ClientCapabilities, HandlerContext } from 'holdfast'
import {
  type Answers,
  type Cell,
  cells,
  type Message,
  type RequestOptions,
  type Revision,
  type TestClient,
  type ToolCallResult,
  type Transport,
} from 'holdfast/testing'
import { z } from 'zod'
import { open, testServer } from '../protocol/support.js'

export type TestServer = ReturnType<typeof testServer>['server']
/** What a handler of a test is given. */
export type Ctx = HandlerContext<Readonly<Record<string, unknown>>>

/** The revisions in which a client can be asked to fill in a form. */
export const asking: readonly Revision[] = ['2025-06-18', '2025-11-25', '2026-07-28']
/** Those in which a question is a request to the client. */
export const byRequest: readonly Revision[] = ['2025-06-18', '2025-11-25']
/** The one in which a question is an answer that the client comes back from. */
export const byReplay: readonly Revision[] = ['2026-07-28']

export const askingCells: readonly Cell[] = cells({ revisions: asking })
export const requestCells: readonly Cell[] = cells({ revisions: byRequest })
export const replayCells: readonly Cell[] = cells({ revisions: byReplay })
export const inMemory: readonly Transport[] = ['memory']

/** A client that can be asked everything. */
export const ableClient: ClientCapabilities = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {}, context: {} },
  roots: {},
}

export const nameForm = {
  message: 'What is your name?',
  schema: z.object({ name: z.string().min(2).describe('Your name.') }),
} as const

export const sizeForm = {
  message: 'Which size?',
  schema: z.object({ size: z.enum(['s', 'm', 'l']).describe('One of three.') }),
} as const

/** Accepts a form with the given content. */
export const accept = (content: object) => ({ action: 'accept', content })

/** Answers forms by what they ask for: the first property decides. */
export const fillsIn: Answers = {
  'elicitation/create': ({ requestedSchema }) => {
    const [first = ''] = Object.keys((requestedSchema as { properties: object }).properties)
    return accept({ [first]: { name: 'Ada', size: 'm' }[first] ?? first })
  },
}

/** A question that travels in an answer. */
export interface AskedQuestion {
  readonly method: string
  readonly params: Message
}

/** A result that asks, or one that does not. */
export interface Round extends ToolCallResult {
  readonly resultType?: string
  readonly inputRequests?: Readonly<Record<string, AskedQuestion>>
  readonly requestState?: string
}

/** What a client brings back. */
export interface Return {
  readonly requestState?: unknown
  readonly inputResponses?: unknown
}

/** Sends one round of a call by hand, under 2026-07-28. */
export function round(
  client: TestClient,
  name: string,
  back: Return = {},
  args: Message = {},
  options: RequestOptions = {},
): Promise<Round> {
  return client.request<Round>('tools/call', { name, arguments: args, ...back }, options)
}

/** The first key that a result asks for. */
export function keyOf(asked: Round): string {
  return Object.keys(asked.inputRequests ?? {})[0] ?? ''
}

/** The messages of all that a result asks. */
export function messagesOf(asked: Round): readonly unknown[] {
  return Object.values(asked.inputRequests ?? {}).map(({ params }) => params['message'])
}

/** The code of a tool error, for programs. */
export function codeOf(result: ToolCallResult): unknown {
  return (result._meta?.['dev.holdfast/error'] as { code?: unknown } | undefined)?.code
}

/** A server with one tool, and a client of it that can be asked everything; it answers what `answers` has, by itself. */
export async function asked(
  cell: Pick<Cell, 'connect'>,
  handler: (ctx: Ctx) => unknown,
  options: { readonly answers?: Answers; readonly server?: Parameters<typeof testServer>[0] } = {},
): Promise<{
  readonly client: TestClient
  readonly server: TestServer
  readonly logged: ReturnType<typeof testServer>['logged']
}> {
  const { server, logged } = testServer(options.server)
  server.tool('ask', { description: 'Asks.' }, (_args, ctx) => handler(ctx))
  const { answers = {} } = options
  const client = await open(cell, server, { capabilities: ableClient, answers })
  return { client, server, logged }
}

/** How many calls run, and how many questions wait, in each table of the server that holds such. */
export function waiting(
  server: TestServer,
  what: 'calls in flight' | 'requests in flight' | 'questions',
): number[] {
  return server
    .stats()
    .bounded.filter(({ name }) => name.startsWith(what))
    .map(({ size }) => size)
}
