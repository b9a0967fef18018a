import { revision20250618 } from './2025-06-18.js'
import type { Revision } from './revision.js'

const before = revision20250618.fields

/** https://modelcontextprotocol.io/specification/2025-11-25/changelog: icons, URL elicitation, richer forms, sampling with tools, streams that are primed. */
export const revision20251125: Revision = {
  ...revision20250618,
  version: '2025-11-25',
  clientFeatures: new Set([...revision20250618.clientFeatures, 'elicitation.url', 'sampling.tools']),
  fields: {
    ...before,
    implementation: [...before.implementation, 'description', 'websiteUrl', 'icons'],
    tool: [...before.tool, 'icons'],
    resource: [...before.resource, 'icons'],
    resourceTemplate: [...before.resourceTemplate, 'icons'],
    prompt: [...before.prompt, 'icons'],
  },
  forms: 'full',
  http: { ...revision20250618.http, primes: true },
}
