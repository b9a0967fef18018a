import { revision20241105 } from './2024-11-05.js'
import type { Revision } from './revision.js'

/** https://modelcontextprotocol.io/specification/2025-03-26/changelog: batches, audio, tool annotations, progress messages. */
export const revision20250326: Revision = {
  ...revision20241105,
  version: '2025-03-26',
  batches: true,
  fields: {
    ...revision20241105.fields,
    tool: [...revision20241105.fields.tool, 'annotations'],
    serverCapabilities: [...revision20241105.fields.serverCapabilities, 'completions'],
  },
  content: new Set([...revision20241105.content, 'audio']),
  progressMessage: true,
}
