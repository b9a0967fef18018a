import { ToolError } from '../../errors/tool-error.js'

export function conflict(name: string): ToolError {
  return new ToolError('idempotency_conflict', {
    message: `"${name}" was called before with the same idempotency key and other arguments.`,
    hint: 'Use a new key for a new intent, or send the same arguments again.',
  })
}

export function inDoubt(name: string): ToolError {
  return new ToolError('in_doubt', {
    message: `An earlier call of "${name}" with this idempotency key began, and nobody knows what came of it; it is not run again.`,
    hint: 'Look whether it took effect before you call again with a new key.',
  })
}

/** The store that keeps calls from running twice is out of reach. */
export function unavailable(name = 'The call'): ToolError {
  return new ToolError('store_unavailable', {
    message: `${name} was not begun because the server cannot tell now whether it ran before.`,
    hint: 'Try again later with the same key.',
    retryable: true,
  })
}
