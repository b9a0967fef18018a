import type { CallResult, Next } from '../engine/call.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'
import { ToolError } from '../errors/tool-error.js'

/** Asks the definition's own rule, with the caller and the checked input. What it throws refuses the call as the server's fault. */
export const authorize: MiddlewareFactory = ({ authorize: rule, name }) => {
  if (rule === undefined) return undefined
  return function authorize(call, next) {
    const verdict = rule(call.ctx.principal, call.input)
    if (verdict === true) return next()
    if (!isThenable(verdict)) throw notPermitted(name)
    return decideLater(verdict, next)
  }

  async function decideLater(verdict: PromiseLike<unknown>, next: Next): Promise<CallResult> {
    // Only true is a yes: a rule without types may answer with a row or a count.
    if ((await verdict) === true) return next()
    throw notPermitted(name)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value
}

function notPermitted(name: string): ToolError {
  return new ToolError('not_permitted', {
    message: `"${name}" is not permitted to this caller with this input.`,
    hint: 'Ask for something else, or as somebody who may.',
  })
}
