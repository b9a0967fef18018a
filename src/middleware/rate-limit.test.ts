import { expect, it } from 'vitest'
import { systemClock } from '../contracts/clock.js'
import { anonymous } from '../contracts/principal.js'
import type { RateStore } from '../contracts/rate-store.js'
import type { Call, CallKind } from '../engine/call.js'
import type { Context } from '../engine/context.js'
import type { Dialect } from '../engine/dialect.js'
import { Exchange, unknownClient } from '../engine/exchange.js'
import type { Definition } from '../engine/pipeline.js'
import { Stats } from '../engine/stats.js'
import { concurrency } from './concurrency.js'
import { rateLimit } from './rate-limit.js'

const rate = { intervalMs: 1000, burst: 5 } as const
const allowing: RateStore = { take: () => ({ allowed: true }) }

function definition(kind: CallKind, more: Partial<Definition> = {}): Definition {
  return { kind, name: 'work', input: undefined, output: undefined, timeoutMs: 1000, repair: false, ...more }
}

function call(): Call {
  const exchange = new Exchange({
    ...{ id: 1, method: 'tools/call', params: {}, client: unknownClient, principal: anonymous },
    ...{ dialect: {} as Dialect, transport: 'http', clock: systemClock },
  })
  return { kind: 'tool', name: 'work', input: {}, ctx: {} as Context, exchange }
}

it.each(['tool', 'resource', 'prompt', 'listing'] as const)(
  'a %s without any limit has no middleware',
  (kind) => {
    expect(rateLimit({ completion: rate }, allowing)(definition(kind))).toBeUndefined()
    expect(concurrency({}, systemClock, new Stats())(definition(kind))).toBeUndefined()
  },
)

it('a call is counted and let in without a promise where nothing has to be waited for', () => {
  const counted = rateLimit({ completion: rate, server: rate }, allowing)(definition('tool'))
  expect(counted?.(call(), () => 'done')).toBe('done')
  const limit = { limit: 1, queue: 0, by: 'everyone' } as const
  const held = concurrency(
    { server: limit },
    systemClock,
    new Stats(),
  )(definition('tool', { concurrency: limit }))
  for (let n = 0; n < 3; n += 1) expect(held?.(call(), () => 'done')).toBe('done')
})

it('a store that rejects refuses the call, and is not taken for a yes', async () => {
  const away: RateStore = { take: () => Promise.reject(new Error('away')) }
  let runs = 0
  const counted = rateLimit({ completion: rate, server: rate }, away)(definition('tool'))
  await expect(
    counted?.(call(), () => {
      runs += 1
    }),
  ).rejects.toThrow('away')
  expect(runs).toBe(0)
})
