import type { MapOptions, MapWork, Outcome } from '../concurrency/map-items.js'
import type { ServiceCall } from '../contracts/service.js'
import type { Context } from './context.js'
import type { Loader } from './loader.js'

/** What one call loads. */
export interface Loads {
  load<Key, Value>(loader: Loader<Key, Value, never>, key: Key): Promise<Value | undefined>
}

/** `ctx.map`, for any call. */
export type MapItems = <Item, Value>(
  ctx: Context,
  items: Iterable<Item> | AsyncIterable<Item>,
  work: MapWork<Item, Value>,
  options: MapOptions,
) => Promise<Outcome<Value>[] | Value[]>

/** Work on many things in one call; each part is loaded when a call first uses it. */
export interface Batching {
  loads(ctx: Context): Promise<Loads>
  map(): Promise<MapItems>
  /** Counts what a call asks of a database; undefined: nobody wants to know. */
  readonly noteQuery: ((call: ServiceCall, shape: string) => void) | undefined
}
