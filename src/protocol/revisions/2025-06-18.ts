import { revision20250326 } from './2025-03-26.js'
import type { Revision } from './revision.js'

const before = revision20250326.fields

/**
 * https://modelcontextprotocol.io/specification/2025-06-18/changelog: no more batches; structured results,
 * titles, resource links, elicitation, `_meta` on definitions.
 */
export const revision20250618: Revision = {
  ...revision20250326,
  version: '2025-06-18',
  batches: false,
  clientFeatures: new Set([...revision20250326.clientFeatures, 'elicitation']),
  fields: {
    ...before,
    implementation: [...before.implementation, 'title'],
    tool: [...before.tool, 'title', 'outputSchema', '_meta'],
    resource: [...before.resource, 'title', '_meta'],
    resourceTemplate: [...before.resourceTemplate, 'title', '_meta'],
    prompt: [...before.prompt, 'title', '_meta'],
    promptArgument: [...before.promptArgument, 'title'],
    annotations: [...before.annotations, 'lastModified'],
  },
  content: new Set([...revision20250326.content, 'resource_link']),
  structured: 'object',
}
