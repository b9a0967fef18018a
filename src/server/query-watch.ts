import { BoundedMap } from '../contracts/bounded-map.js'
import type { ServiceCall } from '../contracts/service.js'

/** So often the same in one call is no accident. */
const many = 10
/** Different queries that are counted in one call. */
const maxShapes = 100

/** Warns of calls that ask a database the same over and over, once for each definition and query. */
export class QueryWatch {
  readonly #counts = new WeakMap<ServiceCall, Map<string, number>>()
  readonly warned: BoundedMap<string, true> = new BoundedMap('warnings of repeated queries', 1000)

  note(call: ServiceCall, shape: string): void {
    let counts = this.#counts.get(call)
    if (counts === undefined) {
      counts = new Map()
      this.#counts.set(call, counts)
    }
    const count = (counts.get(shape) ?? 0) + 1
    if (count === 1 && counts.size >= maxShapes) return
    counts.set(shape, count)
    if (count !== many) return
    const key = JSON.stringify([call.name, shape])
    if (this.warned.peek(key) !== undefined) return
    this.warned.set(key, true)
    call.log.warn(
      `"${call.name}" asked the same ${many} times in one call, with other values at most; load them together with ctx.load (docs/batching.md).`,
      { query: shape.slice(0, 500) },
    )
  }
}
