import type * as official from '@modelcontextprotocol/client'
import type * as ours from 'holdfast'
import { describe, expectTypeOf, it } from 'vitest'

/**
 * Where our types differ from the official ones on purpose. Each is applied to ours (or, for what we take, to
 * theirs) before they are compared, so that everything else must fit.
 */
interface Differences {
  'readonly arrays and properties': 'Ours promise not to change what a user gave; on the wire there is no such thing.'
  'unknown and object': 'They stand for what was checked to be JSON before it is sent; the official types say JSONValue.'
  'text or blob': 'ResourceContents of ours has both as optional; contents() and embed() give exactly one.'
  'undefined in optional properties': 'We compile with exactOptionalPropertyTypes; JSON carries no undefined.'
}

/** Keys that we send and the official types do not declare. */
interface UnknownToThem {
  'PromptArgument.title': 'Every BaseMetadata has a title since 2025-06-18 (schema.ts); their zod schema leaves it out.'
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

type TextOrBlob =
  | (Omit<ours.ResourceContents, 'text' | 'blob'> & { readonly text: string })
  | (Omit<ours.ResourceContents, 'text' | 'blob'> & { readonly blob: string })

/** A type of ours as the JSON that leaves. */
type Wire<T> =
  Same<T, unknown> extends true
    ? official.JSONValue
    : Same<T, object> extends true
      ? official.JSONObject
      : Same<T, ours.ResourceContents> extends true
        ? Fields<TextOrBlob>
        : T extends readonly (infer Item)[]
          ? Wire<Item>[]
          : T extends object
            ? Fields<T>
            : T

type Fields<T> = T extends unknown ? { -readonly [K in keyof T]: Wire<Exclude<T[K], undefined>> } : never

/** A type of theirs as the JSON that arrives. */
type Arrived<T> = T extends readonly (infer Item)[]
  ? Arrived<Item>[]
  : T extends object
    ? { [K in keyof T]: Arrived<Exclude<T[K], undefined>> }
    : T

/** The names of the pairs whose first does not fit the second: `never` when all do. */
type Misfits<Pairs> = {
  [Name in keyof Pairs]: Pairs[Name] extends [infer From, infer To]
    ? [From] extends [To]
      ? never
      : Name
    : Name
}[keyof Pairs]

type KeysOf<T> = T extends unknown ? keyof T : never

type UndeclaredKeys<Pairs> = {
  [Name in keyof Pairs & string]: Pairs[Name] extends [infer From, infer To]
    ? `${Name}.${Exclude<KeysOf<From>, KeysOf<To>> & string}`
    : never
}[keyof Pairs & string]

interface CacheHints {
  ttlMs?: number
  cacheScope?: 'public' | 'private'
}

interface Page extends CacheHints {
  nextCursor?: string
  _meta?: ours.Meta
}

type Sent = {
  Icon: [Wire<ours.Icon>, official.Icon]
  Implementation: [Wire<ours.Implementation>, official.Implementation]
  Annotations: [Wire<ours.Annotations>, official.Annotations]
  TextContent: [Wire<ours.TextContent>, official.TextContent]
  ImageContent: [Wire<ours.ImageContent>, official.ImageContent]
  AudioContent: [Wire<ours.AudioContent>, official.AudioContent]
  EmbeddedResource: [Wire<ours.EmbeddedResource>, official.EmbeddedResource]
  ResourceLink: [Wire<ours.ResourceLink>, official.ResourceLink]
  ContentBlock: [Wire<ours.ContentBlock>, official.ContentBlock]
  Resource: [Wire<ours.Resource>, official.Resource]
  ResourceTemplate: [Wire<ours.ResourceTemplate>, official.ResourceTemplateType]
  ToolAnnotations: [Wire<ours.ToolAnnotations>, official.ToolAnnotations]
  Tool: [Wire<ours.Tool>, official.Tool]
  PromptArgument: [Wire<ours.PromptArgument>, official.PromptArgument]
  Prompt: [Wire<ours.Prompt>, official.Prompt]
  PromptMessage: [Wire<ours.PromptMessage>, official.PromptMessage]
  ServerCapabilities: [Wire<ours.ServerCapabilities>, official.ServerCapabilities]
  CallToolResult: [
    Wire<{ content: ours.ContentBlock[]; structuredContent?: unknown; isError?: boolean; _meta?: ours.Meta }>,
    official.CallToolResult,
  ]
  ListToolsResult: [Wire<Page & { tools: ours.Tool[] }>, official.ListToolsResult]
  ListResourcesResult: [Wire<Page & { resources: ours.Resource[] }>, official.ListResourcesResult]
  ListResourceTemplatesResult: [
    Wire<Page & { resourceTemplates: ours.ResourceTemplate[] }>,
    official.ListResourceTemplatesResult,
  ]
  ListPromptsResult: [Wire<Page & { prompts: ours.Prompt[] }>, official.ListPromptsResult]
  ReadResourceResult: [Wire<CacheHints & { contents: ours.ResourceContents[] }>, official.ReadResourceResult]
  GetPromptResult: [Wire<{ description?: string; messages: ours.PromptMessage[] }>, official.GetPromptResult]
  CompleteResult: [
    Wire<{ completion: { values: string[]; total?: number; hasMore?: boolean } }>,
    official.CompleteResult,
  ]
  InitializeResult: [
    Wire<{
      protocolVersion: string
      capabilities: ours.ServerCapabilities
      serverInfo: ours.Implementation
      instructions?: string
    }>,
    official.InitializeResult,
  ]
  DiscoverResult: [
    Wire<
      Required<CacheHints> & {
        supportedVersions: string[]
        capabilities: ours.ServerCapabilities
        instructions?: string
      }
    >,
    official.DiscoverResult,
  ]
  CreateMessageRequestParams: [Wire<ours.SamplingRequest>, official.CreateMessageRequestParams]
  LoggingMessageNotificationParams: [
    Wire<{ level: ours.LogSeverity; logger?: string; data: unknown }>,
    official.LoggingMessageNotificationParams,
  ]
  ProgressNotificationParams: [
    Wire<{ progressToken: string | number; progress: number; total?: number; message?: string }>,
    official.ProgressNotificationParams,
  ]
  JSONRPCErrorResponse: [
    Wire<{ jsonrpc: '2.0'; id?: string | number; error: { code: number; message: string; data?: object } }>,
    official.JSONRPCErrorResponse,
  ]
}

type Taken = {
  ClientCapabilities: [Arrived<official.ClientCapabilities>, ours.ClientCapabilities]
  Implementation: [Arrived<official.Implementation>, ours.Implementation]
  CreateMessageResult: [Arrived<official.CreateMessageResult>, ours.SamplingResult]
  CreateMessageResultWithTools: [Arrived<official.CreateMessageResultWithTools>, ours.SamplingResult]
  Root: [Arrived<official.Root>, ours.Root]
  RequestId: [official.RequestId, ours.Context['requestId']]
  RequestMeta: [Arrived<official.RequestMeta>, ours.Meta]
  CallToolArguments: [
    Exclude<official.CallToolRequestParams['arguments'], undefined>,
    Readonly<Record<string, unknown>>,
  ]
  GetPromptArguments: [
    Exclude<official.GetPromptRequestParams['arguments'], undefined>,
    Readonly<Record<string, string>>,
  ]
}

describe('the official types of 2.4', () => {
  it('take what we send', () => {
    expectTypeOf<Misfits<Sent>>().toEqualTypeOf<never>()
  })

  it('declare the fields that we send', () => {
    expectTypeOf<UndeclaredKeys<Sent>>().toEqualTypeOf<keyof UnknownToThem>()
  })

  it('fit what we take', () => {
    expectTypeOf<Misfits<Taken>>().toEqualTypeOf<never>()
  })

  it('would show a drift: each listed difference is needed, and a wrong pair is named', () => {
    expectTypeOf<Misfits<{ Icon: [ours.Icon, official.Icon] }>>().toEqualTypeOf<'Icon'>()
    expectTypeOf<Misfits<{ Text: [{ type: 'text' }, official.TextContent] }>>().toEqualTypeOf<'Text'>()
    expectTypeOf<
      Misfits<{ Capabilities: [official.ClientCapabilities, ours.ClientCapabilities] }>
    >().toEqualTypeOf<'Capabilities'>()
    expectTypeOf<
      Misfits<{ Contents: [Fields<ours.ResourceContents>, official.ReadResourceResult['contents'][number]] }>
    >().toEqualTypeOf<'Contents'>()
    expectTypeOf<keyof Differences>().not.toBeNever()
  })
})
