import { describe, expect, it } from 'vitest'
import { redact } from './redact.js'

/** What a logger would write. */
function write(value: unknown): string {
  return JSON.stringify(redact({ value })) ?? ''
}

describe('values under sensitive names', () => {
  const hidden: readonly (readonly [label: string, value: unknown])[] = [
    ['password', { password: 'hunter2' }],
    ['a word that is also a name', { password: 'secret-word hunter2' }],
    ['camel case', { dbPassword: 'hunter2' }],
    ['capitals', { API_KEY: 'hunter2', 'X-API-Key': 'hunter2' }],
    ['deep', { a: [{ b: { clientSecret: 'hunter2' } }] }],
    ['a list', { tokens: ['hunter2', 'hunter2'] }],
    ['an object', { credentials: { user: 'ann', word: 'hunter2' } }],
    ['an object of lists', { secrets: { db: ['hunter2'] } }],
    ['a map', new Map([['password', 'hunter2']])],
    ['a map in a map', new Map([['tokens', new Map([['a', 'hunter2']])]])],
    ['a set', { tokens: new Set(['hunter2']) }],
    ['headers', new Headers({ authorization: 'Bearer hunter2', 'x-api-key': 'hunter2' })],
    ['parameters', new URLSearchParams({ token: 'hunter2', user: 'ann' })],
    ['an address', new URL('https://ann:hunter2@x.example/?api_key=hunter2')],
    ['a request', { url: new URL('https://x.example/?access_token=hunter2') }],
    ['a text object', { password: Object('hunter2') }],
    [
      'text in a class',
      new (class Login {
        readonly password = 'hunter2'
      })(),
    ],
    ['toJSON', { toJSON: () => ({ password: 'hunter2' }) }],
    [
      'a getter',
      {
        get password() {
          return 'hunter2'
        },
      },
    ],
    ['a symbol', { password: Symbol('hunter2') }],
    ['cookies', { cookies: { sid: 'hunter2' }, 'set-cookie': ['sid=hunter2; Path=/'] }],
    ['raw headers', { rawHeaders: ['Host', 'x', 'Cookie', 'sid=hunter2', 'Authorization', 'hunter2'] }],
    [
      'pairs of headers',
      [
        ['authorization', 'hunter2'],
        ['cookie', 'sid=hunter2'],
      ],
    ],
    ['an argument list', { argv: ['node', 'x.js', '--password', 'hunter2', '--api-key', 'hunter2'] }],
    ['arguments with =', ['--password=hunter2']],
    ['an environment', [{ name: 'DB_PASSWORD', value: 'hunter2' }]],
    ['a problem', { field: 'password', received: 'hunter2' }],
    ['a JWK', { kty: 'RSA', n: 'public', d: 'hunter2', p: 'hunter2', qi: 'hunter2' }],
    ['its own key', { 'postgres://app:hunter2@db/orders': 1 }],
    ['a key of a map', new Map([['postgres://app:hunter2@db/orders', 1]])],
    ['JSON in a text', { body: '{"password":"hunter2"}' }],
    ['a key of its own word', { PGPASSWORD: 'hunter2', userpass: 'hunter2', csrftoken: 'hunter2' }],
    ['a key of a service', { stripeKey: 'aB3hunter2xY9zQ7w' }],
    ['a random session', { sessionId: 'hunter2hunter2A9xQ' }],
    ['basic auth of a client', { auth: { username: 'ann', password: 'hunter2' } }],
    ['inherited by a null prototype', Object.assign(Object.create(null) as object, { token: 'hunter2' })],
    ['an own __proto__', JSON.parse('{"__proto__":{"password":"hunter2"}}')],
  ]
  it.each(hidden)('%s', (_label, value) => {
    const written = write(value)
    expect(written).not.toContain('hunter2')
    expect(written).toContain('[redacted]')
    expect(redact(redact(value))).toEqual(redact(value))
  })

  it('numbers that are codes, and no others', () => {
    expect(
      redact({ pin: 4829, otp: 123456, cvv: 123, password: 12345678, token: 5, tokens: 900, secrets: 2 }),
    ).toEqual({
      ...{ pin: '[redacted]', otp: '[redacted]', cvv: '[redacted]', password: '[redacted]' },
      ...{ token: 5, tokens: 900, secrets: 2 },
    })
  })

  it('names that the caller adds, in any notation', () => {
    const keys = ['patient_id', 'Nickname']
    const record = {
      patientId: 'hunter2',
      'PATIENT-ID': 'hunter2',
      list: [{ nickName: 'x', nickname: 'hunter2' }],
    }
    expect(JSON.stringify(redact(record, { keys }))).not.toContain('hunter2')
    expect(redact({ patientId: 'a' })).toEqual({ patientId: 'a' })
  })
})

describe('errors', () => {
  it('stay errors, with all their parts redacted and written', () => {
    const cause = Object.assign(new TypeError('inner redis://:hunter2@c:6379'), {
      code: 'ECONNREFUSED',
      password: 'hunter2',
    })
    const error = new Error('connect to postgres://app:hunter2@db/x failed', { cause })
    const safe = redact(error)
    expect(safe).toBeInstanceOf(Error)
    expect(String(safe)).toBe('Error: connect to postgres://app:[redacted]@db/x failed')
    const written = JSON.parse(JSON.stringify(safe)) as Record<string, unknown>
    expect(written).toMatchObject({
      name: 'Error',
      message: 'connect to postgres://app:[redacted]@db/x failed',
      stack: expect.stringContaining('redact.test.ts'),
      cause: { name: 'TypeError', code: 'ECONNREFUSED', password: '[redacted]' },
    })
    expect(JSON.stringify(safe)).not.toContain('hunter2')
    expect(error.message).toContain('hunter2')
  })

  it('keep what they gather, end in a cycle, and survive being strange', () => {
    const gathered = new AggregateError([new Error('token=hunter2'), 'password=hunter2'], 'both')
    expect(redact(gathered)).toMatchObject({
      errors: [{ message: 'token=[redacted]' }, 'password=[redacted]'],
    })
    const own = new Error('its own cause')
    own.cause = own
    expect(redact(own)).toMatchObject({ message: 'its own cause', cause: '[circular]' })
    const strange = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('hunter2')
      },
    })
    expect(redact(strange)).toMatchObject({ message: '[unreadable]' })
    expect(write(Object.freeze(new DOMException('password=hunter2', 'AbortError')))).not.toContain('hunter2')
  })
})

describe('what is no plain data', () => {
  it('is written as what it is', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const shared = { a: 1 }
    const cycle: Record<string, unknown> = { one: shared, two: shared }
    cycle['self'] = cycle
    const safe = redact({
      big: 2n ** 70n,
      day: new Date(0),
      noDay: new Date(Number.NaN),
      pattern: /a+/g,
      bytes: new Uint8Array(2048),
      buffer: Buffer.from('password'),
      fn: () => 1,
      mark: Symbol('x'),
      proxy,
      cycle,
      promise: Promise.resolve(),
      map: new Map<unknown, unknown>([
        [1, 'a'],
        [{}, 'b'],
        [{}, 'c'],
      ]),
      set: new Set([1, 'a']),
      address: new URL('https://x.example/a'),
      get bad(): string {
        throw new Error('no')
      },
      broken: {
        toJSON() {
          throw new Error('no')
        },
      },
      itself: {
        a: 1,
        toJSON() {
          return this
        },
      },
    })
    expect(safe).toEqual({
      big: '1180591620717411303424',
      day: '1970-01-01T00:00:00.000Z',
      noDay: 'Invalid Date',
      pattern: '/a+/g',
      bytes: '[Uint8Array of 2,048 bytes]',
      buffer: '[Buffer of 8 bytes]',
      fn: '[function]',
      mark: 'Symbol(x)',
      proxy: '[unreadable]',
      cycle: { one: { a: 1 }, two: { a: 1 }, self: '[circular]' },
      promise: '[Promise]',
      map: { '1': 'a', '[object]': 'b', '[object] (2)': 'c' },
      set: [1, 'a'],
      address: 'https://x.example/a',
      bad: '[unreadable]',
      broken: '[unreadable]',
      itself: { a: 1, toJSON: '[function]' },
    })
  })
})
