import { ToolError } from '../../errors/tool-error.js'

/** What who got nothing is told, and nobody else knows: how full it is. */
export interface PoolState {
  readonly pool: string
  /** Open now, lent or not. */
  readonly size: number
  readonly inUse: number
  readonly waiting: number
}

/** Everything is lent, and stayed so for as long as this caller could wait. */
export function exhausted(
  state: PoolState,
  { waitedMs, retryAfterMs }: { readonly waitedMs: number; readonly retryAfterMs: number },
): ToolError {
  const waited = Math.round(waitedMs)
  return new ToolError('pool_exhausted', {
    message:
      waited === 0
        ? `Everything in "${state.pool}" is in use, and as many wait for it as may.`
        : `Everything in "${state.pool}" is in use, and nothing came free within ${waited} ms.`,
    hint: 'Try again later.',
    retryable: true,
    retryAfterMs,
    data: { ...state, waitedMs: waited, retryAfterMs },
  })
}

/** Nothing is open, and none can be made just now. The reason is for the log. */
export function unavailable(pool: string, retryAfterMs: number): ToolError {
  return new ToolError('backend_unavailable', {
    message: `"${pool}" cannot be reached just now.`,
    hint: 'Try again later.',
    retryable: true,
    retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)),
  })
}

export function closing(pool: string): ToolError {
  return new ToolError('shutting_down', {
    message: `"${pool}" is closing and lends nothing more.`,
    retryable: true,
  })
}
