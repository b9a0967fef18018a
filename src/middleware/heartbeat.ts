import type { Clock } from '../contracts/clock.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'

/**
 * Shows the client now and then that a long call goes on: by progress where it asked for that, which also resets the
 * timeout of many clients, and by a comment on its stream.
 */
export function heartbeat(clock: Clock): MiddlewareFactory {
  return ({ heartbeatMs }) => {
    if (heartbeatMs === undefined) return undefined
    const everyMs = heartbeatMs
    return function heartbeat(call, next) {
      const work = next()
      if (!(work instanceof Promise)) return work
      let stop = clock.after(everyMs, beat)
      function beat(): void {
        call.ctx.beat()
        stop = clock.after(everyMs, beat)
      }
      // Not `finally`, whose promise would reject once more with nobody to hear it.
      const over = (): void => stop()
      work.then(over, over)
      return work
    }
  }
}
