import { type ToolError, toolErrorMeta, toolErrorText } from '../errors/tool-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import { errorMetaKey } from '../protocol/meta-keys.js'
import type { ContentBlock, Meta } from '../protocol/types.js'
import { isObjectSchema, wireContent, wrapKey } from '../protocol/wire.js'
import { isBlock, isToolResult } from './content.js'
import type { Dialect } from './dialect.js'

/** A tool's result between its handler and the wire: what middlewares see on the way back. */
export interface ToolResult {
  /** Undefined: the structured value as JSON text. */
  readonly content: readonly ContentBlock[] | undefined
  /** Undefined: none. */
  readonly structured: unknown
  readonly isError: boolean
  readonly meta: Meta | undefined
  /** Blocks of the server that follow all others: what was cut, and where the rest is. */
  readonly notices?: readonly ContentBlock[] | undefined
}

/** What a handler returned was not what it may return: the server's fault, and never shown to a model. */
export class HandlerFault extends Error {
  override readonly name = 'HandlerFault'
}

const empty: ToolResult = { content: [], structured: undefined, isError: false, meta: undefined }

/**
 * Reads what a handler returned: text, blocks and `result(...)` are taken as they are, anything else is the
 * structured value.
 * @throws HandlerFault when nothing came although the tool promises an output.
 */
export function toToolResult(value: unknown, hasOutput: boolean): ToolResult {
  if (isToolResult(value)) {
    const { content, structured, isError = false, meta } = value
    const blocks = typeof content === 'string' ? textBlocks(content) : content
    if (blocks === undefined && structured === undefined) return { ...empty, isError, meta }
    return { content: blocks, structured, isError, meta }
  }
  if (isBlock(value)) return { ...empty, content: [value] }
  if (Array.isArray(value) && value.length > 0 && value.every(isBlock)) return { ...empty, content: value }
  if (value === undefined) {
    if (hasOutput) throw new HandlerFault('The handler returned nothing, but the tool declares an output.')
    return empty
  }
  if (typeof value === 'string') {
    return { ...empty, content: textBlocks(value), structured: hasOutput ? value : undefined }
  }
  return { content: undefined, structured: value, isError: false, meta: undefined }
}

/**
 * What came back through the middlewares, which may have put anything in place of the result: a result as it
 * is, and else what a handler could have returned.
 */
export function asToolResult(value: unknown, hasOutput: boolean): ToolResult {
  const isResult = isRecord(value) && 'isError' in value && 'structured' in value && !isToolResult(value)
  return isResult ? (value as unknown as ToolResult) : toToolResult(value, hasOutput)
}

/** A result as it is kept for later: plain JSON, in which what is undefined is left out. */
export type KeptToolResult = Partial<ToolResult>

/** A kept result as it was. */
export function fromKept({
  content,
  structured,
  isError = false,
  meta,
  notices,
}: KeptToolResult): ToolResult {
  const result: ToolResult = { content, structured, isError, meta }
  return notices === undefined ? result : { ...result, notices }
}

function textBlocks(text: string): ContentBlock[] {
  return [{ type: 'text', text }]
}

/** A tool error as its result: the sentence for the model, the fields for programs. */
export function toErrorResult(error: ToolError): ToolResult {
  return {
    content: textBlocks(toolErrorText(error)),
    structured: undefined,
    isError: true,
    meta: { [errorMetaKey]: toolErrorMeta(error) },
  }
}

/**
 * The members of a `CallToolResult` as JSON text. The structured value is written once and stands in the
 * text block too, as the specification asks for older clients (2025-06-18, server/tools).
 */
export function toolResultText(
  dialect: Dialect,
  result: ToolResult,
  outputSchema: Readonly<Record<string, unknown>> | undefined,
): string {
  const { content, structured, isError, meta, notices } = result
  const { revision } = dialect
  const json = structured === undefined ? undefined : JSON.stringify(structured)
  let blocks =
    content === undefined
      ? `{"type":"text","text":${JSON.stringify(json ?? '')}}`
      : content.map((block) => blockText(dialect, block)).join(',')
  if (notices !== undefined) {
    blocks = [...(blocks === '' ? [] : [blocks]), ...notices.map((block) => blockText(dialect, block))].join(
      ',',
    )
  }
  let members = `"content":[${blocks}]`
  if (json !== undefined && revision.structured !== 'none') {
    members += `,"structuredContent":${wraps(revision.structured, structured, outputSchema) ? `{"${wrapKey}":${json}}` : json}`
  }
  if (isError) members += ',"isError":true'
  return dialect.result(members, { meta })
}

/** @throws HandlerFault for what is no content block, whatever the types said. */
function blockText(dialect: Dialect, block: ContentBlock): string {
  if (!isRecord(block) || (block.type === 'text' && typeof block.text !== 'string')) {
    throw new HandlerFault(
      'A content block must be one that text(), image(), audio(), link() or embed() makes.',
    )
  }
  // Nearly every block is plain text, and that is the same in all revisions.
  if (block.type === 'text' && block.annotations === undefined && block._meta === undefined) {
    return `{"type":"text","text":${JSON.stringify(block.text)}}`
  }
  return JSON.stringify(wireContent(dialect.revision, block))
}

/** Where only objects may be structured, the schema was wrapped if it is no object's, and so must the value be. */
function wraps(
  allowed: 'object' | 'any' | 'none',
  structured: unknown,
  outputSchema: Readonly<Record<string, unknown>> | undefined,
): boolean {
  if (allowed === 'any') return false
  return outputSchema === undefined ? !isRecord(structured) : !isObjectSchema(outputSchema)
}
