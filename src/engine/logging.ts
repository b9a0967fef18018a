import { ProtocolError } from '../errors/protocol-error.js'
import { shown } from '../errors/shown.js'
import { isLogSeverity, logSeverities } from '../protocol/log-level.js'
import type { Exchange } from './exchange.js'
import type { Feature } from './method.js'

/**
 * Log messages to clients (`ctx.logToClient`): the capability, and the method by which the handshake revisions choose
 * a level. The stateless ones say it in each request.
 */
export function loggingFeature(): Feature {
  return {
    methods: { 'logging/setLevel': setLevel },
    offered: () => true,
    capabilities: () => ({ logging: {} }),
  }
}

function setLevel({ params, peers, scope, dialect }: Exchange): string {
  const { level } = params
  if (!isLogSeverity(level)) {
    throw new ProtocolError(
      'invalid_params',
      `"level" must be one of ${logSeverities.join(', ')}, received ${shown(level)}.`,
    )
  }
  const uris = peers?.record(scope)?.uris ?? []
  peers?.change(scope, { level, uris })
  return dialect.result('')
}
