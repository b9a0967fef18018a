import type { Server } from 'holdfast'
import type { Message, TestClient } from 'holdfast/testing'
import { envelopeOf } from '../protocol/support.js'

type Id = string | number

export const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'

/** One `subscriptions/listen` that was acknowledged. */
export interface Listener {
  /** What came under its id so far, in order. */
  heard(): readonly Message[]
  /** Once the stream has ended: all that came on it. Over stdio, where streams share one line, what bore its id. */
  readonly all: Promise<readonly Message[]>
}

export interface ListenOptions {
  readonly id?: Id
  readonly meta?: Message
  readonly capabilities?: object
  readonly signal?: AbortSignal
}

/** Listens for what `notifications` names. @throws Error with the answer where there is one instead of a stream. */
export async function listen(
  client: TestClient,
  notifications: unknown,
  { id = 'listen', meta = {}, capabilities = {}, signal }: ListenOptions = {},
): Promise<Listener> {
  const envelope = envelopeOf(client.revision)['_meta'] as Message
  const declared = { 'io.modelcontextprotocol/clientCapabilities': capabilities }
  const frame = JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'subscriptions/listen',
    params: { notifications, _meta: { ...envelope, ...declared, ...meta } },
  })
  const all = client.exchange(frame, signal && { signal }).then(({ messages }) => {
    const came = messages as readonly Message[]
    return client.transport === 'http' ? came : came.filter((message) => isUnder(message, id))
  })
  const ended = all.then((messages) => {
    throw new Error(`There was no stream, but ${JSON.stringify(messages)}.`)
  })
  ended.catch(() => undefined)
  const isAcknowledgement = (message: unknown): boolean =>
    isUnder(message as Message, id) && methodOf(message) === 'notifications/subscriptions/acknowledged'
  await Promise.race([client.waitFor(isAcknowledgement), ended])
  return { all, heard: () => (client.received as Message[]).filter((message) => isUnder(message, id)) }
}

/** Lets a client hear of the changes of all lists, in the way of its revision. */
export async function hearOfLists(client: TestClient): Promise<void> {
  if (client.revision < '2026-07-28') {
    await client.listen()
    return
  }
  const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
  await listen(client, all, { id: 'all lists' })
}

/** The next notification of this method after the first `from` messages, now or later. */
export async function notified(client: TestClient, method: string, from = 0): Promise<Message> {
  return (await client.waitFor((message) => methodOf(message) === method, from)) as Message
}

export function methodOf(message: unknown): unknown {
  return (message as Message)['method']
}

/** The subscription that a message bears, or the request that it answers. */
function isUnder(message: Message, id: Id): boolean {
  const params = (message['params'] ?? {}) as { readonly _meta?: Message }
  return message['id'] === id || params._meta?.[subscriptionKey] === id
}

/** How much there is of what a server keeps under a name. */
export function sizeOf(server: Pick<Server, 'stats'>, name: string): number {
  const found = server.stats().bounded.find((bounded) => bounded.name === name)
  if (found === undefined) throw new Error(`Nothing is called ${JSON.stringify(name)}.`)
  return found.size
}
