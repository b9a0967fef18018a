import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findNonJson } from './json-value.js'

function nested(levels: number): object {
  let value: object = {}
  for (let level = 1; level < levels; level += 1) value = level % 2 === 0 ? { in: value } : [value]
  return value
}

class Order {
  readonly id = 7
  readonly lines = [{ price: 1.5 }]
}

describe('findNonJson', () => {
  it('finds nothing in what JSON gives back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(findNonJson(value)).toBeUndefined()
      }),
    )
  })

  it('finds the one fault, wherever it is, and says where', () => {
    const step = fc.oneof(fc.nat({ max: 3 }), fc.constantFrom('a', 'b c', 'length', '0'))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
        let value: unknown = Number.NaN
        let path = ''
        for (const one of [...steps].reverse()) {
          if (typeof one === 'number')
            value = Array.from({ length: 4 }, (_, at) => (at === one ? value : null))
          else value = { before: 1, [one]: value, after: undefined }
        }
        for (const one of steps) {
          if (typeof one === 'number') path += `[${one}]`
          else path += path === '' ? one : `.${one}`
        }
        expect(findNonJson(value)).toEqual({ path, what: 'NaN' })
      }),
    )
  })

  it.each<[string, unknown, string]>([
    ['NaN', Number.NaN, 'NaN'],
    ['Infinity', Number.POSITIVE_INFINITY, 'Infinity'],
    ['-Infinity', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['a bigint', 7n, 'bigint'],
    ['a function', () => 1, 'function'],
    ['a symbol', Symbol('s'), 'symbol'],
    ['a Date', new Date(0), 'a Date'],
    ['a Map', new Map(), 'a Map'],
    ['a Set', new Set(), 'a Set'],
    ['a WeakMap', new WeakMap(), 'a WeakMap'],
    ['a RegExp', /a/, 'a RegExp'],
    ['an Error', new TypeError('x'), 'a Error'],
    ['a promise that was not awaited', Promise.resolve(1), 'a Promise'],
    ['an ArrayBuffer', new ArrayBuffer(1), 'a ArrayBuffer'],
    ['a Buffer', Buffer.of(1), 'bytes (use image(), audio(), embed() or base64)'],
    ['a DataView', new DataView(new ArrayBuffer(1)), 'bytes (use image(), audio(), embed() or base64)'],
  ])('finds %s', (_, value, what) => {
    expect(findNonJson(value)).toEqual({ path: '', what })
    expect(findNonJson({ rows: [{ value }] })).toEqual({ path: 'rows[0].value', what })
  })

  it('takes undefined for an absent field, but not in an array, where JSON would write null', () => {
    expect(findNonJson({ note: undefined })).toBeUndefined()
    expect(findNonJson({ rows: [1, undefined] })).toEqual({ path: 'rows[1]', what: 'undefined' })
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    expect(findNonJson([1, , 2])).toEqual({ path: '[1]', what: 'undefined' })
    expect(findNonJson(undefined)).toEqual({ path: '', what: 'undefined' })
  })

  it('takes instances with plain fields, and objects without a prototype', () => {
    expect(findNonJson(new Order())).toBeUndefined()
    expect(findNonJson(Object.assign(Object.create(null), { a: 1 }))).toBeUndefined()
    expect(findNonJson(Object.assign(new Order(), { at: new Date(0) }))).toEqual({
      path: 'at',
      what: 'a Date',
    })
  })

  it('takes objects whose constructor tells nothing', () => {
    expect(findNonJson(Object.create(Object.create(null)))).toBeUndefined()
    expect(findNonJson(Object.assign(new Order(), { constructor: 'Smith & Sons' }))).toBeUndefined()
    expect(findNonJson(Object.assign(new Date(0), { constructor: undefined }))).toMatchObject({ path: '' })
  })

  it('takes 64 levels and no more, so that a cycle ends', () => {
    expect(findNonJson(nested(64))).toBeUndefined()
    expect(findNonJson(nested(65))?.what).toBe('a value nested too deep, or a cycle')
    const cycle: Record<string, unknown> = {}
    cycle['self'] = [cycle]
    expect(findNonJson(cycle)?.what).toBe('a value nested too deep, or a cycle')
    expect(findNonJson({ a: { b: {} } }, 2)).toEqual({
      path: 'a.b',
      what: 'a value nested too deep, or a cycle',
    })
  })

  it('takes one object in two places', () => {
    const shared = { a: 1 }
    expect(findNonJson({ first: shared, second: [shared, shared] })).toBeUndefined()
  })
})
