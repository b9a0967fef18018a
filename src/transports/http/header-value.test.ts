import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEncodedValue, readPlainValue } from './header-value.js'

/** What the specification tells clients to send. */
function encode(value: string): string {
  const plain = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/.test(value)
  const sentinel = value.startsWith('=?base64?') && value.endsWith('?=')
  return plain && !sentinel ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`
}

describe('header values', () => {
  it('come back from every encoding as they were', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 })
    const wrapped = text.map((value) => `=?base64?${value}?=`)
    fc.assert(
      fc.property(fc.oneof(text, wrapped), fc.constantFrom('', ' ', '\t '), (value, space) => {
        expect(readEncodedValue(`${space}${encode(value)}${space}`)).toBe(value)
      }),
      { seed: 1, numRuns: 5000 },
    )
  })

  it('have one encoded form each', () => {
    const payload = fc.string({ unit: fc.constantFrom(...'AQgw=/+- \n1'), maxLength: 12 })
    fc.assert(
      fc.property(payload, (text) => {
        const value = readEncodedValue(`=?base64?${text}?=`)
        if (value !== undefined) expect(Buffer.from(value).toString('base64')).toBe(text)
      }),
      { seed: 2, numRuns: 20_000 },
    )
  })

  it('are not decoded where the sentinel has no meaning', () => {
    expect(readPlainValue('=?base64?SGVsbG8=?=')).toBe('=?base64?SGVsbG8=?=')
  })
})
