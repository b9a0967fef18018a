import type { Principal } from '../contracts/principal.js'
import type { Exchange } from '../engine/exchange.js'
import type { Feature } from '../engine/method.js'
import { maxSubscribedUris } from '../engine/peers.js'
import { ProtocolError } from '../errors/protocol-error.js'

export interface ResourceSubscriptionsOptions {
  offered(): boolean
  /** Whether there is such a resource, for this caller. */
  exists(uri: string, principal: Principal): boolean
}

/**
 * `resources/subscribe` and `resources/unsubscribe` of the handshake revisions: which resources a session wants to
 * hear of. What it hears, and where, is the business of whoever holds its connection.
 */
export function resourceSubscriptions(options: ResourceSubscriptionsOptions): Feature {
  function subscribe(exchange: Exchange): string {
    const uri = uriOf(exchange)
    if (!options.exists(uri, exchange.principal)) {
      const shown = uri.slice(0, 200)
      throw new ProtocolError(
        'resource_not_found',
        `There is no resource ${JSON.stringify(shown)} to subscribe to; resources/list names those there are.`,
        { data: { uri: shown } },
      )
    }
    const { peers, scope, dialect } = exchange
    const { level, uris = [] } = peers?.record(scope) ?? {}
    if (!uris.includes(uri)) {
      if (uris.length >= maxSubscribedUris) {
        throw new ProtocolError(
          'too_many_requests',
          `A client may subscribe to ${maxSubscribedUris} resources; unsubscribe from one first.`,
        )
      }
      peers?.change(scope, { level, uris: [...uris, uri] })
    }
    return dialect.result('')
  }

  function unsubscribe(exchange: Exchange): string {
    const uri = uriOf(exchange)
    const { peers, scope, dialect } = exchange
    const { level, uris = [] } = peers?.record(scope) ?? {}
    if (uris.includes(uri)) peers?.change(scope, { level, uris: uris.filter((one) => one !== uri) })
    return dialect.result('')
  }

  return {
    methods: { 'resources/subscribe': subscribe, 'resources/unsubscribe': unsubscribe },
    offered: options.offered,
    capabilities: () => ({}),
  }
}

function uriOf({ params: { uri } }: Exchange): string {
  if (typeof uri === 'string' && uri !== '') return uri
  throw new ProtocolError('invalid_params', '"uri" must be a string: the resource to hear of.')
}
