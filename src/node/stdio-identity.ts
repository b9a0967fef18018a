import type { AuthenticationResult } from '../contracts/authenticator.js'
import { anonymous, type Principal } from '../contracts/principal.js'
import { StartError } from '../errors/start-error.js'
import type { Servable } from '../server/server.js'

const variable = 'HOLDFAST_TOKEN'

/** Who is at the other end of stdio, as the operator says it; what is left out is filled in. */
export interface LocalPrincipal {
  readonly subject: string
  readonly permissions: Iterable<string>
  /** Default: user. */
  readonly kind?: 'user' | 'service' | 'anonymous'
  /** Default: local. */
  readonly issuer?: string
  readonly claims?: Readonly<Record<string, unknown>>
  /** Milliseconds since 1970 from which its permissions count no more. Default: never. */
  readonly expiresAt?: number
}

/**
 * Who calls over stdio: whom `serve` was given, or whom the environment's token stands for (2025-03-26 and later,
 * basic/authorization: over stdio credentials come from the environment); else nobody that is known, and then one line says
 * what that hides.
 *
 * @throws StartError when the token is refused, with the reason and never the token
 */
export async function stdioPrincipal(
  server: Servable,
  given: LocalPrincipal | undefined,
  warn: (message: string) => void,
): Promise<Principal> {
  const token = takeToken()
  const { auth } = server.options
  if (given !== undefined) return local(given)
  if (token === undefined || auth === undefined) {
    if (token !== undefined) warn(`${variable} is set, but this server has no "auth" that could read it.`)
    const hidden = summary(server)
    if (hidden !== undefined) warn(hidden)
    return anonymous
  }
  let result: AuthenticationResult
  try {
    result = await auth.authenticate({
      transport: 'stdio',
      header: (name) => (name === 'authorization' ? `Bearer ${token}` : undefined),
    })
  } catch (cause) {
    throw new StartError(`${variable} could not be checked, because the server's "auth" failed.`, { cause })
  }
  if (result.ok) return result.principal
  throw new StartError(
    `${variable} was refused: ${result.message} Set another one, or none to serve without permissions.`,
  )
}

/** Out of the environment at once, so that no child process inherits it. */
function takeToken(): string | undefined {
  const token = process.env[variable]
  Reflect.deleteProperty(process.env, variable)
  return token === '' ? undefined : token
}

function local(given: LocalPrincipal): Principal {
  const { subject, permissions, kind = 'user', issuer = 'local', claims = {}, expiresAt } = given
  if (typeof subject !== 'string' || subject === '' || typeof permissions === 'string') {
    throw new StartError(
      'serve: "principal" must have a "subject" and a list of "permissions"; write { subject: "alice", permissions: ["orders:read"] }.',
    )
  }
  return {
    kind,
    issuer,
    subject,
    claims,
    permissions: new Set(permissions),
    ...(expiresAt !== undefined && { expiresAt }),
  }
}

/** `3 tools and 1 resource need permissions and are hidden; ...`, or undefined when nothing is. */
function summary(server: Servable): string | undefined {
  const hidden = server.restricted(anonymous)
  if (hidden.length === 0) return undefined
  const parts = (['tool', 'resource', 'prompt'] as const).flatMap((kind) => {
    const count = hidden.filter((one) => one.kind === kind).length
    return count === 0 ? [] : [`${count} ${kind}${count === 1 ? '' : 's'}`]
  })
  const all = parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
  const verbs = hidden.length === 1 ? 'needs permissions and is' : 'need permissions and are'
  return `${all} ${verbs} hidden; set ${variable} or serve(server, { principal }).`
}
