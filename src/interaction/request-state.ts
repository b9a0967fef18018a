import type { Clock } from '../contracts/clock.js'
import { principalKey } from '../contracts/principal.js'
import type { Store } from '../contracts/store.js'
import type { Environment } from '../engine/environment.js'
import type { Exchange } from '../engine/exchange.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { ToolError } from '../errors/tool-error.js'
import { canonicalJson, digestOf } from '../protocol/canonical-json.js'
import { isRecord } from '../protocol/json-rpc.js'

const purpose = 'request state'
/** Long enough for a person to answer, short enough that a stolen state is worth little. */
const stateLifetimeMs = 10 * 60_000
const maxStateLength = 16 * 1024

/** What a call remembers between rounds. */
export interface RoundState {
  readonly round: number
  /** By question. */
  readonly answers: ReadonlyMap<string, unknown>
  /** The questions of the last round: by the client's key, which question it was. */
  readonly asked: ReadonlyMap<string, string>
  readonly once: ReadonlyMap<string, unknown>
}

/** Short names, because it travels. */
interface Sealed {
  /** Which call: method, definition, arguments and principal. */
  readonly c: string
  /** Until when, in milliseconds since 1970. */
  readonly x: number
  readonly r: number
  readonly a: readonly (readonly [question: string, answer: unknown])[]
  readonly q: readonly (readonly [key: string, question: string])[]
  /** Without a value where the work gave none. */
  readonly o: readonly (readonly [key: string, value?: unknown])[]
  /** For states that count once. */
  readonly n?: string
}

export interface StateOptions {
  readonly environment: Pick<Environment, 'sealer' | 'clock' | 'logger'>
  /** Milliseconds that the call may take. */
  readonly timeoutMs: number
  readonly nonces: Store
  readonly singleUse: boolean
}

/** @throws ToolError (state_too_large) when it would not fit into what a client carries. */
export async function sealState(
  state: RoundState,
  exchange: Exchange,
  options: StateOptions,
): Promise<string> {
  const { sealer, clock } = options.environment
  const sealed: Sealed = {
    c: await callDigest(exchange),
    x: clock.now() + stateLifetimeMs,
    r: state.round,
    a: [...state.answers],
    q: [...state.asked],
    o: [...state.once].map(([key, value]) => (value === undefined ? [key] : [key, value])),
    ...(options.singleUse && { n: crypto.randomUUID() }),
  }
  const text = JSON.stringify(sealed)
  const token = text.length > maxStateLength ? '' : await sealer.seal(purpose, text)
  if (token === '' || token.length > maxStateLength) {
    throw new ToolError('state_too_large', {
      message: `What this call has been answered so far takes ${text.length} bytes, and its client can carry about ${Math.floor((maxStateLength * 3) / 4)}.`,
      hint: 'Ask for less at once, or start over with shorter answers.',
    })
  }
  return token
}

/**
 * Reads what a client brings back. Whatever it sends is an attacker's until it has opened: it must be ours, unchanged,
 * in time, for this call and this principal, and, where that is asked for, never seen before.
 * @throws ProtocolError
 */
export async function openState(
  token: unknown,
  exchange: Exchange,
  options: StateOptions,
): Promise<RoundState> {
  const { sealer, clock } = options.environment
  const usable = typeof token === 'string' && token.length <= maxStateLength
  const text = usable ? await sealer.open(purpose, token) : undefined
  const sealed = text === undefined ? undefined : readSealed(text)
  if (sealed === undefined || sealed.c !== (await callDigest(exchange)))
    throw refused('is none that this server gave out for this request')
  if (sealed.x <= clock.now()) throw refused('has expired')
  if (options.singleUse) await useUp(sealed.n, options)
  return {
    round: sealed.r,
    answers: new Map(sealed.a),
    asked: new Map(sealed.q),
    once: new Map(sealed.o.map(([key, value]) => [key, value])),
  }
}

/** Fails closed: what cannot be looked up may have been used. */
async function useUp(nonce: string | undefined, options: StateOptions): Promise<void> {
  const { nonces, environment, timeoutMs } = options
  let fresh = false
  try {
    if (nonce !== undefined) {
      const used = nonces.setIfAbsent(`nonce:${nonce}`, '1', stateLifetimeMs)
      fresh = await inTime(used, timeoutMs, environment.clock)
    }
  } catch (error) {
    environment.logger.error('The nonce store did not answer, so a state that counts once was refused.', {
      error,
    })
    throw new ProtocolError(
      'internal_error',
      'Whether "requestState" was used before cannot be told now; try again.',
    )
  }
  if (!fresh) throw refused('was used before and counts once')
}

/** A store that does not answer must not hold the call. */
function inTime(work: Promise<boolean>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const stop = clock.after(ms, () => reject(new Error(`The nonce store did not answer within ${ms} ms.`)))
    work.then(resolve, reject).finally(stop)
  })
}

function refused(why: string): ProtocolError {
  return new ProtocolError(
    'invalid_params',
    `"requestState" ${why}; send the request again without it and without "inputResponses".`,
  )
}

function callDigest({ method, params, principal }: Exchange): Promise<string> {
  const { name, uri, arguments: args } = params
  // Only what the method itself goes by: whatever else a request says must not stand in for it.
  const what = method === 'resources/read' ? [uri] : [name, args ?? {}]
  return digestOf(canonicalJson([method, what, principalKey(principal)]))
}

function readSealed(text: string): Sealed | undefined {
  const value: unknown = JSON.parse(text)
  // Sealed with our key, but perhaps by another version of ours.
  const fits =
    isRecord(value) &&
    typeof value['c'] === 'string' &&
    typeof value['x'] === 'number' &&
    typeof value['r'] === 'number' &&
    [value['a'], value['q'], value['o']].every((list) => Array.isArray(list) && list.every(Array.isArray))
  return fits ? (value as unknown as Sealed) : undefined
}
