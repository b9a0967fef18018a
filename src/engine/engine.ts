import { ProtocolError } from '../errors/protocol-error.js'
import { ToolError, toolErrorMeta, toolErrorText } from '../errors/tool-error.js'
import { type Frame, type FrameLimits, type RequestId, readFrames } from '../protocol/json-rpc.js'
import type { ServedRevisions } from '../protocol/revisions/all.js'
import type { Implementation, ServerCapabilities } from '../protocol/types.js'
import type { Deferral } from './background.js'
import type { Call } from './call.js'
import { completionMethods } from './completion.js'
import { errorText, resultText } from './dialect.js'
import { Discovery } from './discovery.js'
import type { Environment } from './environment.js'
import type { Exchange } from './exchange.js'
import { loggingFeature } from './logging.js'
import type { Feature, Method } from './method.js'
import { type PromptEntry, promptMethods } from './prompts.js'
import { Registry } from './registry.js'
import { ResourceCatalogue } from './resource-catalogue.js'
import type { ResourceEntry } from './resource-definition.js'
import { resourceMethods } from './resources.js'
import { type ToolEntry, toolMethods } from './tools.js'

export interface EngineOptions {
  readonly info: Implementation
  readonly instructions: string | undefined
  readonly revisions: ServedRevisions
  readonly frameLimits: FrameLimits
  /** Settings of extensions that the server offers, by their id (2026-07-28, capabilities.extensions). */
  readonly extensions: Readonly<Record<string, object>> | undefined
  readonly environment: Environment
  /** Called once, after the first list was answered: the time to load what the first call will need. */
  readonly onFirstList: () => void
}

/** One JSON-RPC answer. `status` is what HTTP says of it under the request's revision. */
export interface Answer {
  readonly text: string
  readonly status: number
  /** Permissions that the caller would need; over HTTP the challenge names them as scopes. */
  readonly required?: readonly string[]
}

/**
 * The protocol without bytes: takes a request that was read, finds its method by one look-up, and makes the
 * answer's text. Transports bring messages in and answers out; features add methods.
 */
export class Engine {
  readonly tools: Registry<ToolEntry>
  readonly resources: Registry<ResourceEntry>
  readonly prompts: Registry<PromptEntry>
  readonly catalogue: ResourceCatalogue
  readonly discovery: Discovery
  readonly environment: Environment
  readonly frameLimits: FrameLimits
  /** How calls become tasks; set by the feature that has them. */
  deferral: Deferral | undefined
  readonly #features: Feature[] = []
  readonly #methods = new Map<string, { readonly method: Method; readonly feature: Feature }>()
  #onFirstList: (() => void) | undefined

  constructor(options: EngineOptions) {
    const { environment } = options
    this.environment = environment
    const { changes } = environment
    this.tools = new Registry('tool', () => changes.announce({ kind: 'tools' }))
    this.resources = new Registry('resource', () => changes.announce({ kind: 'resources' }))
    this.prompts = new Registry('prompt', () => changes.announce({ kind: 'prompts' }))
    this.frameLimits = options.frameLimits
    this.#onFirstList = options.onFirstList
    const { info, instructions, revisions } = options
    this.discovery = new Discovery({
      info,
      instructions,
      revisions,
      capabilities: () => this.#capabilities(),
    })
    const catalogue = new ResourceCatalogue(this.resources)
    this.catalogue = catalogue
    this.addFeature({
      methods: toolMethods(
        this.tools,
        environment,
        (thrown, call) => this.#toToolError(thrown, call),
        () => this.deferral,
      ),
      offered: () => this.tools.size > 0,
      capabilities: () => ({ tools: { listChanged: true } }),
    })
    this.addFeature({
      methods: resourceMethods(catalogue, environment),
      offered: () => this.resources.size > 0 || catalogue.unlisted?.offered() === true,
      capabilities: () => ({
        resources: this.resources.size > 0 ? { subscribe: true, listChanged: true } : {},
      }),
    })
    this.addFeature({
      methods: promptMethods(this.prompts, environment),
      offered: () => this.prompts.size > 0,
      capabilities: () => ({ prompts: { listChanged: true } }),
    })
    this.addFeature({
      methods: completionMethods(this.prompts, catalogue),
      offered: () => this.#completes(),
      capabilities: () => ({ completions: {} }),
    })
    this.addFeature(loggingFeature())
    this.addFeature({
      methods: {
        ping: () => '{}',
        'server/discover': (exchange) => this.discovery.discover(exchange.dialect),
      },
      offered: () => true,
      capabilities: () => (options.extensions === undefined ? {} : { extensions: options.extensions }),
    })
  }

  /** Adds methods and the capability that declares them; whoever comes later wins a method's name. */
  addFeature(feature: Feature): void {
    this.#features.push(feature)
    for (const [name, method] of Object.entries(feature.methods)) this.#methods.set(name, { method, feature })
  }

  read(text: string): Frame | readonly Frame[] {
    return readFrames(text, this.frameLimits)
  }

  /** Answers one request; undefined when its sender no longer wants an answer. It never rejects. */
  async run(exchange: Exchange): Promise<Answer | undefined> {
    this.environment.stats.counters.requests += 1
    // Its client may be gone before it could begin, and then nobody wants the work.
    if (unwanted(exchange)) return this.#cancelled()
    try {
      const result = await this.result(exchange)
      if (unwanted(exchange)) return this.#cancelled()
      exchange.answered()
      return { text: resultText(exchange.id, result), status: 200 }
    } catch (thrown) {
      if (unwanted(exchange)) return this.#cancelled()
      exchange.answered()
      return this.failure(thrown, exchange)
    } finally {
      if (this.#onFirstList !== undefined && exchange.method.endsWith('/list')) {
        this.#onFirstList()
        this.#onFirstList = undefined
      }
    }
  }

  /** The result of a request as JSON text, without the answer around it. It rejects with what the handler threw. */
  result(exchange: Exchange): string | Promise<string> {
    return this.#method(exchange)(exchange)
  }

  /** A refusal that needs no run: the error as the request's revision (or none yet) says it. */
  refusal(error: ProtocolError, exchange: Pick<Exchange, 'id' | 'dialect'> | undefined): Answer {
    this.environment.stats.counters.protocolErrors += 1
    const revision = (exchange?.dialect ?? this.discovery.newestStateless ?? this.discovery.newestHandshake)
      ?.revision
    const code =
      error.kind === 'resource_not_found' && revision !== undefined ? revision.resourceNotFound : error.code
    const required = error.kind === 'insufficient_permissions' ? error.data?.['required'] : undefined
    return {
      text: errorText(exchange?.id, code, error.message, error.data),
      status: revision?.http.status[error.kind] ?? 200,
      ...(Array.isArray(required) && { required: required as readonly string[] }),
    }
  }

  #method(exchange: Exchange): Method {
    const { method, dialect } = exchange
    const found = dialect.revision.requests.has(method) ? this.#methods.get(method) : undefined
    // A method whose capability is not declared is not there (specification, basic/lifecycle, "Operation").
    if (found?.feature.offered() === true) return found.method
    throw new ProtocolError(
      'method_not_found',
      `The method ${JSON.stringify(method.slice(0, 128))} is not offered under ${dialect.revision.version}.`,
    )
  }

  #capabilities(): ServerCapabilities {
    const offered = this.#features.filter((feature) => feature.offered())
    const all: readonly ServerCapabilities[] = offered.map((feature) => feature.capabilities())
    const extensions = Object.assign({}, ...all.map((one) => one.extensions)) as Record<string, object>
    return {
      ...(Object.assign({}, ...all) as ServerCapabilities),
      ...(Object.keys(extensions).length > 0 && { extensions }),
    }
  }

  #completes(): boolean {
    return (
      this.prompts.list().some((entry) => Object.keys(entry.complete).length > 0) ||
      this.resources
        .list()
        .some((entry) => entry.kind === 'template' && Object.keys(entry.complete).length > 0)
    )
  }

  #cancelled(): undefined {
    this.environment.stats.counters.cancelled += 1
    return undefined
  }

  /** What was thrown while a request was run, as its answer; what we did not mean to throw is masked and logged. */
  failure(thrown: unknown, exchange: Exchange): Answer {
    if (ProtocolError.is(thrown)) return this.refusal(thrown, exchange)
    const { counters } = this.environment.stats
    if (ToolError.is(thrown)) {
      counters.protocolErrors += 1
      const status = exchange.dialect.revision.http.status['internal_error'] ?? 200
      return { text: errorText(exchange.id, -32603, toolErrorText(thrown), toolErrorMeta(thrown)), status }
    }
    const correlationId = crypto.randomUUID()
    this.#logInternal(thrown, correlationId, exchange)
    return this.refusal(
      new ProtocolError(
        'internal_error',
        `The server failed for a reason of its own; its log says why under ${correlationId}.`,
        {
          data: { correlationId },
        },
      ),
      exchange,
    )
  }

  /** Anything thrown in a tool as what a model may read. What we did not mean to throw is masked and logged. */
  #toToolError(thrown: unknown, call: Call): ToolError {
    const { counters } = this.environment.stats
    counters.toolErrors += 1
    if (ToolError.is(thrown)) {
      if (thrown.cause !== undefined) this.#logCause(thrown, call)
      return thrown
    }
    if (ProtocolError.is(thrown)) {
      // A model never reads JSON-RPC errors, so in a tool even those become a result; nothing of them is lost.
      return new ToolError(thrown.kind, {
        message: thrown.message,
        data: { code: thrown.code, ...thrown.data },
      })
    }
    const { correlationId } = call.ctx
    this.#logInternal(thrown, correlationId, call.exchange, call.name)
    return new ToolError('internal', {
      message: `The tool "${call.name}" failed for a reason of its own; the server's log says why under ${correlationId}.`,
      data: { correlationId },
    })
  }

  #logCause(error: ToolError, call: Call): void {
    const { correlationId } = call.ctx
    this.environment.logger.warn('A tool failed as it may, for a reason that is only told here.', {
      correlationId,
      name: call.name,
      code: error.code,
      cause: error.cause,
    })
  }

  #logInternal(thrown: unknown, correlationId: string, exchange: Exchange, name?: string): void {
    this.environment.stats.counters.internalErrors += 1
    this.environment.logger.error('A handler threw what it did not mean to send.', {
      correlationId,
      method: exchange.method,
      ...(name !== undefined && { name }),
      error: thrown,
    })
  }
}

/** The answer to a handshake, from its result as JSON text; counted like any other request. */
export function initializedText(engine: Engine, id: RequestId, result: string): Answer {
  engine.environment.stats.counters.requests += 1
  return { text: resultText(id, result), status: 200 }
}

/** Cancelled or gone: the specification forbids to answer. A call that timed out is answered. */
function unwanted(exchange: Exchange): boolean {
  return exchange.ended === 'cancelled' || exchange.ended === 'disconnected'
}
