import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { cleanText } from './clean-text.js'
import { cleanValue } from './clean-value.js'
import { NOTHING_REMOVED } from './removed-text.js'

const HIDDEN = '\u{e0041}'

describe('cleanValue, when nothing has to go', () => {
  it.each<[string, unknown]>([
    ['text', 'plain'],
    ['number', 12],
    ['null', null],
    ['nothing', undefined],
    ['empty object', {}],
    ['nested data', { a: [1, 'b', { c: null, d: ['e', true] }], 'می\u200cخواهم': '👩\u200d💻' }],
    ['frozen data', Object.freeze({ a: Object.freeze(['b']) })],
    ['own __proto__', JSON.parse('{"__proto__":{"a":"b"}}')],
    ['without prototype', Object.assign(Object.create(null), { a: 'b' })],
    ['sparse array', new Array(3)],
  ])('returns the very value: %s', (_label, value) => {
    const cleaned = cleanValue(value)
    expect(cleaned.value).toBe(value)
    expect(cleaned.removed).toBe(NOTHING_REMOVED)
  })

  it('reads a getter once', () => {
    let reads = 0
    const value = {
      get name() {
        reads += 1
        return 'plain'
      },
    }
    expect(cleanValue(value).value).toBe(value)
    expect(reads).toBe(1)
  })
})

describe('cleanValue, when something has to go', () => {
  it('cleans a text', () => {
    expect(cleanValue(`a${HIDDEN}b`)).toEqual({ value: 'ab', removed: [{ kind: 'tag', count: 1 }] })
  })

  it('cleans values and keys at every level and sums up what went', () => {
    const value = {
      [`na${HIDDEN}me`]: [`x${HIDDEN}`, { deep: '\u001b[31mred\u001b[0m', n: 1 }],
      same: 'same',
    }
    expect(cleanValue(value)).toEqual({
      value: { name: ['x', { deep: 'red', n: 1 }], same: 'same' },
      removed: [
        { kind: 'ansi', count: 2 },
        { kind: 'tag', count: 2 },
      ],
    })
  })

  it('leaves the value that came in as it was, and shares with it what is clean', () => {
    const value = { clean: { a: ['b'] }, list: [{ x: 'y' }, `z${HIDDEN}`] }
    const before = structuredClone(value)
    const cleaned = cleanValue(value).value as typeof value
    expect(value).toEqual(before)
    expect(cleaned).not.toBe(value)
    expect(cleaned.clean).toBe(value.clean)
    expect(cleaned.list[0]).toBe(value.list[0])
    expect(cleaned.list[1]).toBe('z')
  })

  it('keeps the order of keys', () => {
    const cleaned = cleanValue({ b: 1, [`a${HIDDEN}`]: 2, c: `3${HIDDEN}` }).value
    expect(JSON.stringify(cleaned)).toBe('{"b":1,"a":2,"c":"3"}')
  })

  it('keeps an object without prototype without one', () => {
    const value: unknown = Object.assign(Object.create(null), { a: `b${HIDDEN}` })
    const cleaned = cleanValue(value).value as object
    expect(Object.getPrototypeOf(cleaned)).toBe(null)
    expect({ ...cleaned }).toEqual({ a: 'b' })
  })

  it('cleans plain objects and arrays of another realm', () => {
    const value: unknown = runInNewContext("({ a: ['b\\u{e0041}'] })")
    expect(JSON.stringify(cleanValue(value).value)).toBe('{"a":["b"]}')
  })
})

describe('cleanValue, of keys', () => {
  it('never lets a cleaned key replace a clean one, whichever comes first', () => {
    const hostileFirst = cleanValue({ [`ro${HIDDEN}le`]: 'admin', role: 'user' }).value
    expect(JSON.stringify(hostileFirst)).toBe('{"role (2)":"admin","role":"user"}')
    const hostileLast = cleanValue({ role: 'user', [`ro${HIDDEN}le`]: 'admin' }).value
    expect(JSON.stringify(hostileLast)).toBe('{"role":"user","role (2)":"admin"}')
  })

  it('loses no value of keys that become equal', () => {
    const value = { 'a\u200b': 1, 'a\u200b\u200b': 2, 'a (2)': 3, 'a\u2060': 4, '\u200b': 5, '\u2060': 6 }
    expect(cleanValue(value).value).toEqual({ a: 1, 'a (3)': 2, 'a (2)': 3, 'a (4)': 4, '': 5, ' (2)': 6 })
  })

  it('keeps __proto__ data, and makes no key into it', () => {
    const kept = cleanValue(JSON.parse(`{"__proto__":{"admin":"yes${HIDDEN}"},"b":1}`)).value
    expect(JSON.stringify(kept)).toBe('{"__proto__":{"admin":"yes"},"b":1}')
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype)
    const made = cleanValue({ [`__pro${HIDDEN}to__`]: { admin: true } }).value
    expect(JSON.stringify(made)).toBe('{"__proto__ (2)":{"admin":true}}')
  })

  it('stays quick when thousands of keys become equal', () => {
    const value = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => ['\u200b'.repeat(n % 300) + (n % 7), n]),
    )
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`k${'\u200b'.repeat(n)}`, n]))
    expect(Object.keys(cleanValue(value).value as object)).toHaveLength(Object.keys(value).length)
    const cleaned = cleanValue(many).value as Record<string, number>
    expect(Object.values(cleaned)).toEqual(Array.from({ length: 3000 }, (_, n) => n))
    expect(cleaned['k (3000)']).toBe(2999)
  })
})

describe('cleanValue, of shapes', () => {
  it('leaves what is not plain data alone', () => {
    class Row {
      name = `a${HIDDEN}`
    }
    const written = { name: `a${HIDDEN}`, toJSON: () => 'a' }
    const value = {
      date: new Date(0),
      row: new Row(),
      map: new Map([['a', HIDDEN]]),
      written,
      bytes: new Uint8Array(2),
    }
    expect(cleanValue(value).value).toBe(value)
    const cleaned = cleanValue({ ...value, text: HIDDEN }).value as typeof value
    expect(cleaned.date).toBe(value.date)
    expect(cleaned.row).toBe(value.row)
    expect(cleaned.map).toBe(value.map)
    expect(cleaned.written).toBe(written)
    expect(cleaned.bytes).toBe(value.bytes)
  })

  it('goes to any depth without recursion', () => {
    const nested = (inner: unknown): unknown => {
      let value = inner
      for (let depth = 0; depth < 200_000; depth += 1) value = depth % 2 === 0 ? [value] : { a: value }
      return value
    }
    const clean = nested('b')
    expect(cleanValue(clean).value).toBe(clean)
    let inner = cleanValue(nested(`b${HIDDEN}`)).value
    while (typeof inner === 'object' && inner !== null) inner = Object.values(inner)[0]
    expect(inner).toBe('b')
  })

  it('ends on cycles and copies them as cycles', () => {
    const clean: Record<string, unknown> = { a: 'b' }
    clean['self'] = [clean]
    expect(cleanValue(clean).value).toBe(clean)
    const value: Record<string, unknown> = { a: `b${HIDDEN}` }
    value['self'] = [value]
    const cleaned = cleanValue(value).value as { a: string; self: unknown[] }
    expect(cleaned.a).toBe('b')
    expect(cleaned.self[0]).toBe(cleaned)
  })

  it('reads what is shared once, and keeps it shared', () => {
    let value: unknown = { text: `x${HIDDEN}` }
    for (let level = 0; level < 60; level += 1) value = [value, value]
    const cleaned = cleanValue(value)
    expect(cleaned.removed).toEqual([{ kind: 'tag', count: 1 }])
    const [left, right] = cleaned.value as unknown[]
    expect(left).toBe(right)
  })

  it('takes a result of 1,000 short texts well below a millisecond', () => {
    const value = { rows: Array.from({ length: 1000 }, (_, n) => `value number ${n}`) }
    for (let warm = 0; warm < 200; warm += 1) cleanValue(value)
    let best = Number.POSITIVE_INFINITY
    for (let run = 0; run < 50; run += 1) {
      const start = performance.now()
      cleanValue(value)
      best = Math.min(best, performance.now() - start)
    }
    expect(best).toBeLessThan(1)
  })
})

const unit = fc.constantFrom('a', 'b', 'ש', ' ', '\u200b', '\u200f', '\u202e', '\u001b[1m', HIDDEN, '\n')
const text = fc.string({ unit, maxLength: 8 })

describe('cleanValue, of any JSON', () => {
  it('is cleanText of every text, in the same shape', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, fc.array(text), fc.record({ k: text }), fc.integer())), (value) => {
        const expected: unknown = JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
          typeof item === 'string' ? cleanText(item).text : item,
        )
        expect(cleanValue(value).value).toEqual(expected)
      }),
      { numRuns: fuzzRuns(1000) },
    )
  })

  it('is done after once and keeps the number of keys', () => {
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(text, tie('node'), { maxKeys: 5 }),
      ),
    })).node
    const keys = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? Object.values(value).reduce<number>((sum, item) => sum + keys(item), Object.keys(value).length)
        : 0
    fc.assert(
      fc.property(tree, (value) => {
        const once = cleanValue(value)
        const again = cleanValue(once.value)
        expect(again.value).toBe(once.value)
        expect(keys(once.value)).toBe(keys(value))
        expect(once.removed === NOTHING_REMOVED).toBe(once.value === value)
      }),
      { numRuns: fuzzRuns(1000) },
    )
  })
})
