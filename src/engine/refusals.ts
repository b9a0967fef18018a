import { ProtocolError } from '../errors/protocol-error.js'
import type { RequestId } from '../protocol/json-rpc.js'
import type { Revision } from '../protocol/revisions/revision.js'

/** The refusals that every transport words alike. */

export function duplicateId(id: RequestId): ProtocolError {
  return new ProtocolError(
    'invalid_request',
    `The id ${JSON.stringify(id)} is in flight already; give each request an id of its own.`,
  )
}

export function noBatches(revision: Revision | undefined): ProtocolError {
  const where = revision === undefined ? 'this revision of MCP' : `MCP ${revision.version}`
  return new ProtocolError(
    'invalid_request',
    `Batches are not part of ${where}; send each message by itself.`,
  )
}

/** 2025-03-26, basic/lifecycle: nothing may come before the handshake is done, so it stands alone. */
export function initializeInBatch(): ProtocolError {
  return new ProtocolError('invalid_request', '"initialize" must not be part of a batch.')
}

export function tooManyCalls(where: 'on this connection' | 'on this server'): ProtocolError {
  return new ProtocolError(
    'too_many_requests',
    `Too many calls are in flight ${where}; wait for answers and try again.`,
  )
}

export function shuttingDown(): ProtocolError {
  return new ProtocolError('too_many_requests', 'The server is shutting down; try again in a moment.')
}
