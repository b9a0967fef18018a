import { describe, expect, it } from 'vitest'
import type { RateClaim, RateDecision, RateStore } from '../contracts/rate-store.js'
import { withLocalFallback } from './local-fallback.js'

const claims: readonly RateClaim[] = [{ key: 'a', cost: 1, rate: { intervalMs: 1000, burst: 1 } }]
const allowed: RateDecision = { allowed: true }
const refused: RateDecision = { allowed: false, refused: 0, retryAfterMs: 7 }

function rig(how: { shared: () => RateDecision | Promise<RateDecision> }) {
  const seen: unknown[] = []
  const local: RateStore = { take: (given) => (given === claims ? refused : allowed) }
  const rates = withLocalFallback({ take: () => how.shared() }, local, (error) => seen.push(error))
  return { rates, seen }
}

describe('withLocalFallback', () => {
  it('leaves it to what is shared as long as that decides', async () => {
    const { rates, seen } = rig({ shared: async () => allowed })
    expect(await rates.take(claims)).toBe(allowed)
    expect(rates.health()).toEqual({ name: 'rates', status: 'ok' })
    expect(seen).toEqual([])
  })

  it.each<[string, () => Promise<RateDecision>]>([
    ['rejects', () => Promise.reject(new Error('down'))],
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
  ])('counts here while what is shared %s, and tells it once', async (_, shared) => {
    const how: { shared: () => RateDecision | Promise<RateDecision> } = { shared }
    const { rates, seen } = rig(how)
    for (let n = 0; n < 3; n += 1) expect(await rates.take(claims)).toBe(refused)
    expect(seen).toEqual([new Error('down')])
    expect(rates.health()).toMatchObject({
      status: 'degraded',
      message: expect.stringContaining('by itself'),
    })
    how.shared = () => allowed
    expect(await rates.take(claims)).toBe(allowed)
    expect(rates.health().status).toBe('ok')
    how.shared = shared
    await rates.take(claims)
    expect(seen).toHaveLength(2)
  })
})
