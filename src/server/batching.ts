import type { BatchSource } from '../concurrency/batch-loads.js'
import type { Clock } from '../contracts/clock.js'
import type { Batching, Loads, MapItems } from '../engine/batching.js'
import type { Context } from '../engine/context.js'
import type { Stats } from '../engine/stats.js'
import { QueryWatch } from './query-watch.js'

/** Keys that all calls keep. */
const maxKeys = 1_000_000

/** `ctx.load` and `ctx.map`, each loaded when a call first uses it. */
export function createBatching(options: { clock: Clock; stats: Stats; development: boolean }): Batching {
  const { clock, stats, development } = options
  let loading: Promise<(ctx: Context) => Loads> | undefined
  let mapping: Promise<MapItems> | undefined
  const watch = development ? new QueryWatch() : undefined
  if (watch !== undefined) stats.add(watch.warned)

  async function openLoads(): Promise<(ctx: Context) => Loads> {
    const { BatchLoads, LoadedKeys } = await import('../concurrency/batch-loads.js')
    const keys = new LoadedKeys(maxKeys)
    stats.add(keys)
    return (ctx) => {
      const loads = new BatchLoads(ctx, keys)
      // That its services are there was checked where `ctx.load` was written; here any loader is run alike.
      return {
        load: (loader, key) => loads.load(loader as unknown as BatchSource<Context>, key) as Promise<never>,
      }
    }
  }

  async function openMap(): Promise<MapItems> {
    const { mapper } = await import('../engine/mapper.js')
    return mapper(clock)
  }

  return {
    async loads(ctx) {
      loading ??= openLoads()
      return (await loading)(ctx)
    },
    map() {
      mapping ??= openMap()
      return mapping
    },
    noteQuery: watch && ((call, shape) => watch.note(call, shape)),
  }
}
