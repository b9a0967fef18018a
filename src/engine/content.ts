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

function branded<T extends object>(value: T, brand: Brand): T {
  // An ordinary property: JSON leaves symbols out, and defining a hidden one costs ten times as much.
  Reflect.set(value, kContent, brand)
  return value
}

export function isBranded(value: unknown, brand: Brand): boolean {
  return typeof value === 'object' && value !== null && Reflect.get(value, kContent) === brand
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
  return branded({ type: 'text', text: value, ...extras(options) }, 'block')
}

/** An image block from bytes or base64. */
export function image(data: Uint8Array | string, mimeType: string, options: BlockOptions = {}): ImageContent {
  return branded({ type: 'image', data: toBase64(data), mimeType, ...extras(options) }, 'block')
}

/** An audio block from bytes or base64; 2024-11-05 has none, so it travels there as an embedded resource. */
export function audio(data: Uint8Array | string, mimeType: string, options: BlockOptions = {}): AudioContent {
  return branded({ type: 'audio', data: toBase64(data), mimeType, ...extras(options) }, 'block')
}

/** A link to a resource that the client may read; before 2025-06-18 it travels as text. */
export function link(resource: Omit<Resource, '_meta'> & { readonly meta?: Meta }): ResourceLink {
  const { meta, ...fields } = resource
  return branded({ type: 'resource_link', ...fields, ...(meta && { _meta: meta }) }, 'block')
}

/** The contents of a resource, inside the result. Give `text` or `blob` (bytes or base64). */
export function embed(resource: ContentsInput, options: BlockOptions = {}): EmbeddedResource {
  return branded({ type: 'resource', resource: toResourceContents(resource), ...extras(options) }, 'block')
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
  return branded(items.map(toResourceContents), 'contents')
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
  return branded({ ...value }, 'result')
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
  return branded({ role, content: typeof content === 'string' ? text(content) : content }, 'message')
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
