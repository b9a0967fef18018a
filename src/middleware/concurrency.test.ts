import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fuzzRuns } from '../../test/fuzz-runs.js'
import type { Clock } from '../contracts/clock.js'
import type { Principal } from '../contracts/principal.js'
import type { Call, Middleware } from '../engine/call.js'
import type { Context } from '../engine/context.js'
import type { Dialect } from '../engine/dialect.js'
import { type EndReason, Exchange, unknownClient } from '../engine/exchange.js'
import type { Definition } from '../engine/pipeline.js'
import { Stats } from '../engine/stats.js'
import { concurrency } from './concurrency.js'

interface Visitor {
  readonly who: 'ada' | 'bob' | 'eve'
  readonly what: 'quick' | 'slow' | 'own'
  readonly turns: number
  readonly fails: boolean
  readonly end: { readonly after: number; readonly reason: EndReason } | undefined
}

const principals = Object.fromEntries(
  ['ada', 'bob', 'eve'].map((subject): [string, Principal] => [
    subject,
    { kind: 'user', issuer: 'https://id.example', subject, permissions: new Set(), claims: {} },
  ]),
) as Record<Visitor['who'], Principal>

const definitions = (['quick', 'slow', 'own'] as const).map(
  (name): Definition => ({
    ...{ kind: 'tool', name, input: undefined, output: undefined, timeoutMs: 1000, repair: false },
    ...(name === 'slow' && { concurrency: { limit: 1, queue: 3, by: 'everyone' } }),
    ...(name === 'own' && { concurrency: { limit: 1, queue: 2, by: 'principal' } }),
  }),
)

const visitor = fc.record({
  who: fc.constantFrom('ada', 'bob', 'eve'),
  what: fc.constantFrom('quick', 'slow', 'own'),
  turns: fc.integer({ min: 0, max: 6 }),
  fails: fc.boolean(),
  end: fc.option(
    fc.record({
      after: fc.integer({ min: 0, max: 8 }),
      reason: fc.constantFrom('cancelled', 'disconnected', 'timed out', 'closing'),
    }),
    { nil: undefined },
  ),
}) as fc.Arbitrary<Visitor>

/** Time in turns of the event loop's microtasks: enough for whatever waits to go on. */
async function turn(): Promise<void> {
  for (let n = 0; n < 10; n += 1) await Promise.resolve()
}

it('holds every limit for every call, runs none twice, settles all, and everything is free in the end', async () => {
  const limits = {
    principal: { limit: 2, queue: 4, by: 'principal' },
    server: { limit: 3, queue: 2, by: 'everyone' },
  } as const
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(visitor, fc.integer({ min: 0, max: 3 })), { maxLength: 30 }),
      async (all) => {
        let now = 0
        const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => undefined }
        const stats = new Stats()
        const create = concurrency(limits, clock, stats)
        const chains = new Map(definitions.map((one) => [one.name, create(one) as Middleware]))
        // What runs and was not ended: that is what the limits are about.
        const held = new Set<{ readonly visitor: Visitor }>()
        const check = (): void => {
          const count = (of: (one: Visitor) => boolean): number =>
            [...held].filter((one) => of(one.visitor)).length
          expect(count(() => true)).toBeLessThanOrEqual(3)
          expect(count(({ what }) => what === 'slow')).toBeLessThanOrEqual(1)
          for (const who of ['ada', 'bob', 'eve']) {
            expect(count((one) => one.who === who)).toBeLessThanOrEqual(2)
            expect(count((one) => one.who === who && one.what === 'own')).toBeLessThanOrEqual(1)
          }
        }
        let settled = 0
        const calls: Promise<void>[] = []
        for (const [one, pause] of all) {
          for (let n = 0; n < pause; n += 1) {
            now += 10
            await turn()
          }
          const exchange = new Exchange({
            ...{ id: calls.length, method: 'tools/call', params: {}, client: unknownClient },
            ...{ dialect: {} as Dialect, transport: 'http', clock, principal: principals[one.who] },
          })
          const call: Call = { kind: 'tool', name: one.what, input: {}, ctx: {} as Context, exchange }
          const mark = { visitor: one }
          let runs = 0
          const next = (): unknown => {
            runs += 1
            expect(runs).toBe(1)
            expect(exchange.ended).toBeUndefined()
            held.add(mark)
            check()
            const finish = (): string => {
              held.delete(mark)
              if (one.fails) throw new Error('no')
              return 'done'
            }
            if (one.turns === 0) return finish()
            return (async () => {
              for (let n = 0; n < one.turns; n += 1) await turn()
              return finish()
            })()
          }
          calls.push(
            (async () => {
              try {
                await chains.get(one.what)?.(call, next)
              } catch {
                // Refused, ended or failed.
              }
              held.delete(mark)
              settled += 1
            })(),
          )
          const { end } = one
          if (end !== undefined) {
            calls.push(
              (async () => {
                for (let n = 0; n < end.after; n += 1) await turn()
                held.delete(mark)
                exchange.end(end.reason)
                settled += 1
              })(),
            )
          }
        }
        await Promise.all(calls)
        expect(settled).toBe(calls.length)
        for (const line of stats.snapshot().bounded) expect([line.name, line.size]).toEqual([line.name, 0])
      },
    ),
    { numRuns: fuzzRuns(150) },
  )
})
