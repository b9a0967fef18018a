import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { redact } from './redact.js'
import { redactText } from './redact-text.js'

/** What a logger would write. */
function write(value: unknown): string {
  return JSON.stringify(redact({ value })) ?? ''
}

describe('whatever comes', () => {
  const secret = 'Zq7hunter2Kx'
  const seeds: readonly unknown[] = [
    { password: secret },
    { apiKey: [secret] },
    [['authorization', secret]],
    `postgres://app:${secret}@db/x`,
    `{"token":"${secret}"}`,
    `Authorization: Bearer ${secret}`,
    `run --secret ${secret}`,
    new Error(`password=${secret}`),
    new Map([['client_secret', secret]]),
    new Set([`Cookie: sid=${secret}`]),
  ]
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withTypedArray: true,
    withSparseArray: true,
  })

  it('never throws, is written by JSON, and comes out the same when it goes through again', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const safe = redact(value)
        JSON.stringify(safe)
        expect(redact(safe)).toEqual(safe)
      }),
      { numRuns: fuzzRuns(500) },
    )
  })

  it.each([
    ['a date beyond the year 9999', [{ OTP: new Date('+010000-01-01T00:00:00.000Z') }]],
    ['a date before the year 0', [{ password: new Date('-000001-01-01T00:00:00.000Z') }]],
  ])('comes out the same when it goes through again: %s', (_what, value) => {
    const safe = redact(value)
    expect(redact(safe)).toEqual(safe)
  })

  it('lets no secret through, at any depth of any structure', () => {
    const wrapped = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        fc.constantFrom(...seeds),
        fc.record({ a: tie('node'), b: anything }),
        fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
        tie('node').map((value) => new Map([['x', value]])),
        tie('node').map((cause) => new Error('outer', { cause })),
        tie('node').map((value) => ({ toJSON: () => value })),
        tie('node').map((value) => JSON.stringify(redact(value) === value ? value : { text: 'plain' })),
      ),
    })).node
    fc.assert(
      fc.property(wrapped, (value) => {
        expect(write(value)).not.toContain(secret)
      }),
      { numRuns: fuzzRuns(500) },
    )
  })

  it('lets no secret through in a text, whatever stands around it', () => {
    const forms = [
      `password=${secret}`,
      `"token":"${secret}"`,
      `\\"api_key\\":\\"${secret}\\"`,
      `https://ann:${secret}@x.example/a`,
      `?access_token=${secret}`,
      `Authorization: Bearer ${secret}`,
      `Password=${secret};`,
      `SECRET_KEY='${secret}'`,
      `ghp_${secret}${secret}${secret}`,
    ]
    const around = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('', 'a=1&', 'GET /', '{"x":1,', '\n', ' at ', '('),
    )
    fc.assert(
      fc.property(around, fc.constantFrom(...forms), around, (before, form, after) => {
        const safe = redactText(`${before} ${form} ${after}`)
        expect(safe).not.toContain(secret)
        expect(redactText(safe)).toBe(safe)
      }),
      { numRuns: fuzzRuns(1000) },
    )
  })

  it('is the same again for any text made of the parts of secrets', () => {
    const part = fc.constantFrom(
      'password',
      'token',
      'key',
      '=',
      ':',
      ': ',
      ' ',
      '"',
      "'",
      '\\"',
      '{',
      '}',
      '[',
      ']',
      ',',
      ';',
      '&',
      '?',
      '://',
      '@',
      'a',
      'hunter2',
      'Bearer',
      'Authorization',
      'Cookie',
      '[redacted]',
      '%3D',
      '<',
      '>',
      '--',
      '\n',
      '…',
      '-----BEGIN X-----',
      'is',
      'value',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        const safe = redactText(parts.join(''))
        expect(redactText(safe)).toBe(safe)
      }),
      { numRuns: fuzzRuns(2000) },
    )
  })
})
