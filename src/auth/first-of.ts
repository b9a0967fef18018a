import type {
  AuthenticationFailure,
  AuthenticationResult,
  Authenticator,
  Credentials,
} from '../contracts/authenticator.js'
import { isForeignThenable } from '../engine/compose.js'
import { DefinitionError } from '../errors/definition-error.js'

/**
 * Asks several authenticators in turn; the first that lets in decides. One that knows the caller and does not want it (403)
 * ends the search. When none lets in, the failure that says most is given: that it cannot be told now (503) before that there
 * were too many attempts (429), before credentials that do not count, before none.
 *
 * @throws DefinitionError without an authenticator.
 */
export function firstOf(...authenticators: readonly Authenticator[]): Authenticator {
  if (authenticators.length === 0) {
    throw new DefinitionError(
      'firstOf takes at least one authenticator, such as firstOf(jwt({...}), apiKeys({...})).',
    )
  }

  function ask(
    credentials: Credentials,
    from: number,
    worst?: AuthenticationFailure,
  ): AuthenticationResult | Promise<AuthenticationResult> {
    let failure = worst
    for (let at = from; at < authenticators.length; at += 1) {
      const answer = authenticators[at]?.authenticate(credentials)
      // Another library's promise is one too.
      const result = isForeignThenable(answer) ? Promise.resolve(answer) : answer
      // What is kept answers at once, and must not cost a turn of the event loop.
      if (result instanceof Promise) {
        return result.then((settled) => {
          if (settled.ok || settled.status === 403) return settled
          return ask(credentials, at + 1, graver(failure, settled))
        })
      }
      if (result === undefined) continue
      if (result.ok || result.status === 403) return result
      failure = graver(failure, result)
    }
    return failure ?? { ok: false, status: 401, message: 'Nobody could say who is calling.' }
  }

  const servers = authenticators.flatMap((one) => one.authorizationServers ?? [])
  return {
    authenticate: (credentials) => ask(credentials, 0),
    recall(credentials) {
      for (const one of authenticators) {
        // One that has to be asked could know this caller and not want it, so nobody behind it can answer for it.
        if (one.recall === undefined) return undefined
        const known = one.recall(credentials)
        if (known?.ok) return known
      }
      return undefined
    },
    async prepare() {
      await Promise.all(authenticators.map((one) => one.prepare?.()))
    },
    authorizationServers: [...new Set(servers)],
    scopes: [...new Set(authenticators.flatMap((one) => one.scopes ?? []))],
    bounded: authenticators.flatMap((one) => one.bounded ?? []),
  }
}

function graver(
  known: AuthenticationFailure | undefined,
  next: AuthenticationFailure,
): AuthenticationFailure {
  return known === undefined || weight(next) > weight(known) ? next : known
}

function weight({ status, reason, unrecognised }: AuthenticationFailure): number {
  if (status === 503) return 4
  if (status === 429) return 3
  if (reason !== 'invalid') return 0
  return unrecognised === true ? 1 : 2
}
