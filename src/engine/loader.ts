import { DefinitionError } from '../errors/definition-error.js'
import type { HandlerContext } from './definitions.js'

/** What a batch was loaded as: a value for each key in the order of the keys, or the values by key. An Error is one key's failure. */
export type Batch<Key, Value> = readonly (Value | Error)[] | ReadonlyMap<Key, Value | Error>

export interface LoaderOptions<Key> {
  /** For messages. Default: the function's name. */
  readonly name?: string
  /** Keys in one batch. Default: 1,000. */
  readonly maxBatch?: number
  /** What keys are the same by, where they are objects. Default: the key itself. */
  keyOf?(key: Key): unknown
}

/** What `ctx.load` loads keys by. */
export interface Loader<in Key, out Value, in Services = never> {
  readonly name: string
  readonly maxBatch: number
  readonly keyOf: ((key: Key) => unknown) | undefined
  batch(
    keys: readonly never[],
    ctx: HandlerContext<Services>,
  ): Promise<Batch<unknown, Value>> | Batch<unknown, Value>
}

/**
 * Loads many by one query: `const orderById = loader(async (ids: readonly string[], { services }) => ...)`, then
 * `ctx.load(orderById, id)`. Keys that a call asks for in one turn of the event loop are one batch, each key once; batches and
 * what they loaded belong to one call, so nothing passes from one caller to another.
 * @throws DefinitionError for an option that cannot work.
 */
export function loader<Key, Value, Services = unknown>(
  batch: (
    keys: readonly Key[],
    ctx: HandlerContext<Services>,
  ) => Promise<Batch<Key, Value>> | Batch<Key, Value>,
  options: LoaderOptions<Key> = {},
): Loader<Key, Value, Services> {
  if (typeof batch !== 'function') {
    throw new DefinitionError(
      'loader() takes the function that loads a batch: loader(async (keys, ctx) => values).',
    )
  }
  const { name = batch.name || 'loader', maxBatch = 1000, keyOf } = options
  if (!Number.isSafeInteger(maxBatch) || maxBatch < 1) {
    throw new DefinitionError(
      `The loader "${name}": "maxBatch" must be a whole number from 1, received ${String(maxBatch)}; leave it out for 1000.`,
    )
  }
  return {
    name,
    maxBatch,
    keyOf: keyOf && ((key) => keyOf(key)),
    batch: batch as Loader<Key, Value, Services>['batch'],
  }
}
