import { tasksExtension } from '../meta-keys.js'
import type { ClientCapabilities, ContentBlock } from '../types.js'

/** What a client may be able to do; `ctx.supports()` answers from the revision and its declared capabilities. */
export type ClientFeature =
  | 'elicitation'
  | 'elicitation.url'
  | 'sampling'
  | 'sampling.tools'
  | 'roots'
  | 'tasks'

/** Which of our fields a revision knows; the rest is left out on its wire. */
export interface WireFields {
  readonly implementation: readonly string[]
  readonly tool: readonly string[]
  readonly resource: readonly string[]
  readonly resourceTemplate: readonly string[]
  readonly prompt: readonly string[]
  readonly promptArgument: readonly string[]
  readonly annotations: readonly string[]
  readonly serverCapabilities: readonly string[]
}

export interface HttpRules {
  /** Ids that `initialize` gives out, needed on every later request, ended by DELETE. */
  readonly sessions: boolean
  /** `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` mirror the body and are checked against it. */
  readonly routingHeaders: boolean
  /** A closed response stream cancels the call. */
  readonly disconnectCancels: boolean
  /** A stream begins with an event that has an id and no data, so that a client can come back from the start. */
  readonly primes: boolean
  /** The status of a JSON-RPC error by the name it has in the catalogue; 200 where nothing is said. */
  readonly status: Readonly<Record<string, number>>
}

/**
 * One released revision of the protocol, as data. A new revision is a new file that spreads the one before
 * and states what changed; nothing else in the code knows a date.
 */
export interface Revision {
  readonly version: string
  /** `handshake` opens with `initialize` and keeps what was negotiated; `stateless` says it in every request. */
  readonly era: 'handshake' | 'stateless'
  /** JSON-RPC batches are accepted. */
  readonly batches: boolean
  /** Requests a client may send. */
  readonly requests: ReadonlySet<string>
  readonly clientFeatures: ReadonlySet<ClientFeature>
  readonly fields: WireFields
  readonly content: ReadonlySet<ContentBlock['type']>
  /** What `structuredContent` may be: nothing, an object, or any JSON value. */
  readonly structured: 'none' | 'object' | 'any'
  /** Every result says `resultType` and who the server is. */
  readonly resultType: boolean
  /** Lists and reads carry `ttlMs` and `cacheScope`. */
  readonly cacheHints: boolean
  readonly resourceNotFound: -32002 | -32602
  /** How a server asks its client: by a request of its own, or by an answer that the client comes back from. */
  readonly asks: 'request' | 'replay'
  /** What a form may hold: nothing but plain fields, or also defaults, titled and multiple choices. */
  readonly forms: 'plain' | 'full'
  /** Progress may carry a message. */
  readonly progressMessage: boolean
  readonly http: HttpRules
}

/** Whether a client that declared `capabilities` under `revision` can do `feature`. */
export function clientSupports(
  revision: Revision,
  capabilities: ClientCapabilities,
  feature: ClientFeature,
): boolean {
  if (!revision.clientFeatures.has(feature)) return false
  const elicitation = group(capabilities.elicitation)
  const sampling = group(capabilities.sampling)
  const roots = group(capabilities.roots)
  switch (feature) {
    case 'elicitation':
      // A client that names no mode means the form, the only one there was at first.
      return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)
    case 'elicitation.url':
      return elicitation?.url !== undefined
    case 'sampling':
      return sampling !== undefined
    case 'sampling.tools':
      return sampling?.tools !== undefined
    case 'roots':
      return roots !== undefined
    case 'tasks':
      return group(group(capabilities.extensions)?.[tasksExtension]) !== undefined
  }
}

/** What a client sends as capabilities is only known to be an object; null and the like declare nothing. */
function group<Capability>(value: Capability): Capability | undefined {
  return typeof value === 'object' && value !== null ? value : undefined
}

/** Features as the capabilities that declare them: `elicitation.url` -> `{ elicitation: { url: {} } }`. */
export function toCapabilities(features: readonly ClientFeature[]): ClientCapabilities {
  const capabilities: Record<string, Record<string, object>> = {}
  for (const feature of features) {
    if (feature === 'tasks') {
      capabilities['extensions'] = { [tasksExtension]: {} }
      continue
    }
    const [group = '', detail] = feature.split('.')
    capabilities[group] ??= {}
    if (detail !== undefined) capabilities[group][detail] = {}
  }
  return capabilities
}
