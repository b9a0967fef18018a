import { principalKey } from '../../contracts/principal.js'
import type { Call, Next } from '../../engine/call.js'
import type { MiddlewareFactory } from '../../engine/pipeline.js'
import { canonicalJson, digestOf } from '../../protocol/canonical-json.js'
import type { Intents } from './intents.js'

/** A key that an author's function gives must be text of a length that tells intents apart and fills no store. */
const maxKeyLength = 512

/** Runs a tool with an `idempotencyKey` once for each key of a caller. */
export function idempotency(intents: () => Promise<Intents>): MiddlewareFactory {
  return ({ idempotencyKey, name, timeoutMs }) => {
    if (idempotencyKey === undefined) return undefined
    return function idempotency(call, next) {
      const key: unknown = idempotencyKey(call.input)
      if (key instanceof Promise) key.catch(() => undefined)
      if (typeof key !== 'string' || key === '' || key.length > maxKeyLength) {
        throw new TypeError(
          `The "idempotencyKey" of the tool "${name}" must return a text of 1 to ${maxKeyLength} characters.`,
        )
      }
      return once(key, call, next)
    }

    async function once(key: string, call: Call, next: Next): Promise<unknown> {
      const { exchange, input } = call
      const whose = JSON.stringify([principalKey(exchange.principal), name, key])
      const intent = {
        key: `intent:${await digestOf(whose)}`,
        digest: await digestOf(canonicalJson(input ?? null)),
        timeoutMs: exchange.timeoutMs ?? timeoutMs,
      }
      return (await intents()).run(intent, call, next)
    }
  }
}
