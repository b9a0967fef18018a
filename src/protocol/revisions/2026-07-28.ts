import { revision20251125 } from './2025-11-25.js'
import type { Revision } from './revision.js'

/**
 * https://modelcontextprotocol.io/specification/2026-07-28/changelog: no handshake and no sessions; every
 * request carries its version and capabilities, every result its type; any JSON may be structured; a server asks by
 * its answer, and tells of changes where a client listens.
 */
export const revision20260728: Revision = {
  ...revision20251125,
  version: '2026-07-28',
  era: 'stateless',
  requests: new Set([
    'server/discover',
    'tools/list',
    'tools/call',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'prompts/list',
    'prompts/get',
    'completion/complete',
    'subscriptions/listen',
    // The extension io.modelcontextprotocol/tasks (SEP-2663).
    'tasks/get',
    'tasks/update',
    'tasks/cancel',
  ]),
  clientFeatures: new Set([...revision20251125.clientFeatures, 'tasks']),
  fields: {
    ...revision20251125.fields,
    serverCapabilities: [...revision20251125.fields.serverCapabilities, 'extensions'],
  },
  structured: 'any',
  resultType: true,
  cacheHints: true,
  resourceNotFound: -32602,
  asks: 'replay',
  http: {
    sessions: false,
    routingHeaders: true,
    disconnectCancels: true,
    primes: false,
    status: {
      ...revision20251125.http.status,
      method_not_found: 404,
      invalid_envelope: 400,
      header_mismatch: 400,
      missing_client_capability: 400,
      unsupported_protocol_version: 400,
    },
  },
}
