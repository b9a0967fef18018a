import { LRUCache } from 'lru-cache'
import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import { type Duration, toMs } from '../engine/duration.js'
import { DefinitionError } from '../errors/definition-error.js'

export interface BoundedCacheOptions<Value> {
  /** Entries at most; the one used longest ago goes first. */
  readonly max: number
  /** How long an entry counts, from when it was made. Default: as long as there is room. */
  readonly ttl?: Duration
  /** What all entries weigh at most, by `sizeOf`. What alone weighs more is made each time. */
  readonly maxBytes?: number
  /** Bytes of a value; needed with `maxBytes`. */
  readonly sizeOf?: (value: Value) => number
}

export interface BoundedCache<Key, Value> extends Bounded {
  /**
   * The value of a key, made when there is none. Callers that come while it is made wait for the same one. What `make` rejects with
   * is not kept: all who wait get it, and the next call makes it anew.
   */
  get(key: Key): Promise<Value>
  /** Forgets a key; what is being made for it is given to those who wait, and not kept. */
  delete(key: Key): void
  clear(): void
}

/**
 * A cache for what is derived from a key and costs to make, with a limit. Its line for `server.stats()` is in `bounded` of the service
 * that has it.
 * @param name of its line, such as `parsed templates`
 * @param make what makes a value; it has no call, because it makes it for all
 * @throws DefinitionError for a limit that is none
 */
export function boundedCache<Key extends string | number | bigint | boolean | symbol | object, Value>(
  name: string,
  { max, ttl, maxBytes, sizeOf }: BoundedCacheOptions<Value>,
  make: (key: Key) => Value | Promise<Value>,
): BoundedCache<Key, Value> {
  limit(name, 'max', max)
  if (maxBytes !== undefined) {
    limit(name, 'maxBytes', maxBytes)
    if (sizeOf === undefined) {
      throw new DefinitionError(
        `The cache "${name}" has "maxBytes" but no "sizeOf"; give (value) => its bytes.`,
      )
    }
  }
  let dropped = 0
  const kept = new LRUCache<Key, { readonly value: Value }>({
    max,
    ...(ttl !== undefined && { ttl: Math.ceil(toMs(ttl, `The cache "${name}": "ttl"`)) }),
    ...(maxBytes !== undefined && {
      maxSize: maxBytes,
      sizeCalculation: ({ value }) => Math.max(1, Math.ceil(sizeOf?.(value) ?? 1)),
    }),
    dispose: (_value, _key, reason) => {
      if (reason === 'evict') dropped += 1
    },
  })
  /** What is being made. No more than may be kept: beyond that each caller makes its own, and nothing of it is kept. */
  const flights = new Map<Key, Promise<Value>>()

  function fly(key: Key): Promise<Value> {
    const made: Promise<Value> = Promise.resolve(key)
      .then(make)
      .then((value) => {
        // Somebody may have said meanwhile that it is old.
        if (flights.get(key) === made) kept.set(key, { value })
        return value
      })
    if (flights.size >= max) return made
    flights.set(key, made)
    const over = (): void => {
      if (flights.get(key) === made) flights.delete(key)
    }
    made.then(over, over)
    return made
  }

  return {
    get(key) {
      const found = kept.get(key)
      if (found !== undefined) return Promise.resolve(found.value)
      return flights.get(key) ?? fly(key)
    },
    delete(key) {
      kept.delete(key)
      flights.delete(key)
    },
    clear() {
      kept.clear()
      flights.clear()
    },
    stats(): BoundedStats {
      return maxBytes === undefined
        ? { name, size: kept.size, limit: max, unit: 'entries', dropped }
        : { name, size: kept.calculatedSize, limit: maxBytes, unit: 'bytes', dropped }
    },
  }
}

function limit(name: string, option: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return
  throw new DefinitionError(
    `The cache "${name}": "${option}" must be a whole number from 1, received ${typeof value === 'number' ? value : typeof value}; say how much it may hold.`,
  )
}
