import type { Principal } from '../contracts/principal.js'
import type { ToolError, ToolErrorDetails } from '../errors/tool-error.js'
import type { ClientFeature } from '../protocol/revisions/revision.js'
import type {
  Annotations,
  ContentBlock,
  Icon,
  Meta,
  PromptMessage,
  Resource,
  ResourceContents,
  ToolAnnotations,
} from '../protocol/types.js'
import type { InferInput, InferOutput, SchemaLike } from '../schema/infer.js'
import type { AccessOptions } from './access.js'
import type { ToolResultValue } from './content.js'
import type { Context, FeatureContext } from './context.js'
import type { Duration } from './duration.js'
import type { Fallbacks } from './interaction.js'
import type { Loader } from './loader.js'
import type { CacheOptions, LimitOptions } from './policies.js'
import type { ResultLimit } from './result-limit.js'

/** One entry of a tool's own error catalogue. */
export interface ErrorDefinition {
  /** One sentence: what was wrong. `ctx.error` may say it more exactly. */
  readonly message: string
  /** What to do next. */
  readonly hint?: string
  /** Whether the same call may succeed later; false when left out. */
  readonly retryable?: boolean
  /** The schema of the error's `data`, so that it is typed where it is thrown. */
  readonly data?: SchemaLike
}

export type ErrorCatalogue = Readonly<Record<string, ErrorDefinition>>

/** A tool that declares no errors may name any code, and then gives the message itself. */
export type NoErrors = Readonly<Record<never, never>>

type DataOf<Definition> = Definition extends { readonly data: infer Schema extends SchemaLike }
  ? { readonly data: InferInput<Schema> }
  : { readonly data?: unknown }

/** Makes the error to throw: `throw ctx.error(code, details)`. */
export type MakeError<Errors> = [keyof Errors] extends [never]
  ? (code: string, details: ToolErrorDetails & { readonly message: string }) => ToolError
  : <Code extends keyof Errors & string>(
      code: Code,
      ...details: Errors[Code] extends { readonly data: SchemaLike }
        ? [details: Omit<ToolErrorDetails, 'data'> & DataOf<Errors[Code]>]
        : [details?: ToolErrorDetails]
    ) => ToolError

/** What a handler is given beside its input, with the services and errors that its definition declares. */
export interface HandlerContext<Services = unknown, Errors = NoErrors>
  extends Omit<Context, 'services' | 'error' | 'supports' | 'beat' | 'on' | 'load'> {
  readonly services: Services
  readonly error: MakeError<Errors>
  /**
   * Loads one key by a `loader(...)`. What a call asks for in one turn of the event loop is one batch, and each key is loaded once
   * for each call: ask for all you need, then wait: `await Promise.all(ids.map((id) => ctx.load(orderById, id)))`. Undefined for
   * a key that the batch has no value for. @throws what the batch throws.
   */
  load<Key, Value>(loader: Loader<Key, Value, Services>, key: Key): Promise<Value | undefined>
  /** Whether the client can do this under the call's revision; a yes narrows the context's type. */
  supports<Feature extends ClientFeature>(feature: Feature): this is this & FeatureContext[Feature]
}

export interface ToolOptions<
  Input extends SchemaLike | undefined = SchemaLike | undefined,
  Output extends SchemaLike | undefined = SchemaLike | undefined,
  Errors extends ErrorCatalogue = ErrorCatalogue,
> extends AccessOptions,
    LimitOptions {
  readonly title?: string
  /** What the tool does and when to use it, for the model that chooses. Required. */
  readonly description: string
  /** Hints for clients; before 2025-03-26 there are none. */
  readonly annotations?: ToolAnnotations
  readonly icons?: readonly Icon[]
  readonly meta?: Meta
  /** The arguments: a Standard Schema that yields JSON Schema, or plain JSON Schema. None: no arguments. */
  readonly input?: Input
  /** What comes back as `structuredContent`. */
  readonly output?: Output
  readonly errors?: Errors
  /** Counts from the request's arrival. Default: the server's `timeout`. */
  readonly timeout?: Duration
  /**
   * Arguments that came as JSON text where the schema takes no string are read once. Default: true, but
   * not for tools with `destructiveHint: true`, where a guess could do harm.
   */
  readonly repair?: boolean
  /**
   * Takes hidden and directional characters, escapes of terminals and control characters out of the texts and structured strings
   * that the tool returns, before its output is validated (docs/security.md). False: they are sent as they are. Default: true.
   */
  readonly sanitize?: boolean
  /**
   * How much of a result is sent: bytes, or `{ bytes, tokens, items }`. What is more is cut so that it still is what `output` says, and
   * the result tells what is missing and where it is; what cannot be cut is refused (docs/large-results.md). Default: the server's
   * `results`.
   */
  readonly maxResult?: ResultLimit
  /**
   * What the client must be able to do. A call by one that cannot is refused before the handler: with -32021 in
   * 2026-07-28, with a tool error before it. What has a fallback is not required.
   */
  readonly requires?: readonly ClientFeature[]
  /** What answers in place of a client that cannot be asked; without it such a question ends the call. */
  readonly fallbacks?: Fallbacks
  /**
   * In 2026-07-28 the state that a client brings back with its answers may be presented once only. Default: false,
   * because a client whose connection broke then has to start over.
   */
  readonly singleUse?: boolean
  /**
   * Whether calls go on as tasks where the client has the extension (2026-07-28): the client is answered at once and
   * comes back for the result. `optional`: other clients wait for it. `required`: other clients are refused.
   */
  readonly task?: TaskSupport | TaskOptions
  /**
   * Sends a sign of life this often while a call runs: progress, where the client asked for it, and a comment on
   * the stream that keeps proxies from cutting it. Default: none.
   */
  readonly heartbeat?: Duration
  /** What a call takes of every rate limit, by its arguments as they came. Default: 1. */
  readonly cost?: number | ((input: unknown) => number)
  /**
   * Keeps answers and serves them again to calls with the same arguments; only for tools that say `readOnlyHint: true`. Many calls
   * at once make one. Errors are not kept, and a handler that asks its client cannot be cached.
   */
  readonly cache?: CacheOptions & CacheTags<Arguments<Input>>
  /**
   * Decides by the caller and the checked arguments whether the handler may run. What it throws is the server's fault, and the call
   * is refused.
   */
  authorize?(principal: Principal, input: Arguments<Input>): boolean | Promise<boolean>
  /**
   * Names one intent of a caller: calls with the same key and arguments run once, and all get its answer. Scoped to the caller and
   * the tool.
   */
  idempotencyKey?(input: Arguments<Input>): string
}

/**
 * A tool whose work is done on a thread, by a module that exports `defineWorker(...)`. It has no handler, and what only a handler can do
 * (asking the client) is not offered.
 */
export interface WorkerToolOptions<
  Input extends SchemaLike | undefined = SchemaLike | undefined,
  Output extends SchemaLike | undefined = SchemaLike | undefined,
  Errors extends ErrorCatalogue = ErrorCatalogue,
> extends Omit<ToolOptions<Input, Output, Errors>, 'requires' | 'fallbacks' | 'singleUse'> {
  /** The module: `new URL('./heavy.js', import.meta.url)`. It gets the checked arguments. docs/workers.md */
  readonly worker: URL
}

/** What answers are known by when they are to be forgotten: `server.invalidate('orders')`. */
export interface CacheTags<Input> {
  tags?(input: Input): readonly string[]
}

export type TaskSupport = 'optional' | 'required'

export interface TaskOptions {
  readonly support: TaskSupport
  /**
   * `call` (default): a call is a task once its arguments were checked. `handler`: it is one when the handler says
   * `await ctx.beginTask()`, so that what it asks before is asked at once.
   */
  readonly begins?: 'call' | 'handler'
  /** How long a task and its result are kept, from its creation. Default: the server's `tasks.ttl`. */
  readonly ttl?: Duration
}

/**
 * What a tool may return: its output's value, content blocks, or `result(...)` for full control. Where the output is an array, also
 * what gives its items one by one: `async function*`.
 */
export type ToolReturn<Output extends SchemaLike | undefined> = Output extends SchemaLike
  ?
      | InferReturn<Output>
      | ItemsOf<InferReturn<Output>>
      | ContentBlock
      | readonly ContentBlock[]
      | ToolResultValue<InferReturn<Output>>
  : unknown

type ItemsOf<Value> = Value extends readonly (infer Item)[] ? AsyncIterable<Item> : never

type InferReturn<Output extends SchemaLike> = InferInput<Output>

export type Arguments<Input extends SchemaLike | undefined> = Input extends SchemaLike
  ? InferOutput<Input>
  : Readonly<Record<string, never>>

export type ToolHandler<
  Input extends SchemaLike | undefined,
  Output extends SchemaLike | undefined,
  Errors extends ErrorCatalogue,
  Services,
> = (
  args: Arguments<Input>,
  ctx: HandlerContext<Services, Errors>,
) => ToolReturn<Output> | Promise<ToolReturn<Output>>

/** A definition in a file of its own; `server.add` takes it when the server has the services it needs. */
export interface ToolDefinition<in Services = never> {
  readonly kind: 'tool'
  readonly name: string
  readonly options: ToolOptions & Partial<Pick<WorkerToolOptions, 'worker'>>
  /** Absent where the work is a `worker`'s. */
  readonly handler?: ((args: never, ctx: never) => unknown) | undefined
  /** What the groups around it ask of callers. */
  readonly within?: readonly AccessOptions[]
  /** Never called; it makes a server without these services a compile error. */
  readonly needs?: (services: Services) => void
}

export interface ResourceRequest<Template extends string = string> {
  readonly uri: string
  /** The template's variables, decoded; empty for a fixed URI. */
  readonly params: { readonly [Name in TemplateVariables<Template>]: string }
}

/** `data://{name}/{+path}` -> 'name' | 'path' */
export type TemplateVariables<Template extends string> = string extends Template
  ? string
  : Template extends `${string}{${infer Name}}${infer Rest}`
    ? (Name extends `+${infer Reserved}` ? Reserved : Name) | TemplateVariables<Rest>
    : never

interface ResourceBase extends AccessOptions, LimitOptions {
  readonly title?: string
  readonly description: string
  readonly mimeType?: string
  readonly icons?: readonly Icon[]
  readonly annotations?: Annotations
  readonly meta?: Meta
  /**
   * Keeps what was read and serves it again, until `server.resourceUpdated(uri)`. Clients are told the same (`ttlMs`, and the
   * scope `private` for `principal`). Default: not at all.
   */
  readonly cache?: CacheOptions & CacheTags<ResourceRequest>
  readonly timeout?: Duration
  /** Decides by the caller and the URI whether it may be read. */
  authorize?(principal: Principal, request: ResourceRequest): boolean | Promise<boolean>
}

export interface FixedResourceOptions extends ResourceBase {
  readonly uri: string
  /** Bytes. */
  readonly size?: number
}

export interface TemplateResourceOptions<Template extends string, Services> extends ResourceBase {
  /** RFC 6570 with `{name}` (one path segment) and `{+name}` (may hold slashes). */
  readonly uriTemplate: Template
  /** The resources of this template that a client should see in the list. */
  readonly list?: (
    ctx: HandlerContext<Services>,
  ) => readonly ListedResource[] | Promise<readonly ListedResource[]>
  /** Suggestions for the template's variables. */
  readonly complete?: { readonly [Name in TemplateVariables<Template>]?: Completer<Services> }
}

export type ListedResource = Omit<Resource, '_meta'>

/** Values that begin as `value` does, at most 100 are sent. */
export type Completer<Services> = (
  value: string,
  ctx: HandlerContext<Services> & { readonly arguments: Readonly<Record<string, string>> },
) => readonly string[] | Promise<readonly string[]>

export type ResourceReturn = string | Uint8Array | object | readonly ResourceContents[] | undefined

export type ResourceHandler<Template extends string, Services> = (
  request: ResourceRequest<Template>,
  ctx: HandlerContext<Services>,
) => ResourceReturn | Promise<ResourceReturn>

export interface PromptOptions<
  Input extends SchemaLike | undefined = SchemaLike | undefined,
  Services = unknown,
> extends AccessOptions,
    LimitOptions {
  readonly title?: string
  readonly description: string
  readonly icons?: readonly Icon[]
  readonly meta?: Meta
  /** An object of strings: prompt arguments are text on the wire. */
  readonly input?: Input
  /** Suggestions for the arguments. */
  readonly complete?: { readonly [Name in ArgumentNames<Input>]?: Completer<Services> }
  readonly timeout?: Duration
  /** Decides by the caller and the checked arguments whether the prompt may be got. */
  authorize?(principal: Principal, input: Arguments<Input>): boolean | Promise<boolean>
}

/** Any name where the schema's type does not tell; what is wrong then is refused at start-up. */
type ArgumentNames<Input extends SchemaLike | undefined> = [keyof Arguments<Input>] extends [never]
  ? string
  : keyof Arguments<Input>

export type PromptReturn = string | PromptMessage | readonly PromptMessage[]

export type PromptHandler<Input extends SchemaLike | undefined, Services> = (
  args: Arguments<Input>,
  ctx: HandlerContext<Services>,
) => PromptReturn | Promise<PromptReturn>
