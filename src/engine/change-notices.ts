import type { RequestId } from '../protocol/json-rpc.js'
import { metaKeys } from '../protocol/meta-keys.js'
import type { Change } from './changes.js'
import type { PeerRecord } from './peers.js'

/** The notifications that tell of changes, as whole messages. Those of lists are the same for every client. */
const listChanged = {
  tools: notification('notifications/tools/list_changed'),
  prompts: notification('notifications/prompts/list_changed'),
  resources: notification('notifications/resources/list_changed'),
} as const

/**
 * What a client of the handshake revisions hears of a change: of lists always, of a resource when it subscribed to it.
 */
export function noticeFor(change: Change, record: PeerRecord | undefined): string | undefined {
  switch (change.kind) {
    case 'tools':
    case 'prompts':
    case 'resources':
      return listChanged[change.kind]
    case 'resource':
      if (record?.uris.includes(change.uri) !== true) return undefined
      return notification('notifications/resources/updated', { uri: change.uri })
    case 'task':
      return undefined
  }
}

/** The same under the id of the `subscriptions/listen` request that asked for it (2026-07-28, patterns/subscriptions). */
export function noticeUnder(id: RequestId, method: string, params: object = {}): string {
  return notification(method, { _meta: { [metaKeys.subscriptionId]: id }, ...params })
}

function notification(method: string, params?: object): string {
  return JSON.stringify({ jsonrpc: '2.0', method, ...(params && { params }) })
}
