import type { ContextSource } from './context.js'
import type { Exchange } from './exchange.js'
import { bringsAnswers } from './interaction.js'

/**
 * Runs the work of a request whose handler may ask the client something. Whatever the handler returned, threw or
 * swallowed: while something is still to be asked, that is the answer.
 * @throws ProtocolError for answers or a state that must not count, and what `work` throws.
 */
export async function answerOrAsk(
  exchange: Exchange,
  source: ContextSource,
  work: () => Promise<string>,
): Promise<string> {
  await openAnswers(exchange, source)
  let text: string
  try {
    text = await work()
  } catch (thrown) {
    const question = await questionOf(exchange)
    if (question === undefined) throw thrown
    return question
  }
  return (await questionOf(exchange)) ?? text
}

/** Opens what a request brings back of an earlier round, before its handler runs. @throws ProtocolError */
export async function openAnswers(exchange: Exchange, source: ContextSource): Promise<void> {
  if (!bringsAnswers(exchange)) return
  exchange.interaction = source.interact(exchange)
  await exchange.interaction
}

/** The result that asks, as JSON text, when something is still to be asked. */
export async function questionOf(exchange: Exchange): Promise<string | undefined> {
  if (exchange.interaction === undefined) return undefined
  return (await exchange.interaction).outcome()
}
