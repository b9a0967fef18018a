import { describe, expect, it } from 'vitest'
import { clean, shown } from './shown.js'

describe('shown', () => {
  it('says values as JSON, cut and clean', () => {
    expect(shown('a"b')).toBe('"a\\"b"')
    expect(shown({ a: [1, null] })).toBe('{"a":[1,null]}')
    expect(shown('x'.repeat(100))).toBe(`"${'x'.repeat(79)}…"`)
    expect(shown('\u001b[31m\u202e\u009b\u200b')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('names what JSON cannot say', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    expect([undefined, 5n, Number.NaN, cycle, () => 1, Symbol('x')].map((value) => shown(value))).toEqual([
      'nothing',
      '5',
      'NaN',
      'a object',
      'a function',
      'a symbol',
    ])
  })

  it('never repeats what has the shape of a secret, also inside a value', () => {
    const secret = 'postgres://admin:hunter2@db.internal/orders'
    expect(shown(secret)).not.toContain('hunter2')
    expect(shown({ url: secret })).not.toContain('hunter2')
  })
})

describe('clean', () => {
  it('keeps scripts that need joiners readable and removes what cannot be seen', () => {
    expect(clean('line\nbreak')).toBe('line break')
    expect(clean('\ud800')).toBe('\ufffd')
  })
})
