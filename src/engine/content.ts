import type {
  Annotations,
  AudioContent,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  Meta,
  PromptMessage,
  Resource,
  ResourceContents,
  ResourceLink,
  TextContent,
} from '../protocol/types.js'

/**
 * What the builders make carries a brand, so that a handler's own data with a field named `content` or
 * `type` is never mistaken for protocol content.
 */
const kContent = Symbol.for('holdfast.content')

type Brand = 'block' | 'result' | 'message' | 'contents'

/** An ordinary property: JSON leaves symbols out, and a literal that has it from birth costs nothing. */
interface Branded {
  readonly [kContent]: Brand
}

export function isBranded(value: unknown, brand: Brand): boolean {
  return typeof value === 'object' && value !== null && (value as Partial<Branded>)[kContent] === brand
}

export interface BlockOptions {
  readonly annotations?: Annotations
  readonly meta?: Meta
}

function extras(options: BlockOptions): { annotations?: Annotations; _meta?: Meta } {
  return {
    ...(options.annotations && { annotations: options.annotations }),
    ...(options.meta && { _meta: options.meta }),
  }
}

/** A text block. */
export function text(value: string, options: BlockOptions = {}): TextContent {
  const block: TextContent & Branded = { [kContent]: 'block', type: 'text', text: value, ...extras(options) }
  return block
}

/** An image block from bytes or base64. */
export function image(data: Uint8Array | string, mimeType: string, options: BlockOptions = {}): ImageContent {
  const encoded = toBase64(data)
  const block: ImageContent & Branded = {
    [kContent]: 'block',
    type: 'image',
    data: encoded,
    mimeType,
    ...extras(options),
  }
  return block
}

/** An audio block from bytes or base64; 2024-11-05 has none, so it travels there as an embedded resource. */
export function audio(data: Uint8Array | string, mimeType: string, options: BlockOptions = {}): AudioContent {
  const encoded = toBase64(data)
  const block: AudioContent & Branded = {
    [kContent]: 'block',
    type: 'audio',
    data: encoded,
    mimeType,
    ...extras(options),
  }
  return block
}

/** A link to a resource that the client may read; before 2025-06-18 it travels as text. */
export function link(resource: Omit<Resource, '_meta'> & { readonly meta?: Meta }): ResourceLink {
  const { meta, ...fields } = resource
  const block: ResourceLink & Branded = {
    [kContent]: 'block',
    type: 'resource_link',
    ...fields,
    ...(meta && { _meta: meta }),
  }
  return block
}

/** The contents of a resource, inside the result. Give `text` or `blob` (bytes or base64). */
export function embed(resource: ContentsInput, options: BlockOptions = {}): EmbeddedResource {
  const contents = toResourceContents(resource)
  const block: EmbeddedResource & Branded = {
    [kContent]: 'block',
    type: 'resource',
    resource: contents,
    ...extras(options),
  }
  return block
}

export interface ContentsInput {
  readonly uri: string
  readonly mimeType?: string
  readonly text?: string
  readonly blob?: Uint8Array | string
  readonly meta?: Meta
}

/** Several contents as the answer to one resource read. */
export function contents(items: readonly ContentsInput[]): readonly ResourceContents[] {
  return Object.assign(items.map(toResourceContents), { [kContent]: 'contents' as const })
}

/** A tool's whole result, for those who want to say each part of it. */
export interface ToolResultValue<Structured = unknown> {
  readonly content?: string | readonly ContentBlock[]
  readonly structured?: Structured
  readonly isError?: boolean
  readonly meta?: Meta
}

/**
 * A tool's result in full: `content` for the model (default: the structured value as JSON), `structured`
 * for programs, `meta` for the client. Failures are better thrown with `ctx.error`.
 */
export function result<Structured = unknown>(
  value: ToolResultValue<Structured>,
): ToolResultValue<Structured> {
  // Every field is named, so that all results have one shape and the engine reads them fast.
  const { content, structured, isError = false, meta } = value
  const made: Branded & {
    readonly [Field in keyof ToolResultValue]: ToolResultValue<Structured>[Field] | undefined
  } = {
    [kContent]: 'result',
    content,
    structured,
    isError,
    meta,
  }
  return made as ToolResultValue<Structured>
}

/** A prompt message that the user says. */
export function user(content: string | ContentBlock): PromptMessage {
  return message('user', content)
}

/** A prompt message that the assistant says. */
export function assistant(content: string | ContentBlock): PromptMessage {
  return message('assistant', content)
}

function message(role: PromptMessage['role'], content: string | ContentBlock): PromptMessage {
  const made: PromptMessage & Branded = {
    [kContent]: 'message',
    role,
    content: typeof content === 'string' ? text(content) : content,
  }
  return made
}

export function isBlock(value: unknown): value is ContentBlock {
  return isBranded(value, 'block')
}

export function isMessage(value: unknown): value is PromptMessage {
  return isBranded(value, 'message')
}

export function isToolResult(value: unknown): value is ToolResultValue {
  return isBranded(value, 'result')
}

export function isContents(value: unknown): value is readonly ResourceContents[] {
  return isBranded(value, 'contents')
}

export function toResourceContents(input: ContentsInput): ResourceContents {
  const { uri, mimeType, blob, meta } = input
  return {
    uri,
    ...(mimeType !== undefined && { mimeType }),
    ...(blob === undefined ? { text: input.text ?? '' } : { blob: toBase64(blob) }),
    ...(meta && { _meta: meta }),
  }
}

/** Characters at a time: the argument list of one call is limited. A multiple of 3 keeps base64 unpadded. */
const chunkBytes = 0x6000

export function toBase64(data: Uint8Array | string): string {
  if (typeof data === 'string') return data
  let encoded = ''
  for (let at = 0; at < data.length; at += chunkBytes) {
    encoded += btoa(String.fromCharCode(...data.subarray(at, at + chunkBytes)))
  }
  return encoded
}
