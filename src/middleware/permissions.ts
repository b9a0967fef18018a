import type { MiddlewareFactory } from '../engine/pipeline.js'
import { ProtocolError } from '../errors/protocol-error.js'

/** Refuses callers that lack a permission of the definition. What hides from a caller is not found before it comes here. */
export const permissions: MiddlewareFactory = ({ access, kind, name }) => {
  if (access === undefined || access.permissions.length === 0) return undefined
  return function permissions(call, next) {
    const { principal } = call.ctx
    if (access.permits(principal)) return next()
    const required = access.required(principal)
    const who =
      principal.kind === 'anonymous' ? 'the caller is not known' : 'the caller was not granted all of that'
    throw new ProtocolError(
      'insufficient_permissions',
      `The ${things[kind]} "${name}" needs the permission ${required.join(' ')}, and ${who}.`,
      { data: { required } },
    )
  }
}

const things = {
  tool: 'tool',
  resource: 'resource',
  prompt: 'prompt',
  completion: 'completion of',
  listing: 'resource',
} as const
