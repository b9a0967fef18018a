import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import type { Principal } from '../contracts/principal.js'
import type { Deferral } from '../engine/background.js'
import { noticeUnder } from '../engine/change-notices.js'
import type { Change, Changes } from '../engine/changes.js'
import type { Exchange } from '../engine/exchange.js'
import { type ExpiryOptions, whenExpired } from '../engine/expiry.js'
import type { Method } from '../engine/method.js'
import { maxSubscribedUris } from '../engine/peers.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import { metaKeys } from '../protocol/meta-keys.js'
import { clientSupports, toCapabilities } from '../protocol/revisions/revision.js'

/** Tasks that one stream may follow; each is looked up before the stream is acknowledged. */
const maxTaskIds = 100

export interface SubscriptionsOptions extends ExpiryOptions {
  readonly changes: Changes
  /** Streams that may listen at once. */
  readonly limit: number
  offers(kind: 'tools' | 'prompts' | 'resources'): boolean
  /** Whether there is such a resource, for this caller. */
  exists(uri: string, principal: Principal): boolean
  deferral(): Deferral | undefined
}

/** What a stream asked for, as far as the server agreed (2026-07-28, patterns/subscriptions, "Acknowledgment"). */
interface Filter {
  readonly toolsListChanged?: true
  readonly promptsListChanged?: true
  readonly resourcesListChanged?: true
  readonly resourceSubscriptions?: readonly string[]
  readonly taskIds?: readonly string[]
}

/** `subscriptions/listen`: one request for each stream, answered when the server ends it. */
export class Subscriptions implements Bounded {
  readonly #options: SubscriptionsOptions
  #size = 0
  #refused = 0

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  /** @throws ProtocolError for a filter that is none, and where there is no room or no stream. */
  readonly listen: Method = (exchange) => this.#listen(exchange)

  stats(): BoundedStats {
    return {
      name: 'subscriptions',
      size: this.#size,
      limit: this.#options.limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }

  async #listen(exchange: Exchange): Promise<string> {
    const asked = readFilter(exchange)
    if (!exchange.hasStream) {
      throw new ProtocolError(
        'invalid_request',
        '"subscriptions/listen" is answered by a stream; send "Accept: application/json, text/event-stream".',
      )
    }
    if (this.#size >= this.#options.limit) {
      this.#refused += 1
      throw new ProtocolError('too_many_requests', 'Too many streams listen on this server; try again later.')
    }
    this.#size += 1
    try {
      const filter = await this.#agree(asked, exchange)
      return await this.#follow(filter, exchange)
    } finally {
      this.#size -= 1
    }
  }

  async #agree(asked: Filter, exchange: Exchange): Promise<Filter> {
    const { offers, exists, deferral } = this.#options
    const uris = asked.resourceSubscriptions?.filter((uri) => exists(uri, exchange.principal))
    const states = await Promise.all((asked.taskIds ?? []).map((id) => deferral()?.state(id, exchange)))
    const taskIds = asked.taskIds?.filter((_id, index) => states[index] !== undefined)
    return {
      ...(asked.toolsListChanged && offers('tools') && { toolsListChanged: true }),
      ...(asked.promptsListChanged && offers('prompts') && { promptsListChanged: true }),
      ...(asked.resourcesListChanged && offers('resources') && { resourcesListChanged: true }),
      ...(uris && offers('resources') && { resourceSubscriptions: uris }),
      ...(taskIds && { taskIds }),
    }
  }

  /** Resolves when the stream is ended, with its last message. */
  #follow(filter: Filter, exchange: Exchange): Promise<string> {
    const { id, dialect } = exchange
    const { changes } = this.#options
    exchange.lasting = true
    void exchange.send(noticeUnder(id, 'notifications/subscriptions/acknowledged', { notifications: filter }))
    const uris = new Set(filter.resourceSubscriptions)
    const tasks = new Set(filter.taskIds)
    const stop = changes.listen((change) => {
      const method = methodFor(change, filter, uris)
      if (method !== undefined) {
        const params = change.kind === 'resource' ? { uri: change.uri } : {}
        void exchange.send(noticeUnder(id, method, params))
      } else if (change.kind === 'task' && tasks.has(change.id)) {
        this.#tellOfTask(change.id, exchange)
      }
    })
    // What happened to a task before this stream was there is told too.
    for (const task of tasks) this.#tellOfTask(task, exchange)
    // Its client comes back with a new token; what is refused then says why.
    const keep = whenExpired(exchange.principal, this.#options, () => exchange.end('closing'))
    return new Promise((resolve) => {
      exchange.whenEnded(() => {
        keep()
        stop()
        resolve(dialect.result('', { meta: { [metaKeys.subscriptionId]: id } }))
      })
    })
  }

  #tellOfTask(id: string, exchange: Exchange): void {
    const state = this.#options.deferral()?.state(id, exchange)
    state?.then(
      (task) => {
        if (task !== undefined) void exchange.send(noticeUnder(exchange.id, 'notifications/tasks', task))
      },
      // A store that is out of reach: the client can still ask.
      () => undefined,
    )
  }
}

function methodFor(change: Change, filter: Filter, uris: ReadonlySet<string>): string | undefined {
  switch (change.kind) {
    case 'tools':
      return filter.toolsListChanged && 'notifications/tools/list_changed'
    case 'prompts':
      return filter.promptsListChanged && 'notifications/prompts/list_changed'
    case 'resources':
      return filter.resourcesListChanged && 'notifications/resources/list_changed'
    case 'resource':
      return uris.has(change.uri) ? 'notifications/resources/updated' : undefined
    case 'task':
      return undefined
  }
}

/** @throws ProtocolError for a filter that is none, or that asks for tasks although the client has none. */
function readFilter({ params, dialect, client }: Exchange): Filter {
  const { notifications } = params
  if (!isRecord(notifications)) {
    throw new ProtocolError(
      'invalid_params',
      '"notifications" must be an object that says what to hear of, such as { "toolsListChanged": true }.',
    )
  }
  const { resourceSubscriptions, taskIds } = notifications
  const filter: Filter = {
    ...(flag(notifications, 'toolsListChanged') && { toolsListChanged: true }),
    ...(flag(notifications, 'promptsListChanged') && { promptsListChanged: true }),
    ...(flag(notifications, 'resourcesListChanged') && { resourcesListChanged: true }),
    ...(resourceSubscriptions !== undefined && {
      resourceSubscriptions: texts(resourceSubscriptions, 'resourceSubscriptions', maxSubscribedUris),
    }),
    ...(taskIds !== undefined && { taskIds: texts(taskIds, 'taskIds', maxTaskIds) }),
  }
  if (filter.taskIds !== undefined && !clientSupports(dialect.revision, client.capabilities, 'tasks')) {
    throw new ProtocolError(
      'missing_client_capability',
      'To hear of tasks a client must declare the extension io.modelcontextprotocol/tasks.',
      { data: { requiredCapabilities: toCapabilities(['tasks']) } },
    )
  }
  return filter
}

function flag(notifications: Record<string, unknown>, name: string): boolean {
  const value = notifications[name]
  if (value === undefined || typeof value === 'boolean') return value === true
  throw new ProtocolError('invalid_params', `"notifications.${name}" must be true or false.`)
}

function texts(value: unknown, name: string, most: number): readonly string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw new ProtocolError('invalid_params', `"notifications.${name}" must be an array of strings.`)
  }
  if (value.length > most) {
    throw new ProtocolError(
      'invalid_params',
      `"notifications.${name}" may hold ${most} entries, received ${value.length}; open another stream for more.`,
    )
  }
  return value
}
