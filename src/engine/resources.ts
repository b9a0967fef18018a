import { DefinitionError } from '../errors/definition-error.js'
import { ProtocolError } from '../errors/protocol-error.js'
import type { Resource, ResourceContents, ResourceTemplate } from '../protocol/types.js'
import { wireResource, wireResourceTemplate } from '../protocol/wire.js'
import type { Call, Handler } from './call.js'
import { isContents, toResourceContents } from './content.js'
import { Context, type ContextSource } from './context.js'
import { checkDescription } from './definition-check.js'
import type {
  Completer,
  FixedResourceOptions,
  ListedResource,
  TemplateResourceOptions,
} from './definitions.js'
import type { CacheHint, Dialect } from './dialect.js'
import { toMs } from './duration.js'
import type { Environment } from './environment.js'
import type { Exchange } from './exchange.js'
import { findNonJson } from './json-value.js'
import { PagedList } from './lists.js'
import type { Methods } from './method.js'
import type { Definition } from './pipeline.js'
import type { Registry } from './registry.js'
import { HandlerFault } from './tool-result.js'
import { lazily, listTtlMs } from './tools.js'
import { UriTemplate } from './uri-template.js'

export type AnyResourceOptions = FixedResourceOptions | TemplateResourceOptions<string, never>

interface EntryBase {
  readonly name: string
  readonly source: ContextSource
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
  readonly list:
    | ((ctx: Context) => readonly ListedResource[] | Promise<readonly ListedResource[]>)
    | undefined
  readonly complete: Readonly<Record<string, Completer<unknown>>>
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
): ResourceEntry {
  checkDescription('resource', name, options.description)
  const {
    title,
    description,
    mimeType,
    icons,
    annotations,
    meta,
    ttl,
    cacheScope = 'private',
    timeout,
  } = options
  const owner = `resource ${JSON.stringify(name)}`
  const definition: Definition = {
    kind: 'resource',
    name,
    input: undefined,
    output: undefined,
    timeoutMs: timeout === undefined ? environment.timeoutMs : toMs(timeout, `The ${owner}: "timeout"`),
    repair: false,
  }
  const base: EntryBase = {
    name,
    source: {
      services: environment.services,
      logger: environment.logger,
      errors: {},
      timeoutMs: definition.timeoutMs,
      now: environment.clock.monotonic,
    },
    cache: { ttlMs: ttl === undefined ? 0 : Math.round(toMs(ttl, `The ${owner}: "ttl"`)), scope: cacheScope },
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
  if ('uriTemplate' in options) {
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
      list: options.list as TemplateResourceEntry['list'],
      complete: complete as TemplateResourceEntry['complete'],
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

function resourceHandler(
  handler: (request: never, ctx: never) => unknown,
  mimeType: string | undefined,
): Handler {
  const read = handler as (request: ResourceInput, ctx: Context) => unknown
  return async (call) => {
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

/** Both kinds of resource, found by URI: a fixed one by one look-up, else the first template that matches. */
export class ResourceCatalogue {
  readonly entries: Registry<ResourceEntry>
  #version = -1
  #fixed: ReadonlyMap<string, FixedResourceEntry> = new Map()
  #templates: readonly TemplateResourceEntry[] = []

  constructor(entries: Registry<ResourceEntry>) {
    this.entries = entries
  }

  get fixed(): readonly FixedResourceEntry[] {
    this.#refresh()
    return [...this.#fixed.values()]
  }

  get templates(): readonly TemplateResourceEntry[] {
    this.#refresh()
    return this.#templates
  }

  find(uri: string): { entry: ResourceEntry; params: Readonly<Record<string, string>> } | undefined {
    this.#refresh()
    const fixed = this.#fixed.get(uri)
    if (fixed !== undefined) return { entry: fixed, params: {} }
    for (const entry of this.#templates) {
      const params = entry.template.match(uri)
      if (params !== undefined) return { entry, params }
    }
    return undefined
  }

  #refresh(): void {
    if (this.#version === this.entries.version) return
    const fixed = new Map<string, FixedResourceEntry>()
    const templates: TemplateResourceEntry[] = []
    for (const entry of this.entries.list()) {
      if (entry.kind === 'fixed') fixed.set(entry.resource.uri, entry)
      else templates.push(entry)
    }
    this.#fixed = fixed
    this.#templates = templates
    this.#version = this.entries.version
  }
}

/** `resources/list`, `resources/templates/list` and `resources/read`. */
export function resourceMethods(catalogue: ResourceCatalogue, environment: Environment): Methods {
  const { sealer, pageSize } = environment
  const listCache: CacheHint = { ttlMs: listTtlMs, scope: 'public' }
  const fixed = new PagedList<FixedResourceEntry>(
    {
      member: 'resources',
      version: () => catalogue.entries.version,
      entries: () => catalogue.fixed,
      key: (entry) => entry.resource.uri,
      encode: (dialect, entry) => wireResource(dialect.revision, entry.resource),
    },
    { sealer, pageSize, cache: listCache },
  )
  const templates = new PagedList<TemplateResourceEntry>(
    {
      member: 'resourceTemplates',
      version: () => catalogue.entries.version,
      entries: () => catalogue.templates,
      key: (entry) => entry.template.text,
      encode: (dialect, entry) => wireResourceTemplate(dialect.revision, entry.resourceTemplate),
    },
    { sealer, pageSize, cache: listCache },
  )
  return {
    'resources/list': (exchange) => {
      const listing = catalogue.templates.filter((entry) => entry.list !== undefined)
      const { dialect, params } = exchange
      return listing.length === 0
        ? fixed.answer(dialect, params['cursor'])
        : listAll(catalogue, exchange, environment)
    },
    'resources/templates/list': (exchange) => templates.answer(exchange.dialect, exchange.params['cursor']),
    'resources/read': (exchange) => read(catalogue, exchange),
  }
}

/** What templates list is made for each caller, so it is neither kept nor public. */
async function listAll(
  catalogue: ResourceCatalogue,
  exchange: Exchange,
  environment: Environment,
): Promise<string> {
  const listed: Resource[] = catalogue.fixed.map((entry) => entry.resource)
  for (const entry of catalogue.templates) {
    if (entry.list === undefined) continue
    const { mimeType } = entry.resourceTemplate
    const resources = await entry.list(new Context(exchange, entry.source))
    listed.push(
      ...resources.map((resource) => ({ ...(mimeType !== undefined && { mimeType }), ...resource })),
    )
  }
  const page = new PagedList<Resource>(
    {
      member: 'resources',
      version: () => 0,
      entries: () => listed,
      key: (resource) => resource.uri,
      encode: (dialect: Dialect, resource) => wireResource(dialect.revision, resource),
    },
    { sealer: environment.sealer, pageSize: environment.pageSize, cache: { ttlMs: 0, scope: 'private' } },
  )
  return page.answer(exchange.dialect, exchange.params['cursor'])
}

async function read(catalogue: ResourceCatalogue, exchange: Exchange): Promise<string> {
  const { uri } = exchange.params
  if (typeof uri !== 'string' || uri === '') {
    throw new ProtocolError('invalid_params', '"uri" must be a string: the resource to read.')
  }
  const found = catalogue.find(uri)
  if (found === undefined) throw notFound(uri)
  const { entry, params } = found
  const input: ResourceInput = { uri, params }
  const call: Call = {
    kind: 'resource',
    name: entry.name,
    input,
    ctx: new Context(exchange, entry.source),
    exchange,
  }
  const contents = (await entry.run(call)) as readonly ResourceContents[] | undefined
  if (contents === undefined) throw notFound(uri)
  return exchange.dialect.result(`"contents":${JSON.stringify(contents)}`, { cache: entry.cache })
}

function notFound(uri: string): ProtocolError {
  const shown = uri.length <= 200 ? uri : `${uri.slice(0, 200)}…`
  return new ProtocolError(
    'resource_not_found',
    `There is no resource ${JSON.stringify(shown)}; resources/list names those there are.`,
    {
      data: { uri: shown },
    },
  )
}
