import { DefinitionError } from '../errors/definition-error.js'
import type { Resource, ResourceContents, ResourceTemplate } from '../protocol/types.js'
import { type Access, type AccessOptions, accessOf } from './access.js'
import type { Call, Handler } from './call.js'
import { isContents, toResourceContents } from './content.js'
import type { Context, ContextSource } from './context.js'
import { contextSource } from './context-source.js'
import { checkResourceOptions } from './definition-check.js'
import type { Completer, FixedResourceOptions, TemplateResourceOptions } from './definitions.js'
import type { CacheHint } from './dialect.js'
import { toMs } from './duration.js'
import type { Environment } from './environment.js'
import { findNonJson } from './json-value.js'
import { lazily } from './lazily.js'
import type { Authorize, Definition } from './pipeline.js'
import { refusePublicCache, toCacheSetting, toConcurrency, toRateLimit } from './policies.js'
import { leastSpillMs } from './spilling.js'
import { suggestChain } from './suggest.js'
import { HandlerFault } from './tool-result.js'
import { UriTemplate } from './uri-template.js'

export type AnyResourceOptions = FixedResourceOptions | TemplateResourceOptions<string, never>

interface EntryBase {
  readonly name: string
  readonly source: ContextSource
  readonly access: Access | undefined
  /** What clients are told of keeping it. */
  readonly cache: CacheHint
  run(call: Call): unknown
}

export interface FixedResourceEntry extends EntryBase {
  readonly kind: 'fixed'
  readonly resource: Resource
}

export interface TemplateResourceEntry extends EntryBase {
  readonly kind: 'template'
  readonly template: UriTemplate
  readonly resourceTemplate: ResourceTemplate
  /** The chain around the template's own `list`, if it has one. */
  readonly list: Handler | undefined
  readonly complete: Readonly<Record<string, Completer<unknown>>>
  readonly suggest: Handler
}

export type ResourceEntry = FixedResourceEntry | TemplateResourceEntry

/** What a resource's chain carries as `call.input`. */
export interface ResourceInput {
  readonly uri: string
  readonly params: Readonly<Record<string, string>>
}

/** Checks a resource's definition and compiles it. @throws DefinitionError with the sentence that mends it. */
export function createResource(
  name: string,
  options: AnyResourceOptions,
  handler: (request: never, ctx: never) => unknown,
  environment: Environment,
  within: readonly AccessOptions[] = [],
): ResourceEntry {
  checkResourceOptions(name, options, handler)
  const { title, description, mimeType, icons, annotations, meta, timeout } = options
  const owner = `resource ${JSON.stringify(name)}`
  const access = accessOf(options, within)
  const cache = options.cache && toCacheSetting(options.cache, owner)
  refusePublicCache(cache, access !== undefined || options.authorize !== undefined, owner)
  const definition: Definition = {
    kind: 'resource',
    name,
    input: undefined,
    output: undefined,
    timeoutMs: timeout === undefined ? environment.timeoutMs : toMs(timeout, `The ${owner}: "timeout"`),
    repair: false,
    access,
    authorize: options.authorize as Authorize | undefined,
    rateLimit: toRateLimit(options.rateLimit, `The ${owner}: "rateLimit`),
    concurrency: toConcurrency(options.concurrency),
    cache,
  }
  const base: EntryBase = {
    name,
    source: contextSource(environment, {
      name,
      timeoutMs: definition.timeoutMs,
      spillMs: leastSpillMs(cache),
    }),
    access,
    cache: { ttlMs: cache?.ttlMs ?? 0, scope: cache?.scope === 'public' ? 'public' : 'private' },
    run: lazily(() => environment.pipeline.compose(definition, resourceHandler(handler, mimeType))),
  }
  const shared = {
    name,
    ...(title !== undefined && { title }),
    description,
    ...(mimeType !== undefined && { mimeType }),
    ...(icons && { icons }),
    ...(annotations && { annotations }),
    ...(meta && { _meta: meta }),
  }
  if (isTemplate(options)) {
    const template = new UriTemplate(options.uriTemplate)
    const complete: Readonly<Record<string, Completer<never> | undefined>> = options.complete ?? {}
    for (const variable of Object.keys(complete)) {
      if (!template.variables.includes(variable)) {
        throw new DefinitionError(
          `The ${owner} completes {${variable}}, which its template ${options.uriTemplate} does not have.`,
        )
      }
    }
    return {
      ...base,
      kind: 'template',
      template,
      resourceTemplate: { uriTemplate: options.uriTemplate, ...shared },
      list: options.list && listChain(options.list, definition, environment),
      complete: complete as TemplateResourceEntry['complete'],
      suggest: suggestChain(definition, environment),
    }
  }
  if (!URL.canParse(options.uri)) {
    throw new DefinitionError(
      `The ${owner} has the URI ${JSON.stringify(options.uri)}, which is none; write it in full, such as "app://config".`,
    )
  }
  const { uri, size } = options
  return { ...base, kind: 'fixed', resource: { uri, ...shared, ...(size !== undefined && { size }) } }
}

/** `uriTemplate: undefined`, which a program without types may say, is the same as left out. */
function isTemplate(options: AnyResourceOptions): options is TemplateResourceOptions<string, never> {
  return 'uriTemplate' in options && options.uriTemplate !== undefined
}

function resourceHandler(
  handler: (request: never, ctx: never) => unknown,
  mimeType: string | undefined,
): Handler {
  const read = handler as (request: ResourceInput, ctx: Context) => unknown
  return async (call) => {
    call.begun = true
    const request = call.input as ResourceInput
    const value = await read(request, call.ctx)
    return toContents(value, request.uri, mimeType)
  }
}

/** Undefined means that there is no such resource. @throws HandlerFault for what cannot be sent. */
function toContents(
  value: unknown,
  uri: string,
  mimeType: string | undefined,
): readonly ResourceContents[] | undefined {
  if (value === undefined || value === null) return undefined
  if (isContents(value)) return value
  const type = mimeType === undefined ? {} : { mimeType }
  if (typeof value === 'string') return [{ uri, ...type, text: value }]
  if (value instanceof Uint8Array) return [toResourceContents({ uri, ...type, blob: value })]
  const fault = findNonJson(value)
  if (fault !== undefined) {
    throw new HandlerFault(
      `The resource's handler returned ${fault.what}${fault.path === '' ? '' : ` at "${fault.path}"`}, which JSON cannot carry.`,
    )
  }
  return [{ uri, mimeType: mimeType ?? 'application/json', text: JSON.stringify(value) }]
}

function listChain(
  list: NonNullable<TemplateResourceOptions<string, never>['list']>,
  owner: Definition,
  environment: Environment,
): Handler {
  const make: (ctx: never) => unknown = list
  const { name, timeoutMs, access, cache } = owner
  const definition: Definition = {
    kind: 'listing',
    name,
    cache,
    timeoutMs,
    access,
    repair: false,
    input: undefined,
    output: undefined,
  }
  return lazily(() =>
    environment.pipeline.compose(definition, async (call) => {
      const listed: unknown = await make(call.ctx as never)
      if (Array.isArray(listed)) return listed
      throw new HandlerFault(`The "list" of the resource "${call.name}" must return an array of resources.`)
    }),
  )
}
