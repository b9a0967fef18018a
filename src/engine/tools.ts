import { ProtocolError } from '../errors/protocol-error.js'
import type { ToolError } from '../errors/tool-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import { type MirroredParam, mirroredParams } from '../protocol/mirrored-params.js'
import { type ClientFeature, clientSupports, toCapabilities } from '../protocol/revisions/revision.js'
import type { Tool } from '../protocol/types.js'
import { wireTool } from '../protocol/wire.js'
import { type CompiledSchema, compileSchema } from '../schema/compile.js'
import { type Access, accessOf, isHidden } from './access.js'
import { openAnswers, questionOf } from './asking.js'
import type { Deferral, TaskSetting } from './background.js'
import type { Call, Handler } from './call.js'
import type { CollectOptions } from './collect-items.js'
import { isForeignThenable } from './compose.js'
import { Context, type ContextSource } from './context.js'
import { contextSource } from './context-source.js'
import { adviseOnTool, checkToolOptions } from './definition-check.js'
import type { ToolDefinition, ToolOptions } from './definitions.js'
import { toMs } from './duration.js'
import type { Environment } from './environment.js'
import type { Exchange } from './exchange.js'
import { refuseHiddenTexts } from './hidden-text.js'
import { bringsAnswers } from './interaction.js'
import { isItemSource } from './item-source.js'
import { lazily } from './lazily.js'
import { listTtlMs, PagedList } from './lists.js'
import type { Methods } from './method.js'
import type { Authorize, Definition } from './pipeline.js'
import { refusePublicCache, toCacheSetting, toConcurrency, toRateLimit } from './policies.js'
import type { Registry } from './registry.js'
import { toBudget } from './result-limit.js'
import { leastSpillMs } from './spilling.js'
import { asToolResult, type ToolResult, toErrorResult, toolResultText, toToolResult } from './tool-result.js'

/** A tool as the engine holds it: all that a call needs, made once. */
export interface ToolEntry {
  readonly name: string
  readonly tool: Tool
  readonly source: ContextSource
  readonly access: Access | undefined
  /** Arguments that clients of stateless revisions repeat in headers over HTTP. */
  readonly mirroredParams: readonly MirroredParam[]
  /** What a client must be able to do before the handler may be asked. */
  readonly requires: readonly ClientFeature[]
  /** Whether and when its calls become tasks. */
  readonly task: TaskSetting | undefined
  /** Whether its calls may run again when nobody knows how far they came. */
  readonly repeatable: boolean
  run(call: Call): unknown
}

const noArguments = Object.freeze({})

/** Checks a tool's definition and compiles it. @throws DefinitionError with the sentence that mends it. */
export function createTool(definition: ToolDefinition, environment: Environment): ToolEntry {
  checkToolOptions(definition, environment.workers)
  const { name, options } = definition
  const owner = `tool ${JSON.stringify(name)}`
  const input = compileSchema(
    options.input ?? { type: 'object', properties: {}, additionalProperties: false },
    {
      role: 'input',
      owner,
    },
  )
  const output =
    options.output === undefined ? undefined : compileSchema(options.output, { role: 'output', owner })
  refuseHiddenTexts(input.json, `The ${owner}: `, 'input')
  if (output !== undefined) refuseHiddenTexts(output.json, `The ${owner}: `, 'output')
  adviseOnTool(definition, input.json, environment)
  const { title, description, annotations, icons, meta } = options
  const mirrored = mirroredParams(input.json)
  const access = accessOf(options, definition.within)
  const cache = options.cache && toCacheSetting(options.cache, owner)
  refusePublicCache(cache, access !== undefined || options.authorize !== undefined, owner)
  const results = toBudget(options.maxResult, environment.results)
  const compiled: Definition = {
    kind: 'tool',
    name,
    input,
    output,
    timeoutMs:
      options.timeout === undefined
        ? environment.timeoutMs
        : toMs(options.timeout, `The ${owner}: "timeout"`),
    // A proxy has judged mirrored arguments by their headers; what is read out of text later it never saw.
    repair: mirrored.length === 0 && (options.repair ?? options.annotations?.destructiveHint !== true),
    sanitize: options.sanitize ?? true,
    results,
    heartbeatMs:
      options.heartbeat === undefined ? undefined : toMs(options.heartbeat, `The ${owner}: "heartbeat"`),
    access,
    authorize: options.authorize as Authorize | undefined,
    rateLimit: toRateLimit(options.rateLimit, `The ${owner}: "rateLimit`),
    cost: options.cost,
    concurrency: toConcurrency(options.concurrency),
    cache,
    idempotencyKey: options.idempotencyKey as ((input: unknown) => string) | undefined,
    repeatable: options.annotations?.readOnlyHint === true || options.annotations?.idempotentHint === true,
  }
  return {
    name,
    tool: {
      name,
      ...(title !== undefined && { title }),
      description,
      inputSchema: { ...input.json, type: 'object' },
      ...(output && { outputSchema: output.json as Record<string, unknown> }),
      ...(annotations && { annotations }),
      ...(icons && { icons }),
      ...(meta && { _meta: meta }),
    },
    source: contextSource(environment, {
      name,
      timeoutMs: compiled.timeoutMs,
      errors: options.errors,
      fallbacks: options.fallbacks,
      singleUse: options.singleUse,
      repeatable: compiled.repeatable,
      spillMs: leastSpillMs(cache),
    }),
    access,
    mirroredParams: mirrored,
    requires: requirements(options),
    task: taskSetting(options, owner),
    // Who names intents wants each to run once, and in doubt not again.
    repeatable: compiled.repeatable === true && compiled.idempotencyKey === undefined,
    run: lazily(() => {
      const collecting = { budget: results, spilling: environment.spilling, keepMs: leastSpillMs(cache) }
      return environment.pipeline.compose(compiled, toolHandler(definition, output, collecting, environment))
    }),
  }
}

function toolHandler(
  definition: ToolDefinition,
  output: CompiledSchema | undefined,
  collecting: CollectOptions,
  { workers }: Environment,
): Handler {
  const { name, options } = definition
  const { worker } = options
  // The handler's own types were checked where it was defined; here any tool is run alike.
  const handler =
    worker === undefined
      ? (definition.handler as (args: unknown, ctx: Context) => unknown)
      : (args: unknown, ctx: Context) => workers.run(worker, name, args, ctx)
  const hasOutput = output !== undefined
  const run: Handler = (call) => {
    call.begun = true
    const value = handler(call.input, call.ctx)
    const work = isForeignThenable(value) ? Promise.resolve(value) : value
    return work instanceof Promise ? work.then((settled: unknown) => taken(settled, call)) : taken(work, call)
  }
  function taken(value: unknown, call: Call): ToolResult | Promise<ToolResult> {
    if (!isItemSource(value)) return toToolResult(value, hasOutput)
    return import('./collect-items.js').then(({ collectItems }) => collectItems(value, call, collecting))
  }
  const { task } = options
  if (task === undefined || (typeof task === 'object' && task.begins === 'handler')) return run
  // Arguments and permissions have been checked: from here on it is worth a task.
  return (call) => {
    const { background } = call.exchange
    return background === undefined ? run(call) : background.begin().then(() => run(call))
  }
}

/** What has a fallback is not missing; a tool that only runs as a task needs a client that has them. */
function requirements({ requires = [], fallbacks = {}, task }: ToolOptions): readonly ClientFeature[] {
  const needed = requires.filter((feature) => !Object.hasOwn(fallbacks, feature))
  const support = typeof task === 'object' ? task.support : task
  return support === 'required' ? [...needed, 'tasks'] : needed
}

function taskSetting({ task, timeout }: ToolOptions, owner: string): TaskSetting | undefined {
  if (task === undefined) return undefined
  const { support, begins = 'call', ttl } = typeof task === 'string' ? { support: task } : task
  return {
    required: support === 'required',
    begins,
    ttlMs: ttl === undefined ? undefined : Math.round(toMs(ttl, `The ${owner}: "task.ttl"`)),
    timeoutMs: timeout === undefined ? undefined : toMs(timeout, `The ${owner}: "timeout"`),
  }
}

/** What the engine asks of whoever turns a thrown value into what may be sent. */
export type ToToolError = (thrown: unknown, call: Call) => ToolError

/** `tools/list` and `tools/call`. */
export function toolMethods(
  registry: Registry<ToolEntry>,
  environment: Environment,
  toToolError: ToToolError,
  deferral: () => Deferral | undefined,
): Methods {
  const list = new PagedList<ToolEntry>(
    {
      member: 'tools',
      version: () => registry.version,
      entries: () => registry.list(),
      key: (entry) => entry.name,
      access: (entry) => entry.access,
      encode: (dialect, entry) => wireTool(dialect.revision, entry.tool),
    },
    {
      sealer: environment.sealer,
      pageSize: environment.pageSize,
      ttlMs: listTtlMs,
      stats: environment.stats,
    },
  )
  return {
    'tools/list': (exchange) => list.answer(exchange),
    'tools/call': (exchange) => callTool(registry, exchange, toToolError, deferral),
  }
}

async function callTool(
  registry: Registry<ToolEntry>,
  exchange: Exchange,
  toToolError: ToToolError,
  deferral: () => Deferral | undefined,
): Promise<string> {
  const { name, arguments: given = noArguments } = exchange.params
  if (typeof name !== 'string') {
    throw new ProtocolError(
      'invalid_params',
      `"name" must be a string: the tool to call, received ${typeof name}.`,
    )
  }
  const entry = registry.get(name)
  if (entry === undefined || isHidden(entry, exchange.principal)) {
    throw new ProtocolError(
      'invalid_params',
      `Unknown tool ${JSON.stringify(name.slice(0, 128))}; tools/list names those there are.`,
    )
  }
  // A model's whole arguments sometimes come as JSON text; the repair step reads or refuses that.
  if (!isRecord(given) && typeof given !== 'string') {
    throw new ProtocolError(
      'invalid_params',
      `"arguments" must be an object, received ${Array.isArray(given) ? 'an array' : String(given)}.`,
    )
  }
  if (entry.task !== undefined) {
    const { task, repeatable } = entry
    const work = (within: Exchange): Promise<string> => runTool(entry, given, within, toToolError)
    const deferred = deferral()?.run(exchange, { name, task, repeatable }, work)
    if (deferred !== undefined) return deferred
  }
  return runTool(entry, given, exchange, toToolError)
}

async function runTool(
  entry: ToolEntry,
  given: unknown,
  exchange: Exchange,
  toToolError: ToToolError,
): Promise<string> {
  const { name, source } = entry
  const { outputSchema } = entry.tool
  const call: Call = { kind: 'tool', name, input: given, ctx: new Context(exchange, source), exchange }
  // Nearly no call brings answers, and those that do not should not wait a turn.
  if (bringsAnswers(exchange)) await openAnswers(exchange, source)
  let result: ToolResult | undefined
  let fault: unknown
  try {
    requireFeatures(entry, exchange)
    result = asToolResult(await entry.run(call), outputSchema !== undefined)
  } catch (thrown) {
    fault = thrown
  }
  if (exchange.interaction !== undefined) {
    try {
      const question = await questionOf(exchange)
      if (question !== undefined) return question
    } catch (thrown) {
      result = undefined
      fault = thrown
    }
  }
  if (result === undefined) {
    if (isAboutClient(fault, exchange)) throw fault
    result = toErrorResult(toToolError(fault, call))
  }
  try {
    return toolResultText(exchange.dialect, result, outputSchema)
  } catch (unsendable) {
    return toolResultText(exchange.dialect, toErrorResult(toToolError(unsendable, call)), outputSchema)
  }
}

/** @throws ProtocolError (missing_client_capability) with what the client would have to declare. */
function requireFeatures(entry: ToolEntry, exchange: Exchange): void {
  const { revision } = exchange.dialect
  const missing = entry.requires.filter(
    (feature) => !clientSupports(revision, exchange.client.capabilities, feature),
  )
  if (missing.length === 0) return
  throw new ProtocolError(
    'missing_client_capability',
    `The tool "${entry.name}" needs a client that can do ${missing.join(' and ')}; this one did not say that it can.`,
    { data: { requiredCapabilities: toCapabilities(missing) } },
  )
}

/**
 * Faults of the client that no model can mend. The stateless revisions have an error of their own for what it cannot do, and over
 * HTTP a missing permission is a 403 that tells it how to get one; elsewhere a model should read it.
 */
function isAboutClient(thrown: unknown, exchange: Exchange): boolean {
  if (!ProtocolError.is(thrown)) return false
  if (thrown.kind === 'insufficient_permissions') return exchange.transport === 'http'
  return thrown.kind === 'missing_client_capability' && exchange.dialect.revision.era === 'stateless'
}
