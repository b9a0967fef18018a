import type { Call, Handler } from './call.js'
import { Context, type ContextSource } from './context.js'
import type { Completer } from './definitions.js'
import type { Environment } from './environment.js'
import type { Exchange } from './exchange.js'
import { lazily } from './lazily.js'
import type { Definition } from './pipeline.js'
import { HandlerFault } from './tool-result.js'

/** What a completion's chain carries as `call.input`. */
export interface CompletionInput {
  readonly value: string
  readonly completer: Completer<unknown> | undefined
}

/** Completers also see the arguments that were already chosen. */
export class CompletionContext extends Context {
  readonly arguments: Readonly<Record<string, string>>

  constructor(exchange: Exchange, source: ContextSource, given: Readonly<Record<string, string>>) {
    super(exchange, source)
    this.arguments = given
  }
}

/** The chain for the completers of one prompt or resource template, with that definition's timeout. */
export function suggestChain(owner: Definition, environment: Environment): Handler {
  const { name, timeoutMs, access } = owner
  const definition: Definition = {
    kind: 'completion',
    name,
    timeoutMs,
    access,
    repair: false,
    input: undefined,
    output: undefined,
  }
  return lazily(() => environment.pipeline.compose(definition, suggest))
}

async function suggest(call: Call): Promise<readonly string[]> {
  const { value, completer } = call.input as CompletionInput
  const values: unknown = (await completer?.(value, call.ctx as CompletionContext)) ?? []
  if (Array.isArray(values) && values.every((item) => typeof item === 'string')) return values
  throw new HandlerFault(`A completer of "${call.name}" must return an array of strings.`)
}
