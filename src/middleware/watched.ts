import type { CallWatch } from '../engine/call-watch.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'

/** Lets the detector of blocked event loops know which call code belongs to; there only where one is wanted. */
export function watched(watch: CallWatch): MiddlewareFactory {
  return ({ kind, name }) => {
    if (!watch.wanted) return undefined
    return function watched(_call, next) {
      return watch.pass(kind, name, () => next())
    }
  }
}
