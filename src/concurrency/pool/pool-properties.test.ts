import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { handClock } from '../../../test/hand-clock.js'
import { ToolError } from '../../errors/tool-error.js'
import { Pool } from './pool.js'
import type { PoolCall } from './pool-options.js'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

const job = fc.record({
  at: fc.nat(400),
  takes: fc.integer({ min: 1, max: 300 }),
  within: fc.integer({ min: 50, max: 2000 }),
  leavesAfter: fc.option(fc.nat(400), { nil: undefined }),
  does: fc.constantFrom('ends well', 'throws', 'breaks it', 'keeps it'),
})
const making = fc.constantFrom('makes it', 'is slow', 'fails', 'hangs', 'hangs and then makes it')

const setting = fc.record({
  max: fc.integer({ min: 1, max: 4 }),
  maxWaiting: fc.nat(6),
  validateAfterMs: fc.constantFrom(0, 40, 1000),
  jobs: fc.array(job, { maxLength: 25 }),
  // What becomes of each that is made; then all are.
  makings: fc.array(making, { maxLength: 8 }),
  dieAt: fc.array(fc.nat(600), { maxLength: 3 }),
  closesAt: fc.option(fc.nat(800), { nil: undefined }),
})

describe('a pool under whatever comes', () => {
  it('never lends too many nor one twice, answers everybody, and leaves nothing open', async () => {
    await fc.assert(
      fc.asyncProperty(setting, async ({ jobs, makings, dieAt, closesAt, ...limits }) => {
        const clock = handClock()
        const open = new Set<number>()
        const dead = new Set<number>()
        const lent = new Set<number>()
        let made = 0
        const make = (): number => {
          made += 1
          open.add(made)
          return made
        }
        const later = <Value>(ms: number, value: () => Value): Promise<Value> =>
          new Promise((resolve) => clock.after(ms, () => resolve(value())))
        const left = [...makings]
        const pool = new Pool<number>({
          ...limits,
          name: 'p',
          clock,
          logger: silent,
          acquireTimeoutMs: 500,
          createTimeoutMs: 200,
          leakMs: 300,
          idleMs: 250,
          lifetimeMs: 700,
          create() {
            switch (left.shift()) {
              case 'is slow':
                return later(100, make)
              case 'fails':
                throw new Error('refused')
              case 'hangs':
                return new Promise<never>(() => undefined)
              case 'hangs and then makes it':
                return later(450, make)
              default:
                return make()
            }
          },
          destroy: (one) => {
            expect(open.delete(one)).toBe(true)
          },
          validate: (one) => later(5, () => !dead.has(one)),
          broken: (_one, error) => String(error).includes('broken'),
        })

        async function run({ takes, within, leavesAfter, does }: (typeof jobs)[number]): Promise<string> {
          const ends = new AbortController()
          const deadlineAt = clock.monotonic() + within
          const call: PoolCall = {
            name: 'job',
            signal: ends.signal,
            remaining: () => Math.max(0, deadlineAt - clock.monotonic()),
          }
          const stop = clock.after(Math.min(within, leavesAfter ?? within), () =>
            ends.abort(new Error('ended')),
          )
          const take = (one: number): void => {
            expect(lent.has(one)).toBe(false)
            expect(open.has(one)).toBe(true)
            lent.add(one)
            expect(lent.size).toBeLessThanOrEqual(limits.max)
          }
          try {
            if (does === 'keeps it') {
              const { resource } = await pool.acquire(call)
              take(resource)
              // Until it is taken away, which the oracle sees by its end.
              lent.delete(resource)
              return 'kept'
            }
            await pool.use(call, async (one) => {
              take(one)
              await later(takes, () => undefined)
              lent.delete(one)
              if (does === 'throws') throw new Error('no such order')
              if (does === 'breaks it') throw new Error('broken')
            })
            return 'served'
          } catch (error) {
            return ToolError.is(error) ? error.code : String(error)
          } finally {
            stop()
          }
        }

        const outcomes: Promise<string>[] = []
        let isAllIn = jobs.length === 0
        for (const one of jobs) {
          clock.after(one.at, () => {
            outcomes.push(run(one))
            isAllIn = outcomes.length === jobs.length
          })
        }
        for (const at of dieAt) {
          clock.after(at, () => {
            for (const one of open) dead.add(one)
            for (const one of dead) if (!lent.has(one)) pool.discard(one)
          })
        }
        let closed: Promise<void> | undefined
        if (closesAt !== undefined) clock.after(closesAt, () => (closed = pool.close(400)))
        await clock.walk(6000)
        expect(isAllIn).toBe(true)
        const all = await Promise.race([
          Promise.all(outcomes),
          new Promise<string>((resolve) => setImmediate(() => setImmediate(() => resolve('somebody waits')))),
        ])
        expect(all).not.toBe('somebody waits')
        const known = ['served', 'kept', 'pool_exhausted', 'backend_unavailable', 'shutting_down']
        const thrown = ['Error: ended', 'Error: no such order', 'Error: broken']
        for (const one of all) expect([...known, ...thrown]).toContain(one)
        closed ??= pool.close(400)
        await clock.walk(12_000)
        await closed
        expect([...open]).toEqual([])
        expect(pool.usage()).toMatchObject({ size: 0, inUse: 0, idle: 0, waiting: 0 })
        expect(clock.timers).toBe(0)
      }),
      { numRuns: fuzzRuns(60) },
    )
  })
})

describe('ten thousand callers at once', () => {
  it('are all answered, in order, by what there is; the rest at once', async () => {
    const clock = handClock()
    let lent = 0
    let most = 0
    const pool = new Pool<object>({
      name: 'p',
      max: 10,
      maxWaiting: 5000,
      acquireTimeoutMs: 60_000,
      clock,
      logger: silent,
      create: () => ({}),
      destroy: () => undefined,
    })
    const ends = new AbortController()
    const call: PoolCall = { name: 'herd', signal: ends.signal, remaining: () => 60_000 }
    const order: number[] = []
    const started = performance.now()
    const outcomes = await Promise.all(
      Array.from({ length: 10_000 }, (_, at) =>
        pool
          .use(call, async () => {
            lent += 1
            most = Math.max(most, lent)
            order.push(at)
            await undefined
            lent -= 1
            if (at % 3 === 0) throw new Error('no such order')
          })
          .then(
            () => 'served',
            (error: unknown) => (ToolError.is(error) ? error.code : 'threw'),
          ),
      ),
    )
    expect(most).toBeLessThanOrEqual(10)
    expect(order).toEqual(Array.from({ length: 5010 }, (_, at) => at))
    expect(outcomes.filter((one) => one === 'pool_exhausted')).toHaveLength(4990)
    // Anything that grows with the square of the callers would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000)
    await pool.close()
  })
})
