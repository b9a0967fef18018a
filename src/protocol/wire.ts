import type { Revision, WireFields } from './revisions/revision.js'
import type {
  Annotations,
  ContentBlock,
  Implementation,
  Prompt,
  Resource,
  ResourceTemplate,
  ServerCapabilities,
  Tool,
} from './types.js'

/**
 * Writes definitions and content as one revision knows them. Fields that a revision lacks are left out;
 * content that it lacks is said in a form that it has, never dropped.
 */

export function wireImplementation(revision: Revision, info: Implementation): object {
  return pick(info, revision.fields.implementation)
}

export function wireCapabilities(revision: Revision, capabilities: ServerCapabilities): object {
  return pick(capabilities, revision.fields.serverCapabilities)
}

export function wireTool(revision: Revision, tool: Tool): object {
  const { fields, structured } = revision
  const wire = pick(tool, fields.tool)
  if (tool.outputSchema !== undefined && fields.tool.includes('outputSchema')) {
    wire['outputSchema'] = structured === 'any' ? tool.outputSchema : asObjectSchema(tool.outputSchema)
  }
  // Before titles had a field of their own, they were an annotation.
  if (tool.title !== undefined && !fields.tool.includes('title') && fields.tool.includes('annotations')) {
    wire['annotations'] = { title: tool.title, ...tool.annotations }
  }
  return wire
}

export function wireResource(revision: Revision, resource: Resource): object {
  return withAnnotations(revision, pick(resource, revision.fields.resource), resource.annotations)
}

export function wireResourceTemplate(revision: Revision, template: ResourceTemplate): object {
  return withAnnotations(revision, pick(template, revision.fields.resourceTemplate), template.annotations)
}

export function wirePrompt(revision: Revision, prompt: Prompt): object {
  const wire = pick(prompt, revision.fields.prompt)
  if (prompt.arguments !== undefined) {
    wire['arguments'] = prompt.arguments.map((argument) => pick(argument, revision.fields.promptArgument))
  }
  return wire
}

export function wireContent(revision: Revision, block: ContentBlock): object {
  if (revision.content.has(block.type)) {
    if (block.type === 'resource_link') {
      return { type: block.type, ...wireResource(revision, block) }
    }
    return block.annotations === undefined
      ? block
      : withAnnotations(revision, { ...block }, block.annotations)
  }
  switch (block.type) {
    case 'resource_link':
      return { type: 'text', text: `${block.title ?? block.name}: ${block.uri}` }
    case 'audio':
      return {
        type: 'resource',
        resource: { uri: `data:${block.mimeType}`, mimeType: block.mimeType, blob: block.data },
      }
    default:
      return { type: 'text', text: `[${block.type} content, which this protocol revision cannot carry]` }
  }
}

/** Whether a schema can stand as `outputSchema` where only objects may. */
export function isObjectSchema(schema: Readonly<Record<string, unknown>>): boolean {
  return schema['type'] === 'object'
}

/** The key under which a value that is no object travels where only objects may. */
export const wrapKey = 'result'

/** Keywords that belong to a document and not to one schema in it, so that they stay at the root. */
const documentKeywords = ['$schema', '$id', '$defs', 'definitions']

function asObjectSchema(schema: Readonly<Record<string, unknown>>): object {
  if (isObjectSchema(schema)) return schema
  const root: Record<string, unknown> = {}
  const inner: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    const place = documentKeywords.includes(keyword) ? root : inner
    place[keyword] = moveReferences(value)
  }
  return { type: 'object', properties: { [wrapKey]: inner }, required: [wrapKey], ...root }
}

/** Local references start at the root, and what was the root is a property now. Schemas are plain JSON trees. */
function moveReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moveReferences)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) =>
      (key === '$ref' || key === '$dynamicRef') && typeof inner === 'string'
        ? [key, moveReference(inner)]
        : [key, moveReferences(inner)],
    ),
  )
}

function moveReference(reference: string): string {
  const stays = documentKeywords.some((keyword) => decoded(reference).startsWith(`#/${keyword}/`))
  // "#name" is an anchor, which is found wherever it stands.
  if (stays || (reference !== '#' && !reference.startsWith('#/'))) return reference
  return `#/properties/${wrapKey}${reference.slice(1)}`
}

function withAnnotations(
  revision: Revision,
  wire: Record<string, unknown>,
  annotations: Annotations | undefined,
): Record<string, unknown> {
  if (annotations !== undefined) wire['annotations'] = pick(annotations, revision.fields.annotations)
  return wire
}

function pick(source: object, keys: WireFields[keyof WireFields]): Record<string, unknown> {
  const picked: Record<string, unknown> = {}
  for (const key of keys) {
    const value: unknown = Reflect.get(source, key)
    if (value !== undefined) picked[key] = value
  }
  return picked
}

/** A JSON Pointer in a URI may be percent-encoded (RFC 6901 §6). */
function decoded(reference: string): string {
  try {
    return decodeURIComponent(reference)
  } catch {
    return reference
  }
}
