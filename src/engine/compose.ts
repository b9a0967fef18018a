import type { Call, Handler, Middleware } from './call.js'

/**
 * Joins middlewares around a handler, outermost first. Done once per definition, never per call.
 * A second `next()` in one middleware would run the handler twice, so it throws by name.
 */
export function compose(middlewares: readonly Middleware[], handler: Handler): Handler {
  return middlewares.reduceRight<Handler>((next, middleware) => link(middleware, next), handler)
}

function link(middleware: Middleware, next: Handler): Handler {
  return function linked(call: Call) {
    let called = false
    const result = middleware(call, (other = call) => {
      if (called) throw new Error(`The middleware "${middleware.name || 'anonymous'}" called next() twice.`)
      called = true
      return next(other)
    })
    // Everything outside tells work that goes on from a result by this.
    return isForeignThenable(result) ? Promise.resolve(result) : result
  }
}

/** Query builders and the like return thenables that are no promises. */
export function isForeignThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise || typeof value !== 'object' || value === null) return false
  return 'then' in value && typeof value.then === 'function'
}
