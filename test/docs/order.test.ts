import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/contracts/clock.js'
import { CallWatch } from '../../src/engine/call-watch.js'
import { Stats } from '../../src/engine/stats.js'
import { Caching } from '../../src/server/caching.js'
import { middlewareOrder } from '../../src/server/order.js'
import { createMemoryBus } from '../../src/stores/memory/memory-bus.js'
import { keepingLogger } from '../protocol/support.js'
import { root } from './fences.js'

describe('docs/definitions.md', () => {
  it('lists the middlewares in the order in which they stand', () => {
    const text = readFileSync(join(root, 'docs/definitions.md'), 'utf8')
    const table = text.slice(text.indexOf('The order, outermost first')).split('\n| the handler')[0] ?? ''
    const listed = [...table.matchAll(/^\| (?:yours `at: '(\w+)'`.*?|`(\w+)`) \|/gm)].map(
      ([, user, own]) => user ?? own,
    )
    const own = { clock: systemClock, stats: new Stats(), logger: keepingLogger() }
    const caching = new Caching({ ...own, bus: createMemoryBus(), limits: undefined, store: undefined })
    const intents = (): Promise<never> => Promise.reject(new Error('Nothing runs here.'))
    const order = middlewareOrder({
      ...own,
      development: false,
      caching,
      intents,
      audit: () => undefined,
      services: () => undefined,
      watch: new CallWatch(undefined, systemClock),
      rates: { take: () => ({ allowed: true }) },
      spilling: { automatic: false, write: intents },
    })
    expect(listed).toEqual(order.map((place) => ('user' in place ? place.user : place.name)))
  })
})
