import { describe, expect, it } from 'vitest'
import { settled } from '../../../test/hand-clock.js'
import { call, outcome, world } from '../../../test/pools/pool-world.js'

const raise = (message: string): never => {
  throw new Error(message)
}

describe('a pool', () => {
  it.each([
    ['throws', () => raise('no listener')],
    ['rejects', () => Promise.reject(new Error('no listener'))],
  ])('logs of who is told of the end of its call and %s, and tells the others', async (_how, onAbort) => {
    const { pool, log } = world({ max: 2 })
    const ending = call('fragile')
    const told: number[] = []
    const first = await pool.acquire(ending, { onAbort })
    const second = await pool.acquire(ending, { onAbort: (thing) => void told.push(thing.id) })
    const waiting = outcome(pool.acquire(ending))
    ending.end()
    expect([await waiting, told]).toEqual(['Error: left', [2]])
    await settled()
    expect(log).toMatchObject([{ level: 'warn', fields: { pool: 'things', call: 'fragile' } }])
    first.release()
    second.release()
    await pool.close()
  })

  it('does not let who comes wait for one that is being made while an idle one only has to be checked', async () => {
    let made = 0
    const { pool, clock } = world({
      validate: () => true,
      create() {
        made += 1
        return made === 1 ? { id: 1 } : new Promise<never>(() => undefined)
      },
    })
    const only = await pool.acquire(call())
    const next = pool.acquire(call())
    expect(made).toBe(2)
    only.release()
    ;(await next).release()
    await clock.walk(1500)
    const late = pool.use(call(), (thing) => thing.id)
    await clock.walk(100)
    expect(pool.usage().waiting).toBe(0)
    expect(await late).toBe(1)
  })

  it('opens as long as the making of one may take, however short calls wait', async () => {
    const { pool, clock } = world({
      min: 1,
      acquireTimeoutMs: 100,
      create: () => new Promise((resolve) => clock.after(1000, () => resolve({ id: 1 }))),
    })
    const opened = outcome(pool.open(call().signal))
    await clock.walk(1000)
    expect(await opened).toBe('ok')
    await pool.close()
  })
})
