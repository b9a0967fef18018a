import type { Rate, RateClaim, RateDecision, RateStore } from '../contracts/rate-store.js'
import type { Call, CallResult, Next } from '../engine/call.js'
import type { Exchange } from '../engine/exchange.js'
import type { Definition, MiddlewareFactory } from '../engine/pipeline.js'
import { shown } from '../errors/shown.js'
import { ToolError } from '../errors/tool-error.js'
import { callerKey } from './caller.js'

/** The limits over all definitions of a server. */
export interface ServerRates {
  readonly principal?: Rate | undefined
  readonly server?: Rate | undefined
  /** For each caller's completions. */
  readonly completion: Rate
}

/** One limit as a definition's chain knows it. */
interface Limit {
  readonly prefix: string
  readonly byCaller: boolean
  readonly rate: Rate
  /** For the rounds that follow a question. */
  readonly again: Rate
  /** Whose limit was reached, for the refusal. */
  readonly whose: string
}

/** A call comes back for answers at most this often (src/interaction/replay.ts). */
const roundsAfterTheFirst = 7

/**
 * Counts the call at each limit that it has, before its arguments are looked at: what is wrong costs too. A call that its
 * client comes back to with answers is counted once. Its later rounds have room of their own, as much as there can be honestly, because
 * a state can be sent again.
 */
export function rateLimit(rates: ServerRates, store: RateStore): MiddlewareFactory {
  /** A `resources/list` is one request, however many templates it asks. */
  const counted = new WeakSet<Exchange>()

  return (definition) => {
    const limits = limitsOf(definition, rates)
    if (limits.length === 0) return undefined
    const { kind, name } = definition
    const cost = definition.cost ?? 1

    return function rateLimit(call, next) {
      const { exchange } = call
      if (kind === 'listing') {
        if (counted.has(exchange)) return next()
        counted.add(exchange)
      }
      const claims = claimsOf(call)
      const decision = store.take(claims)
      return decision instanceof Promise
        ? decision.then((settled) => proceed(settled, claims, next))
        : proceed(decision, claims, next)
    }

    function claimsOf(call: Call): readonly RateClaim[] {
      const units = typeof cost === 'number' ? cost : costOf(cost(call.input), name)
      const first = call.exchange.round === 1
      let caller: string | undefined
      return limits.map((limit) => {
        let key = limit.prefix
        if (limit.byCaller) {
          caller ??= callerKey(call.exchange)
          key += caller
        }
        return first
          ? { key, rate: limit.rate, cost: units }
          : { key: `+${key}`, rate: limit.again, cost: units }
      })
    }

    function proceed(
      decision: RateDecision,
      claims: readonly RateClaim[],
      next: Next,
    ): CallResult | Promise<CallResult> {
      if (decision.allowed) return next()
      const { whose = 'this server' } = limits[decision.refused] ?? {}
      const claim = claims[decision.refused]
      if (!Number.isFinite(decision.retryAfterMs) || (claim !== undefined && claim.cost > claim.rate.burst)) {
        throw tooMuch(name, whose)
      }
      throw new ToolError('rate_limited', {
        message: `"${name}" was not begun because ${whose} came too often.`,
        retryable: true,
        retryAfterMs: decision.retryAfterMs,
      })
    }
  }
}

function limitsOf({ kind, name, rateLimit: own }: Definition, rates: ServerRates): readonly Limit[] {
  const limits: Limit[] = []
  if (rates.server !== undefined) limits.push(limit('s', false, rates.server))
  if (rates.principal !== undefined) limits.push(limit('p|', true, rates.principal))
  if (kind === 'completion') limits.push(limit('c|', true, rates.completion))
  // The name comes last but for the caller, whose key begins with a letter and holds no line break.
  if (own !== undefined) {
    const byCaller = own.by === 'principal'
    limits.push(limit(`d|${kind}|${name}${byCaller ? '\n' : ''}`, byCaller, own.rate))
  }
  return limits
}

function limit(prefix: string, byCaller: boolean, rate: Rate): Limit {
  const again = { intervalMs: rate.intervalMs / roundsAfterTheFirst, burst: rate.burst * roundsAfterTheFirst }
  return { prefix, byCaller, rate, again, whose: byCaller ? 'this caller' : 'all callers together' }
}

/** What a definition's `cost` came to. Nothing else would be counted rightly, and a masked error is seen in the log. */
function costOf(cost: unknown, name: string): number {
  if (typeof cost === 'number' && Number.isFinite(cost) && cost > 0) return cost
  // One that comes later is no cost, and when it fails nobody hears that here.
  if (cost instanceof Promise) cost.catch(() => undefined)
  throw new Error(`The "cost" of "${name}" must be a finite number above 0, received ${shown(cost)}.`)
}

function tooMuch(name: string, whose: string): ToolError {
  return new ToolError('rate_limited', {
    message: `"${name}" was not begun because it asks for more at once than ${whose} may have.`,
    hint: 'Ask for less at once; waiting does not help.',
    retryable: false,
  })
}
