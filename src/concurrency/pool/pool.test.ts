import { describe, expect, it } from 'vitest'
import { settled } from '../../../test/hand-clock.js'
import { call, outcome, type Thing, world } from '../../../test/pools/pool-world.js'
import type { ToolError } from '../../errors/tool-error.js'

describe('a pool', () => {
  it('lends no more than it may, first come, first served, and the last one back goes out first', async () => {
    const { pool, open } = world()
    const order: number[] = []
    const first = await pool.acquire(call())
    const second = await pool.acquire(call())
    const waiting = [1, 2, 3].map((at) =>
      pool.use(call(), (thing) => {
        order.push(at)
        return thing.id
      }),
    )
    await settled()
    expect(pool.usage()).toMatchObject({ size: 2, inUse: 2, waiting: 3 })
    first.release()
    expect(await Promise.all(waiting)).toEqual([1, 1, 1])
    expect(order).toEqual([1, 2, 3])
    second.release()
    second.release()
    expect(await pool.use(call(), (thing) => thing.id)).toBe(2)
    expect([pool.usage().inUse, pool.usage().idle, open.size]).toEqual([0, 2, 2])
    await pool.close()
    expect(open.size).toBe(0)
  })

  it('does not take from the next what was given back twice', async () => {
    const { pool } = world({ max: 1 })
    const first = await pool.acquire(call())
    first.release()
    const second = await pool.acquire(call())
    first.release()
    first.destroy()
    expect(pool.usage()).toMatchObject({ inUse: 1, size: 1 })
    second.release()
    await pool.close()
  })

  it('answers who cannot be served in time, with what a program needs, and has room for the next', async () => {
    const { pool, clock } = world({ max: 1, maxWaiting: 1, acquireTimeoutMs: 1000 })
    const held = await pool.acquire(call())
    const late = pool.acquire(call()).catch((error: unknown) => error)
    const soon = outcome(pool.acquire(call()))
    expect(await soon).toBe('pool_exhausted')
    await clock.walk(1020)
    const error = (await late) as ToolError
    expect(error.details).toMatchObject({
      retryable: true,
      data: {
        pool: 'things',
        size: 1,
        inUse: 1,
        waiting: 0,
        waitedMs: 1000,
        retryAfterMs: expect.any(Number),
      },
    })
    expect(error.details.retryAfterMs).toBeGreaterThan(0)
    expect(pool.degraded()).toMatch(/exhausted/)
    expect(pool.usage()).toMatchObject({ timeouts: 1, refused: 1 })
    expect(pool.bounded.map((bounded) => bounded.stats())).toEqual([
      { name: 'resources (things)', size: 1, limit: 1, unit: 'entries', dropped: 0 },
      { name: 'waiting callers (things)', size: 0, limit: 1, unit: 'entries', dropped: 2 },
    ])
    held.release()
    expect(await outcome(pool.acquire(call()))).toBe('ok')
    await clock.walk(11_000)
    expect(pool.degraded()).toBeUndefined()
  })

  it('refuses before the deadline of the call, so that it can say why', async () => {
    const { pool, clock } = world({ max: 1 })
    await pool.acquire(call())
    const tight = outcome(pool.acquire(call('tight', 500)))
    await clock.walk(499)
    expect(await tight).toBe('pool_exhausted')
  })

  it('lets who is aborted go at once, before and while it waits, and serves those behind it', async () => {
    const seen = world({ max: 1 })
    const { pool } = seen
    const held = await pool.acquire(call())
    const left = call()
    const leaving = outcome(pool.acquire(left))
    const next = pool.acquire(call())
    left.end()
    expect(await leaving).toBe('Error: left')
    held.release()
    ;(await next).release()
    expect(await outcome(pool.acquire(left))).toBe('Error: left')
    expect([pool.usage().waiting, seen.made]).toEqual([0, 1])
  })

  it('tells the work that its call has ended, and never after the work has', async () => {
    const { pool } = world()
    const [during, after] = [call(), call()]
    const told: string[] = []
    const onAbort = (thing: Thing): void => void told.push(`told of ${thing.id}`)
    let finish = (): void => undefined
    const working = pool.use(during, () => new Promise<void>((resolve) => (finish = resolve)), { onAbort })
    await settled()
    during.end()
    expect(told).toEqual(['told of 1'])
    finish()
    await working
    await pool.use(after, () => undefined, { onAbort })
    after.end()
    expect(told).toHaveLength(1)
  })

  it('ends what its work broke, and keeps what only saw an error', async () => {
    const { pool, open } = world({ max: 1, broken: (_thing, error) => String(error).includes('reset') })
    const ids: number[] = []
    for (const reason of ['no such order', 'connection reset', 'no such order']) {
      const work = (thing: Thing): never => {
        ids.push(thing.id)
        throw new Error(reason)
      }
      await expect(pool.use(call(), work)).rejects.toThrow(reason)
    }
    expect(ids).toEqual([1, 1, 2])
    expect(open.size).toBe(1)
  })

  it('checks what lay idle before it lends it, and replaces what is dead', async () => {
    let dead = 0
    const { pool, clock, open } = world({ validate: (thing) => thing.id > dead, idleMs: 600_000 })
    const two = await Promise.all([pool.acquire(call()), pool.acquire(call())])
    for (const one of two) one.release()
    dead = 2
    // Too short a time to have died.
    expect(await pool.use(call(), (thing) => thing.id)).toBe(2)
    await clock.walk(1000)
    expect(await pool.use(call(), (thing) => thing.id)).toBeGreaterThan(2)
    // One may still lie there, and is found out when it is wanted.
    expect(open.size).toBeLessThanOrEqual(2)
    pool.discard([...open].at(-1) as Thing)
    dead = 0
    await settled()
    expect(pool.usage().size).toBe(open.size)
  })

  it('treats a check that hangs as a no', async () => {
    const { pool, clock } = world({
      max: 1,
      validateAfterMs: 0,
      createTimeoutMs: 300,
      validate: () => new Promise<never>(() => undefined),
    })
    ;(await pool.acquire(call())).release()
    const second = pool.use(call(), (thing) => thing.id)
    await clock.walk(400)
    expect(await second).toBe(2)
  })

  it('ends what is idle beyond the least, and what is old, and comes back to the least', async () => {
    const { pool, clock, open } = world({ max: 4, min: 1, idleMs: 10_000, lifetimeMs: 60_000 })
    await pool.open(call().signal)
    const three = await Promise.all([1, 2, 3].map(() => pool.acquire(call())))
    for (const one of three) one.release()
    expect(open.size).toBe(3)
    await clock.walk(12_000)
    expect(open.size).toBe(1)
    await clock.walk(60_000)
    expect([open.size, [...open][0]?.id]).toEqual([1, 4])
    await pool.close()
    expect([open.size, clock.timers]).toEqual([0, 0])
  })
})

describe('a pool whose backend is away', () => {
  it('refuses in time, tries with pauses that grow, logs an outage once, and comes back by itself', async () => {
    let tries = 0
    let away = true
    const { pool, clock, log } = world({
      max: 10,
      create() {
        tries += 1
        if (away) throw new Error('ECONNREFUSED 10.0.0.7')
        return { id: tries }
      },
    })
    const all = await Promise.all(Array.from({ length: 50 }, () => outcome(pool.acquire(call()))))
    expect(new Set(all)).toEqual(new Set(['backend_unavailable']))
    expect(tries).toBeLessThanOrEqual(10)
    const atOnce = await pool.acquire(call()).catch((error: unknown) => error as ToolError)
    expect((atOnce as ToolError).details.retryAfterMs).toBeLessThanOrEqual(100)
    expect(JSON.stringify(atOnce)).not.toContain('10.0.0.7')
    const before = tries
    for (let second = 0; second < 600; second += 1) {
      await clock.walk(100)
      await outcome(pool.acquire(call()))
    }
    // A minute: pauses of 0.1 s and so on up to 5 s, cut to no less than a half.
    expect(tries - before).toBeGreaterThan(8)
    expect(tries - before).toBeLessThan(36)
    expect(pool.degraded()).toMatch(/cannot be reached since 6\d s/)
    away = false
    await clock.walk(5000)
    expect(await pool.use(call(), () => 'served')).toBe('served')
    expect(pool.degraded()).toBeUndefined()
    expect(log.map(({ level }) => level)).toEqual(['error', 'info'])
    expect(String(log[0]?.fields['error'])).toContain('ECONNREFUSED')
  })

  it('lets who can still be served wait, when only further ones cannot be made', async () => {
    let made = 0
    const { pool, clock } = world({
      create() {
        made += 1
        if (made > 1) throw new Error('too many connections')
        return { id: made }
      },
    })
    const held = await pool.acquire(call())
    const waiting = pool.use(call(), (thing) => thing.id)
    await clock.walk(1000)
    expect(made).toBeGreaterThan(2)
    held.release()
    expect(await waiting).toBe(1)
    await pool.close()
  })

  it('gives up what takes too long to make, and ends what comes late', async () => {
    const pending: ((thing: Thing) => void)[] = []
    const signals: AbortSignal[] = []
    const ended: number[] = []
    const { pool, clock } = world({
      createTimeoutMs: 1000,
      create(signal) {
        signals.push(signal)
        return new Promise((resolve) => pending.push(resolve))
      },
      destroy: (thing) => void ended.push(thing.id),
    })
    const refused = outcome(pool.acquire(call()))
    await clock.walk(1000)
    expect(await refused).toBe('backend_unavailable')
    expect(signals[0]?.aborted).toBe(true)
    pending[0]?.({ id: 7 })
    await settled()
    expect([ended, pool.usage().size]).toEqual([[7], 0])
    await pool.close()
    expect(clock.timers).toBe(0)
  })
})

describe('who keeps too long what a pool lent', () => {
  it('is named once, with the place where it was borrowed', async () => {
    const { pool, clock, log } = world({ leakMs: 5000 })
    async function forgetful(): Promise<void> {
      await pool.acquire(call('slow-report'))
    }
    await forgetful()
    await clock.walk(20_000)
    expect(log).toHaveLength(1)
    expect(log[0]).toMatchObject({ level: 'warn', fields: { pool: 'things', call: 'slow-report' } })
    expect(log[0]?.message).toContain('"slow-report" has kept one of "things"')
    expect(log[0]?.fields['borrowedAt']).toContain('forgetful')
    expect(pool.usage()).toMatchObject({ leaked: 1, takenAway: 0, inUse: 1 })
  })

  it('loses it when its call has ended as long before, and the next gets another', async () => {
    const { pool, clock, open } = world({ max: 1, leakMs: 5000, acquireTimeoutMs: 60_000 })
    const leaky = call('leaky')
    const borrowed = await pool.acquire(leaky)
    const next = pool.acquire(call())
    leaky.end()
    await clock.walk(8000)
    const given = await next
    expect(given.resource.id).toBe(2)
    expect([...open].map(({ id }) => id)).toEqual([2])
    borrowed.release()
    borrowed.destroy()
    expect(pool.usage()).toMatchObject({ inUse: 1, size: 1, takenAway: 1 })
    given.release()
  })
})

describe('the end of a pool', () => {
  it('refuses who waits at once, has back what is lent, and lends no more', async () => {
    const { pool, open, clock } = world({ max: 1 })
    const held = await pool.acquire(call())
    const waiting = outcome(pool.acquire(call()))
    let isClosed = false
    const closed = pool.close(3000).then(() => (isClosed = true))
    expect(await waiting).toBe('shutting_down')
    expect(await outcome(pool.acquire(call()))).toBe('shutting_down')
    await clock.walk(1000)
    expect(isClosed).toBe(false)
    held.release()
    await closed
    expect([open.size, clock.timers]).toEqual([0, 0])
  })

  it('takes away what nobody gives back', async () => {
    const { pool, open, clock, log } = world()
    const held = await pool.acquire(call('stuck'))
    const closed = pool.close(3000)
    await clock.walk(3000)
    await closed
    expect(open.size).toBe(0)
    expect(log[0]?.message).toContain('"stuck" kept one')
    held.release()
    expect(pool.usage().inUse).toBe(0)
  })

  it('does not wait for ever for one that will not end', async () => {
    const { pool, clock } = world({ destroy: () => new Promise<never>(() => undefined) })
    ;(await pool.acquire(call())).release()
    const closed = pool.close(1000)
    await clock.walk(7000)
    await closed
    expect(clock.timers).toBe(0)
  })

  it('aborts what is being made', async () => {
    const { pool, clock } = world({
      create: (signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    const refused = outcome(pool.acquire(call()))
    await pool.close()
    expect(await refused).toBe('shutting_down')
    await clock.walk(20)
    expect(clock.timers).toBe(0)
  })
})

it.each([
  [{ max: 0 }, '"max" must be a whole number from 1'],
  [{ max: 2, min: 3 }, '"min" must be a whole number from 0 to 2'],
  [{ maxWaiting: -1 }, '"maxWaiting"'],
  [{ idleMs: Number.NaN }, '"idleMs" must be milliseconds'],
])('a pool with %j is refused', (more, sentence) => {
  expect(() => world(more)).toThrow(sentence)
})
