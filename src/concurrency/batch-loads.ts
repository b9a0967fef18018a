import DataLoader, { type CacheMap } from 'dataloader'
import type { Bounded, BoundedStats } from '../contracts/bounded.js'

/** How a loader loads, for any kind of call. */
export interface BatchSource<Call> {
  readonly name: string
  readonly maxBatch: number
  readonly keyOf: ((key: never) => unknown) | undefined
  batch(keys: readonly never[], ctx: Call): unknown
}

/** Keys that one call keeps. */
const maxPerCall = 100_000

/** How many keys one call keeps; outlives it, to be counted off when the call's memory is given back. */
interface Held {
  count: number
}

/** Keys that calls have loaded and keep; with more of them, further ones are loaded again each time. */
export class LoadedKeys implements Bounded {
  readonly #limit: number
  /** A call has no end that could be told here, and until it is collected its keys are in memory. */
  readonly #collected = new FinalizationRegistry<Held>(({ count }) => {
    this.#size -= count
  })
  #size = 0
  #dropped = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Counts off what this holder keeps, when it is collected. */
  watch(holder: object, held: Held): void {
    this.#collected.register(holder, held)
  }

  take(held: Held): boolean {
    if (this.#size >= this.#limit || held.count >= maxPerCall) {
      this.#dropped += 1
      return false
    }
    this.#size += 1
    held.count += 1
    return true
  }

  release(held: Held): void {
    this.#size -= 1
    held.count -= 1
  }

  stats(): BoundedStats {
    return {
      name: 'keys loaded by calls',
      size: this.#size,
      limit: this.#limit,
      unit: 'entries',
      dropped: this.#dropped,
    }
  }
}

/** What one call loads: a batch for what it asks in one turn, each key once for as long as the call runs. */
export class BatchLoads<Call> {
  readonly #call: Call
  readonly #keys: LoadedKeys
  readonly #loaders = new Map<BatchSource<Call>, DataLoader<unknown, unknown, unknown>>()
  readonly #held: Held = { count: 0 }

  constructor(call: Call, keys: LoadedKeys) {
    this.#call = call
    this.#keys = keys
    keys.watch(this, this.#held)
  }

  async load(source: BatchSource<Call>, key: unknown): Promise<unknown> {
    let found = this.#loaders.get(source)
    if (found === undefined) {
      found = this.#make(source)
      this.#loaders.set(source, found)
    }
    try {
      return await found.load(key)
    } catch (error) {
      // What failed may be tried again in the same call.
      found.clear(key)
      throw error
    }
  }

  #make(source: BatchSource<Call>): DataLoader<unknown, unknown, unknown> {
    const { name, maxBatch, keyOf } = source
    return new DataLoader<unknown, unknown, unknown>(
      async (keys) => inOrder(name, keys, await source.batch(keys as readonly never[], this.#call)),
      {
        name,
        maxBatchSize: maxBatch,
        cacheMap: this.#cache(),
        ...(keyOf !== undefined && { cacheKeyFn: keyOf as (key: unknown) => unknown }),
      },
    )
  }

  #cache(): CacheMap<unknown, Promise<unknown>> {
    const known = new Map<unknown, Promise<unknown>>()
    return {
      get: (key) => known.get(key),
      set: (key, value) => {
        if (this.#keys.take(this.#held)) known.set(key, value)
      },
      delete: (key) => {
        if (known.delete(key)) this.#keys.release(this.#held)
      },
      clear: () => known.clear(),
    }
  }
}

/** @throws TypeError when the batch cannot be told apart by key: a wrong order would give callers each other's values. */
function inOrder(name: string, keys: readonly unknown[], batch: unknown): readonly unknown[] {
  if (batch instanceof Map) return keys.map((key) => batch.get(key) as unknown)
  if (Array.isArray(batch) && batch.length === keys.length) return batch
  const came = Array.isArray(batch) ? `${batch.length} values` : typeof batch
  throw new TypeError(
    `The loader "${name}" must give a value for each of its ${keys.length} keys, in their order, or a Map by key; it gave ${came}.`,
  )
}
