import { isRequestId, type NotificationFrame, type RequestId } from '../protocol/json-rpc.js'
import type { Exchange } from './exchange.js'
import type { Counters } from './stats.js'

/**
 * Takes what a client notifies of, on a connection or in a session. A cancel for a call that is unknown or
 * over is ignored, as the specification asks (basic/utilities/cancellation); unknown notifications are counted.
 */
export function takeNotification(
  { method, params }: NotificationFrame,
  find: (id: RequestId) => Exchange | undefined,
  counters: Counters,
  /** Hears of a cancel for a call that is not here: over, unknown, or on another node. */
  notHere?: (id: RequestId) => void,
): void {
  switch (method) {
    case 'notifications/cancelled': {
      const { requestId } = params
      if (!isRequestId(requestId)) break
      const exchange = find(requestId)
      if (exchange === undefined) notHere?.(requestId)
      else exchange.end('cancelled')
      break
    }
    case 'notifications/initialized':
    case 'notifications/roots/list_changed':
      break
    default:
      counters.unknownNotifications += 1
  }
}
