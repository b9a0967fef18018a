import {
  Client as ClientV2,
  type McpSubscription,
  type SubscriptionFilter,
} from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import {
  CreateMessageRequestSchema,
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { type Answer, answerOf, offerV1, type TransportV1, type TransportV2 } from './desk-client.js'
import { Inbox } from './inbox.js'

export interface Heard {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

export interface Form {
  readonly action: 'accept' | 'decline' | 'cancel'
  readonly content?: Record<string, string | number | boolean | string[]>
}

/** What a client is asked, as far as these tests look at it. */
export interface Asked {
  readonly message: string
  readonly mode?: string | undefined
  readonly url?: string | undefined
  readonly requestedSchema?: unknown
}

/** How a client answers; what it has no answer for, it does not declare. */
export interface ClientAnswers {
  /** The signal fires when nobody wants the answer any more. */
  readonly elicit?: (asked: Asked, signal: AbortSignal) => Form | Promise<Form>
  /** The text that its model says. */
  readonly sample?: () => string | Promise<string>
  readonly roots?: () => readonly string[] | Promise<readonly string[]>
}

export interface FeatureClientOptions {
  readonly answers?: ClientAnswers
  /** Called with the names of the tools whenever the client itself noticed that they changed. */
  readonly onTools?: (names: readonly string[]) => void
  /** Comes back to lost streams soon, whatever the server says; the v1 client always does as it is told. */
  readonly hurries?: boolean
}

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly onprogress?: (progress: Progress) => void
  readonly meta?: Record<string, unknown>
}

export interface Progress {
  readonly progress: number
  readonly total?: number | undefined
  readonly message?: string | undefined
}

/** What the two official clients have in common, as far as features go beyond plain answers. */
export interface FeatureClient {
  readonly revision: string
  /** Notifications that the client took for good ones, beside progress. */
  readonly heard: Inbox<Heard>
  /** Whatever the client found wrong with what came. */
  readonly errors: Error[]
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Answer>
  read(uri: string, options?: CallOptions): Promise<string>
  prompt(name: string): Promise<unknown>
  setLevel(level: 'debug' | 'info' | 'warning' | 'error'): Promise<unknown>
  subscribe(uri: string): Promise<unknown>
  unsubscribe(uri: string): Promise<unknown>
  /** Rejects on a connection whose revision has no `subscriptions/listen`. */
  listen(filter: SubscriptionFilter): Promise<McpSubscription>
  close(): Promise<void>
}

const clientInfo = { name: 'features-test', version: '1.0.0' }

function capabilitiesOf({ elicit, sample, roots }: ClientAnswers): object {
  return {
    ...(elicit && { elicitation: { form: {}, url: {} } }),
    ...(sample && { sampling: {} }),
    ...(roots && { roots: {} }),
  }
}

function optionsOf({ answers = {}, onTools }: FeatureClientOptions): object {
  const onChanged = (error: Error | null, tools: readonly { name: string }[] | null): void => {
    if (error !== null) throw error
    onTools?.((tools ?? []).map(({ name }) => name))
  }
  return {
    capabilities: capabilitiesOf(answers),
    ...(onTools && { listChanged: { tools: { onChanged, debounceMs: 0 } } }),
  }
}

const sampled = (text: string) =>
  ({ model: 'test-model', role: 'assistant', content: { type: 'text', text } }) as const
const rootList = (uris: readonly string[]) => ({ roots: uris.map((uri) => ({ uri })) })

/** The v1 client; `offer` is the revision that it asks for, as older releases of it do. */
export async function connectFeaturesV1(
  transport: TransportV1,
  options: FeatureClientOptions,
  offer: string,
): Promise<FeatureClient> {
  const settled = offerV1(transport, offer)
  const client = new ClientV1(clientInfo, optionsOf(options))
  const { elicit, sample, roots } = options.answers ?? {}
  if (elicit) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }, { signal }) => ({
      ...(await elicit(params, signal)),
    }))
  }
  if (sample) client.setRequestHandler(CreateMessageRequestSchema, async () => sampled(await sample()))
  if (roots) client.setRequestHandler(ListRootsRequestSchema, async () => rootList(await roots()))
  const heard = new Inbox<Heard>()
  const hear = ({ method, params = {} }: { method: string; params?: object | undefined }): void =>
    heard.put({ method, params: { ...params } })
  client.setNotificationHandler(LoggingMessageNotificationSchema, hear)
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, hear)
  client.setNotificationHandler(ResourceListChangedNotificationSchema, hear)
  client.setNotificationHandler(ToolListChangedNotificationSchema, hear)
  client.setNotificationHandler(PromptListChangedNotificationSchema, hear)
  client.setNotificationHandler(ElicitationCompleteNotificationSchema, hear)
  const errors = errorsOf(client)
  await client.connect(transport)
  return { ...common(client), revision: settled() ?? '', heard, errors }
}

export type Negotiation = { mode: 'legacy' | 'auto' | { pin: string } }

export async function connectFeaturesV2(
  transport: TransportV2,
  options: FeatureClientOptions,
  versionNegotiation: Negotiation,
): Promise<FeatureClient> {
  const client = new ClientV2(clientInfo, { ...optionsOf(options), versionNegotiation })
  const { elicit, sample, roots } = options.answers ?? {}
  if (elicit) {
    client.setRequestHandler('elicitation/create', async ({ params }, { mcpReq }) => ({
      ...(await elicit(params, mcpReq.signal)),
    }))
  }
  if (sample) client.setRequestHandler('sampling/createMessage', async () => sampled(await sample()))
  if (roots) client.setRequestHandler('roots/list', async () => rootList(await roots()))
  const heard = new Inbox<Heard>()
  const hear = ({ method, params = {} }: { method: string; params?: object | undefined }): void =>
    heard.put({ method, params: { ...params } })
  client.setNotificationHandler('notifications/message', hear)
  client.setNotificationHandler('notifications/resources/updated', hear)
  client.setNotificationHandler('notifications/resources/list_changed', hear)
  client.setNotificationHandler('notifications/tools/list_changed', hear)
  client.setNotificationHandler('notifications/prompts/list_changed', hear)
  client.setNotificationHandler('notifications/elicitation/complete', hear)
  const errors = errorsOf(client)
  await client.connect(transport)
  return { ...common(client), revision: client.getNegotiatedProtocolVersion() ?? '', heard, errors }
}

function errorsOf(client: ClientV1 | ClientV2): Error[] {
  const errors: Error[] = []
  client.onerror = (error) => errors.push(error)
  return errors
}

/** What the two classes share in name and shape, but not in type. */
function common(client: ClientV1 | ClientV2): Omit<FeatureClient, 'revision' | 'heard' | 'errors'> {
  return {
    async call(name, args = {}, { meta, ...options } = {}) {
      const params = { name, arguments: args, ...(meta && { _meta: meta }) }
      return answerOf(
        client instanceof ClientV1
          ? await client.callTool(params, undefined, options)
          : await client.callTool(params, options),
      )
    },
    async read(uri, { meta: _unused, ...options } = {}) {
      const { contents } = await client.readResource({ uri }, options)
      return contents.map((part) => ('text' in part ? part.text : '')).join('')
    },
    prompt: async (name) => (await client.getPrompt({ name })).messages,
    setLevel: (level) => client.setLoggingLevel(level),
    subscribe: (uri) => client.subscribeResource({ uri }),
    unsubscribe: (uri) => client.unsubscribeResource({ uri }),
    async listen(filter) {
      if (client instanceof ClientV1) throw new Error('The v1 client knows no subscriptions/listen.')
      return client.listen(filter)
    },
    close: () => client.close(),
  }
}
