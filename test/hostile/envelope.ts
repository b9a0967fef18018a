/** What a request of 2026-07-28 says of itself; with it a request is understood whatever came before. */
export const metaEnvelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'hostile', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
} as const

/** The same, of a client that can be asked and has tasks. */
export const ableEnvelope = {
  ...metaEnvelope,
  'io.modelcontextprotocol/clientCapabilities': {
    elicitation: {},
    extensions: { 'io.modelcontextprotocol/tasks': {} },
  },
} as const

/** A request that is in order: it must be answered in between, whatever else arrives. */
export function healthRequest(id: string): string {
  const params = { name: 'plain', arguments: { a: 20, b: 22 }, _meta: metaEnvelope }
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })
}
