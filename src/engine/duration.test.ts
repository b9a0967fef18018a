import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../errors/definition-error.js'
import { type Duration, toMs } from './duration.js'

describe('toMs', () => {
  it.each<[Duration, number]>([
    [1, 1],
    [0.5, 0.5],
    ['250ms', 250],
    ['2s', 2000],
    ['1.5s', 1500],
    ['0.25s', 250],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['596h', 2_145_600_000],
    [2 ** 31 - 1, 2 ** 31 - 1],
    ['007s', 7000],
  ])('reads %s as %d ms', (given, ms) => {
    expect(toMs(given, 'timeout')).toBe(ms)
  })

  // What only a program without types can give.
  const faulty: [given: unknown, shown: string][] = [
    [0, '0'],
    [-1, '-1'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    ['0s', '"0s"'],
    [2 ** 31, '2147483648'],
    ['597h', '"597h"'],
    ['-2s', '"-2s"'],
    ['2', '"2"'],
    ['2 s', '"2 s"'],
    [' 2s', '" 2s"'],
    ['2s\n', '"2s\\n"'],
    ['2S', '"2S"'],
    ['2d', '"2d"'],
    ['1e3ms', '"1e3ms"'],
    ['.5s', '".5s"'],
    ['1.s', '"1.s"'],
    ['0x10s', '"0x10s"'],
    ['s', '"s"'],
    ['', '""'],
    ['2constructor', '"2constructor"'],
    [`${'9'.repeat(400)}h`, '999'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{}, '{}'],
  ]
  it.each(faulty)('refuses %j, by the name of the option and with what came', (given, shown) => {
    const read = (): number => toMs(given as Duration, '"timeout" of "find-order"')
    expect(read).toThrow(DefinitionError)
    expect(read).toThrow(
      /^"timeout" of "find-order" must be a positive number of milliseconds or text such as /,
    )
    expect(read).toThrow(`received ${shown.startsWith('999') ? '"999' : shown}`)
  })
})
