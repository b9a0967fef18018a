import { describe, expect, it } from 'vitest'
import { isSensitiveName, looksSecret } from './secrets.js'

describe('names and shapes', () => {
  it.each([
    'password',
    'api_key',
    'accessToken',
    'X-API-Key',
    'dbpass',
    'csrftoken',
    'clientSecret',
    'PGPASSWORD',
    'signing-key',
    'seedPhrase',
    'secret_id',
    'AWS_SECRET_ACCESS_KEY',
  ])('%s is sensitive', (name) => expect(isSensitiveName(name)).toBe(true))
  it.each([
    'secretary',
    'secretariat',
    'passwordless',
    'keyboard',
    'author',
    'primaryKey',
    'compass',
    'bypass',
    'spinner',
    'monkey',
    'key',
  ])('%s is not', (name) => expect(isSensitiveName(name)).toBe(false))
  it('sees what issuers mark as theirs', () => {
    expect(looksSecret(`x ${['gsk', 'abcdefghijABCDEFGHIJ0123456789'].join('_')}`)).toBe(true)
    expect(looksSecret('an order of three books')).toBe(false)
  })
})
