import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ToolError } from '../../errors/tool-error.js'
import { errorOf, errorRecord, markedToolError, thrownToolError } from './error-record.js'

/** From one thread to another. */
const travelled = <Value>(value: Value): Value => structuredClone(value)

describe('an error on its way between threads', () => {
  it('keeps its name, message, stack, code and causes', () => {
    class OwnError extends Error {
      override readonly name = 'OwnError'
      readonly code = 'E_OWN'
    }
    const error = new OwnError('outer', { cause: new RangeError('inner') })
    const arrived = errorOf(travelled(errorRecord(error)))
    expect(arrived).toMatchObject({
      name: 'OwnError',
      message: 'outer',
      stack: error.stack,
      code: 'E_OWN',
      cause: expect.objectContaining({ name: 'RangeError', message: 'inner' }),
    })
  })

  it('is a record whatever was thrown, of bounded depth and length', () => {
    const circle = new Error('circle')
    circle.cause = circle
    const trap = new Proxy({}, { get: () => expect.unreachable() })
    const trapped = new Proxy(() => 1, { get: () => expect.unreachable() })
    for (const thrown of [
      circle,
      trap,
      trapped,
      undefined,
      null,
      7n,
      Symbol('s'),
      () => 1,
      new Error('x'.repeat(1e6)),
    ]) {
      expect(JSON.stringify(travelled(errorRecord(thrown))).length).toBeLessThan(250_000)
    }
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        expect(errorOf(travelled(errorRecord(thrown)))).toBeInstanceOf(Error)
        expect(thrownToolError(thrown)).toBeUndefined()
      }),
    )
  })

  it('is a tool error when it bears the mark, with all of its details that are data', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.jsonValue(), (code, message, data) => {
        const details = { message, hint: 'Ask for less.', retryable: true, retryAfterMs: 5, field: 'a', data }
        for (const error of [new ToolError(code, details), markedToolError(code, details)]) {
          const arrived = travelled(thrownToolError(error))
          const { message: _, ...rest } = details
          expect(arrived).toEqual({ code, message, details: rest, cause: undefined })
        }
      }),
    )
    const unsendable = new ToolError('a', { message: 'b', data: () => 1, value: 3, cause: new Error('c') })
    expect(travelled(thrownToolError(unsendable))).toMatchObject({
      details: { value: 3 },
      cause: { message: 'c' },
    })
    expect(thrownToolError(unsendable)?.details).not.toHaveProperty('data')
  })
})
