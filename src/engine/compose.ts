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
    return middleware(call, () => {
      if (called) throw new Error(`The middleware "${middleware.name || 'anonymous'}" called next() twice.`)
      called = true
      return next(call)
    })
  }
}
