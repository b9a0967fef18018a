import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LogFields, Logger } from '../contracts/logger.js'
import { createConsoleLogger } from './console-logger.js'
import { withFields } from './field-logger.js'
import { guardLogger } from './guarded-logger.js'

/** A logger of a user's own, which keeps what reaches it. */
function keeping(): Logger & { readonly records: { message: string; fields: LogFields | undefined }[] } {
  const records: { message: string; fields: LogFields | undefined }[] = []
  const keep = (message: string, fields?: LogFields): void => void records.push({ message, fields })
  return { records, debug: keep, info: keep, warn: keep, error: keep }
}

describe('guardLogger', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.each(['debug', 'info', 'warn', 'error'] as const)('hands no secret on at %s', (level) => {
    const kept = keeping()
    const error = new Error('connect to postgres://app:hunter2@db/x failed')
    guardLogger(kept)[level]('Authorization: Bearer hunter2', { password: 'hunter2', error, order: 7 })
    expect(kept.records).toMatchObject([
      { message: 'Authorization: Bearer [redacted]', fields: { password: '[redacted]', order: 7 } },
    ])
    const logged = kept.records[0]?.fields?.['error']
    expect(logged).toBeInstanceOf(Error)
    expect(String(logged)).toBe('Error: connect to postgres://app:[redacted]@db/x failed')
    expect(JSON.stringify(kept.records)).not.toContain('hunter2')
  })

  it('gives no fields where there were none, and leaves the ones given as they were', () => {
    const kept = keeping()
    const fields = { password: 'hunter2' }
    const guarded = guardLogger(kept)
    guarded.info('plain')
    guarded.info('more', fields)
    expect(kept.records[0]).toEqual({ message: 'plain', fields: undefined })
    expect(fields).toEqual({ password: 'hunter2' })
  })

  it('never throws: for a sink that does, and for fields that cannot be read', () => {
    const fail = (): never => {
      throw new Error('disk full')
    }
    guardLogger({ debug: fail, info: fail, warn: fail, error: fail }).error('x')
    const kept = keeping()
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const log = withFields(guardLogger(kept), { correlationId: 'a' })
    log.error('a revoked proxy', proxy)
    log.error('a getter that throws', {
      order: 7,
      get field(): string {
        throw new Error('no')
      },
    })
    expect(kept.records.map(({ fields }) => fields)).toEqual([
      { correlationId: 'a', fields: '[unreadable]' },
      { correlationId: 'a', fields: { order: 7, field: '[unreadable]' } },
    ])
  })

  it('redacts what the console logger writes, once', () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const log = guardLogger(createConsoleLogger())
    log.info('token=hunter2', { secret: 'hunter2' })
    log.debug('token=hunter2')
    expect(lines).toHaveBeenCalledOnce()
    expect(JSON.parse(String(lines.mock.calls[0]?.[0]))).toMatchObject({
      message: 'token=[redacted]',
      secret: '[redacted]',
    })
  })
})
