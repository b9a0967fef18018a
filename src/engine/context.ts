import type { MapOptions, MapWork, Outcome } from '../concurrency/map-items.js'
import type { WorkerExports, WorkerInput, WorkerOutput } from '../concurrency/workers/define-worker.js'
import type { Fetch } from '../contracts/fetch.js'
import type { Logger } from '../contracts/logger.js'
import type { Principal } from '../contracts/principal.js'
import type { ServiceCall } from '../contracts/service.js'
import { DefinitionError } from '../errors/definition-error.js'
import { ToolError, type ToolErrorDetails } from '../errors/tool-error.js'
import type { RequestId } from '../protocol/json-rpc.js'
import type { LogSeverity } from '../protocol/log-level.js'
import { type ClientFeature, clientSupports } from '../protocol/revisions/revision.js'
import type { ClientCapabilities, Meta, ResourceLink, Root, SamplingResult } from '../protocol/types.js'
import type { InferOutput, SchemaLike } from '../schema/infer.js'
import { withFields } from '../telemetry/field-logger.js'
import type { Batching, Loads } from './batching.js'
import { ClientNotices } from './client-notices.js'
import type { ErrorCatalogue } from './definitions.js'
import type { ClientState, Exchange, TransportName } from './exchange.js'
import type {
  FormAnswer,
  FormQuestion,
  Interaction,
  SamplingQuestion,
  UrlAnswer,
  UrlQuestion,
} from './interaction.js'
import type { Loader } from './loader.js'
import type { SpillOptions, SpillSource } from './spilling.js'
import { ofQuestion } from './unanswered.js'
import type { Workers } from './workers.js'

/** What narrowing on a feature adds to the context's type; a feature that brings methods adds them here. */
export interface FeatureContext {
  readonly elicitation: {
    readonly client: { readonly capabilities: Required<Pick<ClientCapabilities, 'elicitation'>> }
  }
  readonly 'elicitation.url': {
    readonly client: { readonly capabilities: { readonly elicitation: { readonly url: object } } }
  }
  readonly sampling: {
    readonly client: { readonly capabilities: Required<Pick<ClientCapabilities, 'sampling'>> }
  }
  readonly 'sampling.tools': {
    readonly client: { readonly capabilities: { readonly sampling: { readonly tools: object } } }
  }
  readonly roots: { readonly client: { readonly capabilities: Required<Pick<ClientCapabilities, 'roots'>> } }
  readonly tasks: {
    readonly client: { readonly capabilities: Required<Pick<ClientCapabilities, 'extensions'>> }
  }
}

/** What a definition gives the contexts of its calls. */
export interface ContextSource {
  readonly name: string
  readonly services: (call: ServiceCall) => unknown
  readonly batching: Batching
  readonly logger: Logger
  readonly fetch: Fetch
  readonly errors: ErrorCatalogue
  /** Milliseconds from arrival. */
  readonly timeoutMs: number
  /** Whether a call does no more when it runs twice. */
  readonly repeatable: boolean
  now(): number
  readonly workers: Workers
  spill(exchange: Exchange, source: SpillSource, options: SpillOptions): Promise<ResourceLink>
  /** What the definition's calls ask their clients. */
  interact(exchange: Exchange): Promise<Interaction>
}

const noMeta: Meta = Object.freeze({})
/** What is sent and needs no waiting; the same promise for all, because nearly nothing waits. */
const sent = Promise.resolve()

/** One call as its handler sees it. Everything that costs is made when it is first asked for. */
export class Context {
  readonly #exchange: Exchange
  readonly #source: ContextSource
  #correlationId: string | undefined
  #log: Logger | undefined
  #notices: ClientNotices | undefined
  #services: unknown
  #loads: Promise<Loads> | undefined

  constructor(exchange: Exchange, source: ContextSource) {
    this.#exchange = exchange
    this.#source = source
  }

  /** The same call's context on another exchange. */
  on(exchange: Exchange): Context {
    return new Context(exchange, this.#source)
  }

  /** The tool's, prompt's or resource's name, as defined. */
  get name(): string {
    return this.#source.name
  }

  get requestId(): RequestId {
    return this.#exchange.id
  }

  /** The protocol revision of this call, such as `2025-11-25`. */
  get revision(): string {
    return this.#exchange.dialect.revision.version
  }

  get transport(): TransportName {
    return this.#exchange.transport
  }

  get principal(): Principal {
    return this.#exchange.principal
  }

  get services(): unknown {
    this.#services ??= this.#source.services(this)
    return this.#services
  }

  /** What the client says of itself. It is not verified: show it, never trust it. */
  get client(): ClientState {
    return this.#exchange.client
  }

  /** Aborts when the client cancels or leaves, at the deadline, and when the server closes. */
  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  /**
   * Whether the work of this call may be done twice: a read of a resource or prompt, or a tool that says `readOnlyHint` or
   * `idempotentHint`. What retries asks this first.
   */
  get repeatable(): boolean {
    return this.#source.repeatable
  }

  /** Milliseconds until the deadline; 0 when it has passed. */
  remaining(): number {
    const { arrivedAt, timeoutMs = this.#source.timeoutMs, postponedMs } = this.#exchange
    return Math.max(0, arrivedAt + timeoutMs + postponedMs - this.#source.now())
  }

  /** The request's `_meta`, as the client sent it. */
  get meta(): Meta {
    const meta = this.#exchange.params['_meta']
    return typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? (meta as Meta) : noMeta
  }

  /** The server's logger; what is written here carries the call's method, name and correlation id. */
  get log(): Logger {
    const { method, params } = this.#exchange
    const { name, uri } = params
    this.#log ??= withFields(this.#source.logger, {
      correlationId: this.correlationId,
      method,
      ...(typeof name === 'string' && { name }),
      ...(typeof uri === 'string' && { uri }),
    })
    return this.#log
  }

  /**
   * `fetch` for URLs that come from outside: it reaches the public internet and what the server's `fetch` option allows,
   * checks each redirect, and is bounded in bytes and time. It stops with `ctx.signal`. A refusal is a tool error that says why,
   * so it may pass. docs/security.md
   * @throws ToolError `url_not_allowed`, `fetch_failed`, `fetch_timed_out`, `response_too_large`, `too_many_redirects`,
   *   `overloaded`
   */
  get fetch(): Fetch {
    const { fetch } = this.#source
    const { signal } = this
    return (input, init) => fetch(input, { ...init, signal: joined(signal, input, init) })
  }

  /** Ties a masked error to its log record: both carry this id. */
  get correlationId(): string {
    this.#correlationId ??= crypto.randomUUID()
    return this.#correlationId
  }

  /**
   * The error to throw: `throw ctx.error('order_not_found', { value: orderId })`. A code of the definition's
   * catalogue brings its message, hint and `retryable`; any other code needs a message.
   */
  readonly error = (code: string, details: ToolErrorDetails = {}): ToolError => {
    const defined = Object.hasOwn(this.#source.errors, code) ? this.#source.errors[code] : undefined
    const { message: defaultMessage, hint, retryable } = defined ?? { message: undefined }
    return new ToolError(code, {
      ...(hint !== undefined && { hint }),
      ...(retryable !== undefined && { retryable }),
      ...details,
      message: details.message ?? defaultMessage ?? `The call failed: ${code}.`,
    })
  }

  /**
   * Tells the client how far the work is, when it asked for that (`progressToken`). Values that do not increase are
   * left out, as the specification demands (basic/utilities/progress). Await it: while the client reads too slowly it
   * resolves later, and a stream that is left unread is cut. In a task the message becomes the task's status. It never
   * rejects.
   */
  progress(progress: number, total?: number, message?: string): Promise<void> {
    return this.#notify().progress(progress, total, message)
  }

  /**
   * Sends a log message to the client, when it asked for messages of this severity (`logging/setLevel`, in 2026-07-28
   * the request's `_meta`); at most 100 a second. What is sent leaves the house: no secrets, nothing internal. The
   * specification deprecates it; `ctx.log` goes to the server's own log. It never rejects.
   */
  logToClient(level: LogSeverity, data: unknown, logger?: string): Promise<void> {
    return this.#notify().log(level, data, logger, (error) => {
      this.log.warn('A log message to the client held what JSON cannot carry, and was left out.', { error })
    })
  }

  /** For the heartbeat: shows the client that the call goes on, by the smallest progress there is. */
  beat(): void {
    this.#notify().beat()
  }

  /**
   * Asks the user to fill in a form. The answer was checked against the schema; one that does not fit is asked for
   * again. In the handshake revisions it waits for the answer; in 2026-07-28 the call ends here and the handler runs
   * again with the answer, so put side effects that come before into `ctx.once` (docs/interaction.md).
   * @throws what ends the call: let it pass. A client that cannot be asked is a `missing_client_capability` error,
   *   unless the definition has a fallback.
   */
  elicit<const Schema extends SchemaLike>(
    question: FormQuestion<Schema>,
  ): Promise<FormAnswer<InferOutput<Schema>>> {
    return this.#ask((interaction) => interaction.elicit(question))
  }

  /** Asks the user to open a page, for what must not pass through the client (2025-11-25 and later). */
  elicitUrl(question: UrlQuestion): Promise<UrlAnswer> {
    return this.#ask((interaction) => interaction.elicitUrl(question))
  }

  /**
   * Tells the client that what a page of `ctx.elicitUrl` was opened for is done. Only 2025-11-25 has the notification;
   * elsewhere nothing is sent.
   */
  elicitationComplete(elicitationId: string): Promise<void> {
    const { revision } = this.#exchange.dialect
    if (revision.asks !== 'request' || !revision.clientFeatures.has('elicitation.url')) return sent
    return this.#exchange.notify('notifications/elicitation/complete', { elicitationId }) ?? sent
  }

  /** Asks the client's model. Deprecated by the specification since 2026-07-28, and served as long as it is there. */
  sample(question: SamplingQuestion): Promise<SamplingResult> {
    return this.#ask((interaction) => interaction.sample(question))
  }

  /** Asks the client for the places it works in. Deprecated by the specification since 2026-07-28. */
  roots(question: { readonly key?: string } = {}): Promise<readonly Root[]> {
    return this.#ask((interaction) => interaction.roots(question))
  }

  /**
   * Runs `work` once for this call, however often its handler runs again for answers (2026-07-28), and gives the same
   * value each time. The value must be JSON and small: it travels, sealed, through the client.
   */
  async once<Value>(key: string, work: () => Value | Promise<Value>): Promise<Value> {
    return (await this.#interact()).once(key, work)
  }

  /** Handlers see it typed by their services, with its whole comment, in HandlerContext. */
  async load<Key, Value>(loader: Loader<Key, Value, never>, key: Key): Promise<Value | undefined> {
    this.#loads ??= this.#source.batching.loads(this)
    return (await this.#loads).load(loader, key)
  }

  /**
   * Works on many items, eight at once or `concurrency`; of an asynchronous source none is taken before there is room. With
   * `onError: 'collect'` each item has an outcome and one that fails leaves the others alone; by default the first failure
   * ends the rest and is thrown. It resolves when all work has ended, and tells the client how many are done, where it asked for progress.
   */
  map<Item, Value>(
    items: Iterable<Item> | AsyncIterable<Item>,
    work: MapWork<Item, Value>,
    options: MapOptions & { readonly onError: 'collect' },
  ): Promise<Outcome<Value>[]>
  map<Item, Value>(
    items: Iterable<Item> | AsyncIterable<Item>,
    work: MapWork<Item, Value>,
    options?: MapOptions & { readonly onError?: 'stop' },
  ): Promise<Value[]>
  async map<Item, Value>(
    items: Iterable<Item> | AsyncIterable<Item>,
    work: MapWork<Item, Value>,
    options: MapOptions = {},
  ): Promise<Outcome<Value>[] | Value[]> {
    const map = await this.#source.batching.map()
    return map(this, items, work, options)
  }

  /**
   * Counts one query of this call, by its text without values. In development a call that asks the same ten times is warned of;
   * the pools of `holdfast/services` say so by themselves.
   */
  noteQuery(shape: string): void {
    this.#source.batching.noteQuery?.(this, shape)
  }

  /**
   * Lets a tool whose `task` begins with its handler go on as a task: the client is answered, and comes back for the
   * result. True when the call is a task from here on; false for a client without tasks, whose call simply goes on.
   */
  async beginTask(): Promise<boolean> {
    const { background } = this.#exchange
    if (background === undefined) return false
    if (!background.begun) await background.begin()
    return true
  }

  /**
   * Ends the connection that this call's stream is on, not the call: the client comes back for the rest (2025-11-25,
   * transports, "Sending Messages"). Spares a connection while a call waits for long. False where the client could
   * not come back: on other transports and revisions, or when it takes no stream.
   */
  closeStream(): boolean {
    return this.#exchange.releaseStream()
  }

  /**
   * Keeps what is too large for a result, and gives a link to it for the result: the client reads it with `resources/read`, in
   * parts, until its time is over. The source is read no faster than it can be kept, and ended when the call ends. Only this
   * caller can read it; where nobody is identified, whoever has the link. docs/large-results.md
   * @throws ToolError `spill_failed` when there is no room or no place for it, and what the source throws
   */
  spill(source: SpillSource, options: SpillOptions): Promise<ResourceLink> {
    return this.#source.spill(this.#exchange, source, options)
  }

  /**
   * Runs a worker module's function on a thread, for work that is computed from what the handler has fetched:
   * `await ctx.runWorker<typeof import('./profile-worker.js')>(new URL('./profile-worker.js', import.meta.url), sample)`. The type
   * argument is what types input and output. It is one of the server's `workers`: it waits its turn, ends with the call, and what it
   * tells and throws is this call's. Input and output are copied; a typed array over a SharedArrayBuffer is shared. docs/workers.md
   * @throws DefinitionError for a URL that leads to no file; ToolError `overloaded`, `worker_failed`; else what the function throws
   */
  async runWorker<Module extends WorkerExports = WorkerExports>(
    worker: URL,
    input: WorkerInput<Module>,
  ): Promise<WorkerOutput<Module>> {
    const { workers, name } = this.#source
    const wrong = workers.check(worker)
    if (wrong !== undefined) throw new DefinitionError(`ctx.runWorker in "${name}": ${wrong}`)
    return (await workers.run(worker, name, input, this)) as WorkerOutput<Module>
  }

  /** Whether the client can do this under the call's revision; a yes narrows the context's type. */
  supports<Feature extends ClientFeature>(feature: Feature): this is this & FeatureContext[Feature] {
    return clientSupports(this.#exchange.dialect.revision, this.#exchange.client.capabilities, feature)
  }

  #notify(): ClientNotices {
    this.#notices ??= new ClientNotices(this.#exchange, this.#source)
    return this.#notices
  }

  #ask<Answer>(how: (interaction: Interaction) => Promise<Answer>): Promise<Answer> {
    const answer = this.#interact().then(how)
    answer.catch(ofQuestion)
    return answer
  }

  #interact(): Promise<Interaction> {
    const exchange = this.#exchange
    if (exchange.interaction === undefined) {
      exchange.interaction = this.#source.interact(exchange)
      // Whoever asks hears of a failure; so does nobody else who looks at it.
      exchange.interaction.catch(() => undefined)
    }
    return exchange.interaction
  }
}

/** The call's signal, and the fetch's own where it has one. */
function joined(signal: AbortSignal, input: unknown, init: RequestInit | undefined): AbortSignal {
  const own = init?.signal ?? (input instanceof Request ? input.signal : undefined)
  return own === undefined || own === null ? signal : AbortSignal.any([signal, own])
}
