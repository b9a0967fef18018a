import { ProtocolError } from '../errors/protocol-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import { isHidden } from './access.js'
import type { Call, Handler } from './call.js'
import type { ContextSource } from './context.js'
import type { Completer } from './definitions.js'
import type { Exchange } from './exchange.js'
import type { Methods } from './method.js'
import type { PromptEntry } from './prompts.js'
import type { Registry } from './registry.js'
import type { ResourceCatalogue } from './resource-catalogue.js'
import { CompletionContext, type CompletionInput } from './suggest.js'

/** The specification's limit on values in one answer (server/utilities/completion). */
const maxValues = 100

interface Completed {
  readonly name: string
  readonly source: ContextSource
  readonly complete: Completer<unknown> | undefined
  readonly suggest: Handler
}

/** `completion/complete`, from the completers of prompts and resource templates. */
export function completionMethods(prompts: Registry<PromptEntry>, resources: ResourceCatalogue): Methods {
  async function complete(exchange: Exchange): Promise<string> {
    const { ref, argument, context } = exchange.params
    if (
      !isRecord(argument) ||
      typeof argument['name'] !== 'string' ||
      typeof argument['value'] !== 'string'
    ) {
      throw new ProtocolError(
        'invalid_params',
        '"argument" must be an object with the strings "name" and "value".',
      )
    }
    const { name, value } = { name: argument['name'], value: argument['value'] }
    const { name: owner, source, complete: completer, suggest } = find(ref, name, exchange)
    const given = isRecord(context) && isRecord(context['arguments']) ? context['arguments'] : {}
    const ctx = new CompletionContext(exchange, source, given as Record<string, string>)
    const input: CompletionInput = { value, completer }
    const call: Call = { kind: 'completion', name: owner, input, ctx, exchange }
    const values = (await suggest(call)) as readonly string[]
    const sent = values.slice(0, maxValues)
    const completion = { values: sent, total: values.length, hasMore: values.length > sent.length }
    return exchange.dialect.result(`"completion":${JSON.stringify(completion)}`)
  }

  function find(ref: unknown, argument: string, { principal }: Exchange): Completed {
    const { type, name, uri } = isRecord(ref) ? ref : {}
    if (type === 'ref/prompt' && typeof name === 'string') {
      const entry = prompts.get(name)
      if (entry === undefined || isHidden(entry, principal))
        throw unknownRef(`prompt ${JSON.stringify(name.slice(0, 128))}`)
      if (entry.prompt.arguments?.some((known) => known.name === argument) !== true)
        throw unknownArgument(argument)
      return {
        name,
        source: entry.source,
        complete: completerOf(entry.complete, argument),
        suggest: entry.suggest,
      }
    }
    if (type === 'ref/resource' && typeof uri === 'string') {
      const entry = resources.templates.find((template) => template.template.text === uri)
      if (entry === undefined || isHidden(entry, principal))
        throw unknownRef(`resource template ${JSON.stringify(uri.slice(0, 200))}`)
      if (!entry.template.variables.includes(argument)) throw unknownArgument(argument)
      return {
        name: entry.name,
        source: entry.source,
        complete: completerOf(entry.complete, argument),
        suggest: entry.suggest,
      }
    }
    throw new ProtocolError(
      'invalid_params',
      '"ref" must be { type: "ref/prompt", name } or { type: "ref/resource", uri }.',
    )
  }

  return { 'completion/complete': complete }
}

function unknownRef(what: string): ProtocolError {
  return new ProtocolError('invalid_params', `"ref" names the unknown ${what}.`)
}

function unknownArgument(argument: string): ProtocolError {
  return new ProtocolError(
    'invalid_params',
    `"argument.name" is ${JSON.stringify(argument.slice(0, 128))}, which "ref" does not have.`,
  )
}

function completerOf(
  complete: Readonly<Record<string, Completer<unknown>>>,
  argument: string,
): Completer<unknown> | undefined {
  return Object.hasOwn(complete, argument) ? complete[argument] : undefined
}
