import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { timingSafeEqual } from './timing-safe-equal.js'

describe('timingSafeEqual', () => {
  it('agrees with === for any two texts', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    const halves = fc.constantFrom('\ud800', '\udc00', '\ufffd', 'a\ud83d', 'a\ufffd', '\ud83d\ude00')
    const any = fc.oneof(text, halves)
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(timingSafeEqual(a, a)).toBe(true)
        expect(timingSafeEqual(a, b)).toBe(a === b)
      }),
      { numRuns: fuzzRuns(500) },
    )
  })

  it('agrees with Buffer.equals for any bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 40 })
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(timingSafeEqual(a, Uint8Array.from(a))).toBe(true)
        expect(timingSafeEqual(a, b)).toBe(Buffer.from(a).equals(b))
      }),
      { numRuns: fuzzRuns(300) },
    )
  })

  it('takes a text for its UTF-8 bytes', () => {
    expect(timingSafeEqual('schlüssel 🔑', new TextEncoder().encode('schlüssel 🔑'))).toBe(true)
    expect(timingSafeEqual('key', Buffer.from('kez'))).toBe(false)
    expect(timingSafeEqual('\ud800', Buffer.from('\ufffd'))).toBe(false)
    expect(timingSafeEqual('\ud800', Buffer.from('\ud800', 'utf16le'))).toBe(false)
  })

  it('takes lengths that differ, and nothing at all', () => {
    expect(timingSafeEqual('', '')).toBe(true)
    expect(timingSafeEqual('', new Uint8Array())).toBe(true)
    expect(timingSafeEqual('key', 'key ')).toBe(false)
    expect(timingSafeEqual('', 'key')).toBe(false)
    expect(timingSafeEqual('a'.repeat(1_000_000), 'a'.repeat(999_999))).toBe(false)
  })

  it('is no looser about spelling than ===', () => {
    expect(timingSafeEqual('caf\u00e9', 'cafe\u0301')).toBe(false)
    expect(timingSafeEqual('Key', 'key')).toBe(false)
    expect(timingSafeEqual('key', 'key\0')).toBe(false)
  })
})
