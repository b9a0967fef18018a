import { DefinitionError } from '../errors/definition-error.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { Prompt, PromptArgument, PromptMessage } from '../protocol/types.js'
import { wireContent, wirePrompt } from '../protocol/wire.js'
import { compileSchema } from '../schema/compile.js'
import type { JsonSchema } from '../schema/json-schema.js'
import type { AccessOptions } from './access.js'
import { type Access, accessOf, isHidden } from './access.js'
import { answerOrAsk } from './asking.js'
import type { Call, Handler } from './call.js'
import { isBlock, isMessage, user } from './content.js'
import { Context, type ContextSource } from './context.js'
import { contextSource } from './context-source.js'
import { checkPromptOptions } from './definition-check.js'
import type { Completer, PromptOptions } from './definitions.js'
import { toMs } from './duration.js'
import type { Environment } from './environment.js'
import type { Exchange } from './exchange.js'
import { refuseHiddenTexts } from './hidden-text.js'
import { lazily } from './lazily.js'
import { listTtlMs, PagedList } from './lists.js'
import type { Methods } from './method.js'
import type { Authorize, Definition } from './pipeline.js'
import { toConcurrency, toRateLimit } from './policies.js'
import type { Registry } from './registry.js'
import { suggestChain } from './suggest.js'
import { HandlerFault } from './tool-result.js'

export interface PromptEntry {
  readonly name: string
  readonly prompt: Prompt
  readonly source: ContextSource
  readonly access: Access | undefined
  readonly complete: Readonly<Record<string, Completer<unknown>>>
  readonly suggest: Handler
  run(call: Call): unknown
}

/** Checks a prompt's definition and compiles it. @throws DefinitionError with the sentence that mends it. */
export function createPrompt(
  name: string,
  options: PromptOptions<PromptOptions['input'], never>,
  handler: (args: never, ctx: never) => unknown,
  environment: Environment,
  within: readonly AccessOptions[] = [],
): PromptEntry {
  checkPromptOptions(name, options, handler)
  const owner = `prompt ${JSON.stringify(name)}`
  const input =
    options.input === undefined ? undefined : compileSchema(options.input, { role: 'input', owner })
  if (input !== undefined) refuseHiddenTexts(input.json, `The ${owner}: `, 'input')
  const args = input === undefined ? [] : promptArguments(input.json, owner)
  const complete: Readonly<Record<string, Completer<never> | undefined>> = options.complete ?? {}
  for (const argument of Object.keys(complete)) {
    if (!args.some((known) => known.name === argument)) {
      throw new DefinitionError(`The ${owner} completes "${argument}", which is none of its arguments.`)
    }
  }
  const access = accessOf(options, within)
  const definition: Definition = {
    kind: 'prompt',
    name,
    input,
    output: undefined,
    timeoutMs:
      options.timeout === undefined
        ? environment.timeoutMs
        : toMs(options.timeout, `The ${owner}: "timeout"`),
    repair: false,
    access,
    authorize: options.authorize as Authorize | undefined,
    rateLimit: toRateLimit(options.rateLimit, `The ${owner}: "rateLimit`),
    concurrency: toConcurrency(options.concurrency),
  }
  const { title, description, icons, meta } = options
  return {
    name,
    prompt: {
      name,
      ...(title !== undefined && { title }),
      description,
      ...(args.length > 0 && { arguments: args }),
      ...(icons && { icons }),
      ...(meta && { _meta: meta }),
    },
    source: contextSource(environment, { name, timeoutMs: definition.timeoutMs }),
    access,
    complete: complete as PromptEntry['complete'],
    suggest: suggestChain(definition, environment),
    run: lazily(() => environment.pipeline.compose(definition, promptHandler(handler))),
  }
}

/** Prompt arguments are text on the wire, so each property must take a string. */
function promptArguments(schema: JsonSchema, owner: string): PromptArgument[] {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {}
  const required: unknown = schema['required']
  return Object.entries(properties).map(([name, property]) => {
    const { type, title, description } = isRecord(property) ? property : {}
    if (type !== undefined && type !== 'string') {
      throw new DefinitionError(
        `The ${owner}: the argument "${name}" is of type ${JSON.stringify(type)}; prompt arguments are strings.`,
      )
    }
    return {
      name,
      ...(typeof title === 'string' && { title }),
      ...(typeof description === 'string' && { description }),
      ...(Array.isArray(required) && required.includes(name) && { required: true }),
    }
  })
}

function promptHandler(handler: (args: never, ctx: never) => unknown): Handler {
  const render = handler as (args: unknown, ctx: Context) => unknown
  return async (call) => {
    call.begun = true
    return toMessages(await render(call.input, call.ctx))
  }
}

function toMessages(value: unknown): readonly PromptMessage[] {
  if (typeof value === 'string' || isBlock(value)) return [user(value)]
  if (isMessage(value)) return [value]
  if (Array.isArray(value) && value.every(isMessage)) return value
  throw new HandlerFault('A prompt returns text, user(...), assistant(...) or an array of those.')
}

/** `prompts/list` and `prompts/get`. */
export function promptMethods(registry: Registry<PromptEntry>, environment: Environment): Methods {
  const list = new PagedList<PromptEntry>(
    {
      member: 'prompts',
      version: () => registry.version,
      entries: () => registry.list(),
      key: (entry) => entry.name,
      access: (entry) => entry.access,
      encode: (dialect, entry) => wirePrompt(dialect.revision, entry.prompt),
    },
    {
      sealer: environment.sealer,
      pageSize: environment.pageSize,
      ttlMs: listTtlMs,
      stats: environment.stats,
    },
  )
  return {
    'prompts/list': (exchange) => list.answer(exchange),
    'prompts/get': (exchange) => getPrompt(registry, exchange),
  }
}

async function getPrompt(registry: Registry<PromptEntry>, exchange: Exchange): Promise<string> {
  const { name, arguments: given = {} } = exchange.params
  if (typeof name !== 'string')
    throw new ProtocolError('invalid_params', '"name" must be a string: the prompt to get.')
  const entry = registry.get(name)
  if (entry === undefined || isHidden(entry, exchange.principal)) {
    throw new ProtocolError(
      'invalid_params',
      `Unknown prompt ${JSON.stringify(name.slice(0, 128))}; prompts/list names those there are.`,
    )
  }
  if (!isRecord(given)) throw new ProtocolError('invalid_params', '"arguments" must be an object of strings.')
  const call: Call = {
    kind: 'prompt',
    name,
    input: given,
    ctx: new Context(exchange, entry.source),
    exchange,
  }
  return answerOrAsk(exchange, entry.source, async () => {
    const messages = (await entry.run(call)) as readonly PromptMessage[]
    const { dialect } = exchange
    const wire = messages.map(({ role, content }) => ({
      role,
      content: wireContent(dialect.revision, content),
    }))
    const { description } = entry.prompt
    const head = description === undefined ? '' : `"description":${JSON.stringify(description)},`
    return dialect.result(`${head}"messages":${JSON.stringify(wire)}`)
  })
}
