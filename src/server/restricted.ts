import type { Authenticator } from '../contracts/authenticator.js'
import type { Principal } from '../contracts/principal.js'
import type { Access } from '../engine/access.js'
import type { Engine } from '../engine/engine.js'
import { StartError } from '../errors/start-error.js'

/** A definition that not everybody may use. */
export interface Restricted {
  readonly kind: 'tool' | 'resource' | 'prompt'
  readonly name: string
}

/** What needs permissions that a caller was not granted; without a caller, all that needs any. */
export function restricted(engine: Engine, principal?: Principal): readonly Restricted[] {
  const needs = ({ access }: { readonly access: Access | undefined }): boolean =>
    access !== undefined &&
    access.permissions.length > 0 &&
    (principal === undefined || !access.permits(principal))
  return [
    ...engine.tools
      .list()
      .filter(needs)
      .map(({ name }) => ({ kind: 'tool', name }) as const),
    ...engine.resources
      .list()
      .filter(needs)
      .map(({ name }) => ({ kind: 'resource', name }) as const),
    ...engine.prompts
      .list()
      .filter(needs)
      .map(({ name }) => ({ kind: 'prompt', name }) as const),
  ]
}

/**
 * Over HTTP everybody would be anonymous without an authenticator, and what needs permissions would be there for nobody.
 * @throws StartError that names one
 */
export function refuseUnreachable(engine: Engine, authenticator: Authenticator | undefined): void {
  const [first] = authenticator === undefined ? restricted(engine) : []
  if (first === undefined) return
  throw new StartError(
    `The ${first.kind} "${first.name}" needs permissions, and without "auth" nobody has any over HTTP; give createServer an "auth", such as jwt({...}) of holdfast/auth.`,
  )
}
