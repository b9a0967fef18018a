import type { Revision } from './revision.js'

/** https://modelcontextprotocol.io/specification/2024-11-05 */
export const revision20241105: Revision = {
  version: '2024-11-05',
  era: 'handshake',
  // Batching is not mentioned here; 2025-03-26 brings it and 2025-06-18 takes it away again.
  batches: false,
  requests: new Set([
    'initialize',
    'ping',
    'tools/list',
    'tools/call',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'resources/subscribe',
    'resources/unsubscribe',
    'prompts/list',
    'prompts/get',
    'completion/complete',
    'logging/setLevel',
  ]),
  clientFeatures: new Set(['sampling', 'roots']),
  fields: {
    implementation: ['name', 'version'],
    tool: ['name', 'description', 'inputSchema'],
    resource: ['uri', 'name', 'description', 'mimeType', 'size', 'annotations'],
    resourceTemplate: ['uriTemplate', 'name', 'description', 'mimeType', 'annotations'],
    prompt: ['name', 'description', 'arguments'],
    promptArgument: ['name', 'description', 'required'],
    annotations: ['audience', 'priority'],
    serverCapabilities: ['tools', 'resources', 'prompts', 'logging', 'experimental'],
  },
  content: new Set(['text', 'image', 'resource']),
  structured: 'none',
  resultType: false,
  cacheHints: false,
  resourceNotFound: -32002,
  http: {
    sessions: true,
    routingHeaders: false,
    disconnectCancels: false,
    status: { parse_error: 400, invalid_request: 400, too_many_requests: 503 },
  },
}
