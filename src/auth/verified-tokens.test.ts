import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../contracts/principal.js'
import { type Verified, VerifiedTokens } from './verified-tokens.js'

const ttlMs = 60
const limit = 3

type Step =
  | { readonly kind: 'keep'; readonly token: number; readonly livesMs: number | undefined }
  | { readonly kind: 'get'; readonly token: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'clear' }

const token = fc.integer({ min: 0, max: 5 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('keep' as const),
    token,
    livesMs: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('get' as const), token }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('clear' as const) }),
)

function verifiedUntil(expiresAt: number | undefined): Verified {
  const principal: Principal = {
    kind: 'user',
    issuer: 'i',
    subject: 's',
    permissions: new Set(),
    claims: {},
    ...(expiresAt !== undefined && { expiresAt }),
  }
  return { ok: true, principal }
}

describe('VerifiedTokens', () => {
  it('gives what a list of all that was kept would give: the first, while it counts, among those used last', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 1000
        const clock = { now: () => now, monotonic: () => now, after: () => () => undefined }
        const tokens = new VerifiedTokens('t', limit, ttlMs, clock)
        // The oracle: youngest last, nothing but arrays.
        let list: { token: number; verified: Verified; until: number }[] = []
        const find = (wanted: number): Verified | undefined => {
          const entry = list.find((one) => one.token === wanted)
          list = list.filter((one) => one !== entry)
          if (entry === undefined || now >= entry.until) return undefined
          list.push(entry)
          return entry.verified
        }
        for (const one of steps) {
          if (one.kind === 'wait') now += one.ms
          else if (one.kind === 'clear') {
            tokens.clear()
            list = []
          } else if (one.kind === 'get') expect(tokens.get(String(one.token))).toBe(find(one.token))
          else {
            const expiresAt = one.livesMs === undefined ? undefined : now + one.livesMs
            const fresh = verifiedUntil(expiresAt)
            const known = find(one.token)
            expect(tokens.keep(String(one.token), fresh, tokens.generation)).toBe(known ?? fresh)
            if (known === undefined) {
              if (list.length === limit) list.shift()
              list.push({
                token: one.token,
                verified: fresh,
                until: Math.min(now + ttlMs, expiresAt ?? Number.POSITIVE_INFINITY),
              })
            }
          }
          expect(tokens.stats().size).toBe(list.length)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('keeps nothing that was begun before all was forgotten', () => {
    const clock = { now: () => 0, monotonic: () => 0, after: () => () => undefined }
    const tokens = new VerifiedTokens('t', limit, ttlMs, clock)
    const { generation } = tokens
    tokens.clear()
    const verified = verifiedUntil(undefined)
    expect(tokens.keep('a', verified, generation)).toBe(verified)
    expect(tokens.get('a')).toBeUndefined()
  })
})
