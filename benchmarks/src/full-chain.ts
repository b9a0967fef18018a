import { randomBytes } from 'node:crypto'
import type { ServerOptions, ToolOptions } from 'holdfast'
import { jwt, signToken } from 'holdfast/auth'

const permission = 'bench:call'
const audience = 'bench-target'

/**
 * A server with everything on that a call can pass: a token, a permission, rates for the caller and the server, calls at once for
 * the caller and the server. None of the limits is ever reached, so that the work of each is measured and not its refusal.
 */
export async function fullServerOptions(): Promise<{ options: Partial<ServerOptions>; token: string }> {
  const secret = randomBytes(32).toString('base64url')
  const subject = 'bench'
  const token = await signToken({ secret, audience, subject, permissions: [permission], expiresIn: '12h' })
  const rate = { limit: 1_000_000_000, per: '1s' } as const
  return {
    token,
    options: {
      auth: jwt({ secret, audience }),
      rateLimit: { principal: rate, server: rate },
      concurrency: { principal: 10_000, server: 10_000 },
    },
  }
}

/** The same for each tool, with a cache that misses as long as no two calls have the same arguments. */
export const fullToolOptions: Pick<
  ToolOptions,
  'permissions' | 'rateLimit' | 'concurrency' | 'cache' | 'timeout'
> = {
  permissions: [permission],
  rateLimit: { limit: 1_000_000_000, per: '1s' },
  concurrency: 10_000,
  cache: { ttl: '1m' },
  timeout: '5s',
}
