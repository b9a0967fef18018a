import type { Principal } from '../contracts/principal.js'
import { DefinitionError } from '../errors/definition-error.js'
import type { CompiledSchema } from '../schema/compile.js'
import type { Access } from './access.js'
import type { CallKind, Handler, Middleware } from './call.js'
import { compose } from './compose.js'
import type { CacheSetting, ConcurrencyLimit, RateLimit } from './policies.js'
import type { ResultBudget } from './result-size.js'

/** What a middleware may know of a definition when the chain is composed. */
export interface Definition {
  readonly kind: CallKind
  readonly name: string
  readonly input: CompiledSchema | undefined
  readonly output: CompiledSchema | undefined
  readonly timeoutMs: number
  readonly repair: boolean
  /** Whether hidden characters are taken out of what comes back. */
  readonly sanitize?: boolean | undefined
  /** How much of what comes back is sent; tools only. */
  readonly results?: ResultBudget | undefined
  /** Milliseconds between signs of life; undefined: none. */
  readonly heartbeatMs?: number | undefined
  readonly access?: Access | undefined
  /** Asked with the checked input. */
  readonly authorize?: Authorize | undefined
  readonly rateLimit?: RateLimit | undefined
  /** What a call takes of each rate limit; undefined: 1. */
  readonly cost?: number | ((input: unknown) => number) | undefined
  readonly concurrency?: ConcurrencyLimit | undefined
  readonly cache?: CacheSetting | undefined
  /** Names the intent of a call with this checked input. */
  readonly idempotencyKey?: ((input: unknown) => string) | undefined
  /** Whether running it twice does no more than running it once. */
  readonly repeatable?: boolean | undefined
}

export type Authorize = (principal: Principal, input: unknown) => boolean | Promise<boolean>

/** Where in the chain a middleware of the user's stands. */
export type UserStage = 'edge' | 'authorized' | 'validated'

/** Gives a definition's middleware, or undefined for a definition that does not need it. */
export type MiddlewareFactory = (definition: Definition) => Middleware | undefined

/** One place in the order: ours by name, or where the user's of a stage stand. */
export type Place =
  | { readonly name: string; readonly create: MiddlewareFactory }
  | { readonly user: UserStage }

/**
 * The middlewares of a server. The order is data; chains are composed once per definition, at its first
 * call, and after that nothing can be added any more: a late middleware would guard some tools and not others.
 */
export class Pipeline {
  readonly #order: readonly Place[]
  readonly #users: { readonly stage: UserStage; readonly middleware: Middleware }[] = []
  #sealed = false

  constructor(order: readonly Place[]) {
    this.#order = order
  }

  /** @throws DefinitionError after the first chain was composed, and for something that is no function. */
  use(middleware: Middleware, stage: UserStage): void {
    if (typeof middleware !== 'function') {
      throw new DefinitionError(
        `server.use() takes a function (call, next) => result, received ${typeof middleware}.`,
      )
    }
    if (this.#sealed) {
      throw new DefinitionError(
        `server.use("${middleware.name || 'anonymous'}") came after the server started; add middlewares before it serves.`,
      )
    }
    this.#users.push({ stage, middleware })
  }

  seal(): void {
    this.#sealed = true
  }

  /** The definition's chain around its handler. */
  compose(definition: Definition, handler: Handler): Handler {
    const chain: Middleware[] = []
    for (const place of this.#order) {
      if ('user' in place) {
        for (const { stage, middleware } of this.#users) if (stage === place.user) chain.push(middleware)
      } else {
        const middleware = place.create(definition)
        if (middleware !== undefined) chain.push(middleware)
      }
    }
    return compose(chain, handler)
  }
}
