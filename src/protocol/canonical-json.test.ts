import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from './canonical-json.js'

/** The same value with the members of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  )
}

describe('canonicalJson', () => {
  it('is JSON of the same value, and the same text however members are ordered', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(reversed(value))).toBe(text)
      }),
    )
  })

  it('tells different values apart', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other)
        if (!same && canonicalJson(one) === canonicalJson(other)) {
          expect(JSON.parse(canonicalJson(one))).toEqual(JSON.parse(JSON.stringify(other)))
        }
      }),
    )
  })

  it.each<[value: unknown, text: string]>([
    [{ b: 1, a: { d: [2, { z: 1, y: 2 }], c: null } }, '{"a":{"c":null,"d":[2,{"y":2,"z":1}]},"b":1}'],
    [{ a: undefined, b: [undefined, () => 1] }, '{"b":[null,null]}'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [JSON.parse('{"__proto__":1,"10":2,"9":3}'), '{"10":2,"9":3,"__proto__":1}'],
    [{ 'a"\n': 'é"' }, '{"a\\"\\n":"é\\""}'],
    [undefined, 'null'],
    [Number.NaN, 'null'],
  ])('writes %j', (value, text) => {
    expect(canonicalJson(value)).toBe(text)
  })
})
