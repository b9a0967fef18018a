import { ProtocolError } from '../errors/protocol-error.js'
import { shown } from '../errors/shown.js'
import type { Resource, ResourceContents } from '../protocol/types.js'
import { wireResource, wireResourceTemplate } from '../protocol/wire.js'
import { isHidden } from './access.js'
import { answerOrAsk } from './asking.js'
import type { Call } from './call.js'
import { Context } from './context.js'
import type { ListedResource } from './definitions.js'
import type { Dialect } from './dialect.js'
import type { Environment } from './environment.js'
import type { Exchange } from './exchange.js'
import { listTtlMs, PagedList } from './lists.js'
import type { Methods } from './method.js'
import type { ResourceCatalogue } from './resource-catalogue.js'
import type {
  FixedResourceEntry,
  ResourceEntry,
  ResourceInput,
  TemplateResourceEntry,
} from './resource-definition.js'

/** `resources/list`, `resources/templates/list` and `resources/read`. */
export function resourceMethods(catalogue: ResourceCatalogue, environment: Environment): Methods {
  const { sealer, pageSize, stats } = environment
  const options = { sealer, pageSize, stats, ttlMs: listTtlMs }
  const fixed = new PagedList<FixedResourceEntry>(
    {
      member: 'resources',
      version: () => catalogue.entries.version,
      entries: () => catalogue.fixed,
      key: (entry) => entry.resource.uri,
      access: (entry) => entry.access,
      encode: (dialect, entry) => wireResource(dialect.revision, entry.resource),
    },
    options,
  )
  const templates = new PagedList<TemplateResourceEntry>(
    {
      member: 'resourceTemplates',
      version: () => catalogue.entries.version,
      entries: () => catalogue.templates,
      key: (entry) => entry.template.text,
      access: (entry) => entry.access,
      encode: (dialect, entry) => wireResourceTemplate(dialect.revision, entry.resourceTemplate),
    },
    options,
  )
  return {
    'resources/list': (exchange) => {
      const listing = catalogue.templates.filter((entry) => entry.list !== undefined)
      return listing.length === 0 ? fixed.answer(exchange) : listAll(catalogue, exchange, environment)
    },
    'resources/templates/list': (exchange) => templates.answer(exchange),
    'resources/read': (exchange) => read(catalogue, exchange),
  }
}

/** What templates list is made for each caller, so it is neither kept nor public. */
async function listAll(
  catalogue: ResourceCatalogue,
  exchange: Exchange,
  environment: Environment,
): Promise<string> {
  const mayList = ({ access }: ResourceEntry): boolean => access?.lists(exchange.principal) ?? true
  const listed: Resource[] = catalogue.fixed.filter(mayList).map((entry) => entry.resource)
  for (const entry of catalogue.templates) {
    if (entry.list === undefined || !mayList(entry)) continue
    const { mimeType } = entry.resourceTemplate
    const ctx = new Context(exchange, entry.source)
    const call: Call = { kind: 'listing', name: entry.name, input: undefined, ctx, exchange }
    const resources = (await entry.list(call)) as readonly ListedResource[]
    for (const resource of resources)
      listed.push({ ...(mimeType !== undefined && { mimeType }), ...resource })
  }
  const page = new PagedList<Resource>(
    {
      member: 'resources',
      version: () => 0,
      entries: () => listed,
      key: (resource) => resource.uri,
      access: () => undefined,
      encode: (dialect: Dialect, resource) => wireResource(dialect.revision, resource),
    },
    { sealer: environment.sealer, pageSize: environment.pageSize, ttlMs: 0, scope: 'private' },
  )
  return page.answer(exchange)
}

async function read(catalogue: ResourceCatalogue, exchange: Exchange): Promise<string> {
  const { uri } = exchange.params
  if (typeof uri !== 'string' || uri === '') {
    throw new ProtocolError('invalid_params', '"uri" must be a string: the resource to read.')
  }
  if (!absoluteUri.test(uri)) {
    throw new ProtocolError(
      'invalid_params',
      `"uri" must be a URI in full, such as "app://config", received ${shown(uri)}.`,
      { data: { uri: shortened(uri) } },
    )
  }
  const found = catalogue.findToRead(uri)
  if (found === undefined || isHidden(found.entry, exchange.principal)) throw notFound(uri)
  const { entry, params } = found
  const input: ResourceInput = { uri, params }
  const call: Call = {
    kind: 'resource',
    name: entry.name,
    input,
    ctx: new Context(exchange, entry.source),
    exchange,
  }
  return answerOrAsk(exchange, entry.source, async () => {
    const contents = (await entry.run(call)) as readonly ResourceContents[] | undefined
    if (contents === undefined) throw notFound(uri)
    return exchange.dialect.result(`"contents":${JSON.stringify(contents)}`, { cache: entry.cache })
  })
}

/** A scheme, and nothing that RFC 3986 has no place for. */
const absoluteUri = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s\p{Cc}]*$/u

function notFound(uri: string): ProtocolError {
  const short = shortened(uri)
  return new ProtocolError(
    'resource_not_found',
    `There is no resource ${JSON.stringify(short)}; resources/list names those there are.`,
    { data: { uri: short } },
  )
}

function shortened(uri: string): string {
  return uri.length <= 200 ? uri : `${uri.slice(0, 200)}…`
}
