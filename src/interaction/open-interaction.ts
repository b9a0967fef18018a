import type { Store } from '../contracts/store.js'
import type { Environment } from '../engine/environment.js'
import type { Exchange } from '../engine/exchange.js'
import type { Interaction, InteractionOptions } from '../engine/interaction.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { ToolError } from '../errors/tool-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { Asker } from './asker.js'
import { CallInteraction } from './call-interaction.js'
import { DirectAsker, type DirectOptions } from './direct.js'
import { FormFault } from './form.js'
import { ReplayAsker } from './replay.js'
import { openState } from './request-state.js'

/** Requests whose handlers may ask (2026-07-28, patterns/mrtr, "Supported Requests"). */
const mayAsk: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/**
 * Makes what one call asks its client with: requests of ours in the handshake revisions, an answer that asks in the
 * others, and what a task has once the call is one.
 * @throws ProtocolError for answers or a state that must not count.
 */
export async function openInteraction(
  exchange: Exchange,
  options: InteractionOptions,
  environment: Environment,
  nonces: Store,
): Promise<Interaction> {
  const { clock, stats } = environment
  const { counters } = stats
  const direct = (put: DirectOptions['put']): DirectAsker =>
    new DirectAsker(exchange, { clock, counters, put })
  if (!mayAsk.has(exchange.method)) {
    const nowhere = direct(() => {
      throw new FormFault(
        `"${options.name}" asks its client in a list or a completion, where nothing can be asked.`,
      )
    })
    return new CallInteraction(exchange, options, { call: nowhere, task: nowhere })
  }
  const call =
    exchange.dialect.revision.asks === 'replay'
      ? await replayAsker(exchange, options, environment, nonces)
      : direct((question, params, signal) => {
          if (exchange.peers === undefined) throw unreachable()
          return exchange.peers.ask(exchange, question.method, params, signal)
        })
  const task = direct((question, params, signal) => {
    if (exchange.background === undefined) throw unreachable()
    return exchange.background.ask({ ...question, params }, signal)
  })
  return new CallInteraction(exchange, options, { call, task })
}

async function replayAsker(
  exchange: Exchange,
  { singleUse, timeoutMs }: InteractionOptions,
  environment: Environment,
  nonces: Store,
): Promise<Asker> {
  const { requestState, inputResponses } = exchange.params
  if (inputResponses !== undefined && !isRecord(inputResponses)) {
    throw new ProtocolError(
      'invalid_params',
      '"inputResponses" must be an object that has an answer under the key of each question.',
    )
  }
  const { clock, stats } = environment
  const options = { environment, nonces, singleUse, timeoutMs, clock, counters: stats.counters }
  const state = requestState === undefined ? undefined : await openState(requestState, exchange, options)
  return new ReplayAsker(exchange, options, state)
}

function unreachable(): ToolError {
  return new ToolError('client_unreachable', {
    message: 'There is no way to ask the client of this call.',
    retryable: false,
  })
}
