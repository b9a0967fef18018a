import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createConsoleLogger, formatRecord } from './console-logger.js'

function read(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const line = formatRecord('info', 'a message', fields)
  expect(line).not.toContain('\n')
  return JSON.parse(line) as Record<string, unknown>
}

/** Throws whenever it is asked for anything. */
function hostile(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

describe('formatRecord', () => {
  it('is one line of JSON for whatever it is given', () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true })
    fc.assert(
      fc.property(fc.dictionary(fc.string(), anything), (record) => {
        read(record)
      }),
    )
  })

  it('writes errors whole, with their causes', () => {
    const error = new TypeError('outer', { cause: new Error('inner', { cause: 'a text' }) })
    const { error: written } = read({ error })
    expect(written).toMatchObject({
      name: 'TypeError',
      message: 'outer',
      stack: expect.stringContaining('console-logger.test.ts'),
      cause: { name: 'Error', message: 'inner', cause: 'a text' },
    })
  })

  it('writes numbers beyond JSON as text, and ends a cycle', () => {
    const cycle: Record<string, unknown> = { big: 2n ** 70n }
    cycle['self'] = cycle
    expect(read({ cycle })).toMatchObject({ cycle: { big: '1180591620717411303424', self: '[circular]' } })
    const error = new Error('its own cause')
    error.cause = error
    expect(read({ error })).toMatchObject({ error: { message: 'its own cause', cause: '[circular]' } })
  })

  it.each<[string, () => unknown]>([
    [
      'a getter that throws',
      () => ({
        get secret(): string {
          throw new Error('no')
        },
      }),
    ],
    [
      'a toJSON that throws',
      () => ({
        toJSON() {
          throw new Error('no')
        },
      }),
    ],
    ['a revoked proxy', hostile],
    [
      'an error whose message throws',
      () =>
        Object.defineProperty(new Error(), 'message', {
          get() {
            throw new Error('no')
          },
        }),
    ],
    [
      'something that throws no error',
      () => ({
        toJSON() {
          throw 'no'
        },
      }),
    ],
  ])('says so, and keeps what it can, for %s', (_, make) => {
    const written = read({ order: 'ORD-7', count: 3, field: make() })
    expect(written).toMatchObject({ order: 'ORD-7', count: 3 })
    expect(JSON.stringify(written['field'])).toContain('[unreadable]')
  })

  it('ends deep nesting, and cuts a large text and says by how much', () => {
    let deep: object = {}
    for (let level = 0; level < 20_000; level += 1) deep = { deep }
    expect(JSON.stringify(read({ deep }))).toContain('[too deep: object]')
    expect(read({ text: '世"\n'.repeat(1_000_000) })['text']).toMatch(/… 2,967,\d{3} more characters$/)
  })

  it('shows no secret, in the message, the fields or an error', () => {
    const error = new Error('cannot reach postgres://app:hunter2@db/orders', { cause: 'token=hunter2' })
    const line = formatRecord('error', 'password=hunter2', { error, apiKey: 'hunter2', order: 'ORD-7' })
    expect(line).not.toContain('hunter2')
    expect(JSON.parse(line)).toMatchObject({
      message: 'password=[redacted]',
      apiKey: '[redacted]',
      order: 'ORD-7',
      error: { message: 'cannot reach postgres://app:[redacted]@db/orders', cause: 'token=[redacted]' },
    })
  })
})

describe('createConsoleLogger', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  function lines(): Record<string, unknown>[] {
    const written: Record<string, unknown>[] = []
    vi.spyOn(console, 'error').mockImplementation((line: string) => void written.push(JSON.parse(line)))
    return written
  }

  it('writes to stderr, from its level up, and never to stdout', () => {
    const written = lines()
    const stdout = vi.spyOn(process.stdout, 'write')
    const logger = createConsoleLogger('warn')
    logger.debug('a')
    logger.info('b')
    logger.warn('c', { order: 7 })
    logger.error('d')
    expect(written).toEqual([
      { time: expect.any(String), level: 'warn', message: 'c', order: 7 },
      { time: expect.any(String), level: 'error', message: 'd' },
    ])
    expect(new Date(String(written[0]?.['time'])).toISOString()).toBe(written[0]?.['time'])
    expect(stdout).not.toHaveBeenCalled()
  })

  it('says info and more unless told otherwise', () => {
    const written = lines()
    const logger = createConsoleLogger()
    logger.debug('a')
    logger.info('b')
    expect(written.map(({ message }) => message)).toEqual(['b'])
  })

  it('writes what it can when a field throws as it is read', () => {
    const written = lines()
    createConsoleLogger().error('the order failed', {
      order: 'ORD-7',
      get field(): string {
        throw new Error('no')
      },
    })
    expect(written).toMatchObject([
      { level: 'error', message: 'the order failed', order: 'ORD-7', field: '[unreadable]' },
    ])
  })
})
