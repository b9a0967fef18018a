import { redis } from 'holdfast/stores/redis'
import { inject, onTestFinished } from 'vitest'
import { Gcra } from '../../../src/concurrency/gcra.js'
import { systemClock } from '../../../src/contracts/clock.js'
import type { Stores } from '../../../src/contracts/stores.js'
import { createMemoryBus } from '../../../src/stores/memory/memory-bus.js'
import { MemoryStore } from '../../../src/stores/memory/memory-store.js'
import { MemoryTaskStore } from '../../../src/stores/memory/memory-task-store.js'
import { EventLog } from '../../../src/transports/http/event-log.js'

/** What every implementation has; leases are where there is more than one node. */
export type Parts = Required<Pick<Stores, 'bus' | 'cache' | 'records' | 'rates' | 'tasks' | 'events'>> &
  Stores

export interface Kind {
  readonly name: string
  make(options?: { readonly maxEventBytes: number }): Parts
}

const memory: Kind = {
  name: 'memory',
  make: ({ maxEventBytes } = { maxEventBytes: 1024 * 1024 }) => ({
    bus: createMemoryBus(),
    cache: new MemoryStore('cache', 1000, systemClock),
    records: new MemoryStore('records', 1000, systemClock),
    rates: new Gcra('rates', 1000, systemClock),
    tasks: new MemoryTaskStore(1000, systemClock),
    events: new EventLog(maxEventBytes),
  }),
}

/** Redis with a prefix of its own for each test, so that none sees another's. */
export function redisParts(url: string, options: { readonly maxEventBytes?: number } = {}): Parts {
  const made = redis({ ...options, url, prefix: `test:${crypto.randomUUID()}:` }) as Parts
  onTestFinished(() => made.close?.())
  return made
}

const redisUrl = inject('redisUrl')

/** The implementations that can be reached here. */
export const kinds: readonly Kind[] =
  redisUrl === undefined
    ? [memory]
    : [memory, { name: 'redis', make: (options) => redisParts(redisUrl, options) }]
